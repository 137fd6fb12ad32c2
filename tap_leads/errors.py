"""Failures that one line explains to the person who runs the tap."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)
DATA_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""Exceptions that code raises if a value has an unexpected form."""

CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that end a line or change how a terminal shows it."""


def printable(text: str) -> str:
    """Return a text as one line, with its control characters escaped."""
    return CONTROL_CHARACTER.sub(lambda found: repr(found[0])[1:-1], text)


class Code(StrEnum):
    """Codes at the end of warnings and errors; the reference of messages explains each.

    They are stable: a text may change between versions, its code does not.
    """

    INVALID_SETTING = "invalid-setting"
    UNKNOWN_VARIABLE = "unknown-variable"
    CONFIG_FILE = "config-file"
    STATE_FILE = "state-file"
    CATALOG_FILE = "catalog-file"
    NOTHING_SELECTED = "nothing-selected"
    UNKNOWN_STREAM = "unknown-stream"
    CHANGED_SCHEMA = "changed-schema"
    TOO_MANY_COLUMNS = "too-many-columns"
    STREAM_MAP = "stream-map"

    HTTP_400 = "http-400"
    HTTP_401 = "http-401"
    HTTP_402 = "http-402"
    HTTP_403 = "http-403"
    HTTP_404 = "http-404"
    HTTP_405 = "http-405"
    HTTP_408 = "http-408"
    HTTP_425 = "http-425"
    HTTP_429 = "http-429"
    HTTP_5XX = "http-5xx"
    HTTP_OTHER = "http-other"
    REDIRECT = "redirect"
    IP_BLOCKED = "ip-blocked"
    RATE_LIMITED = "rate-limited"

    NO_RESPONSE = "no-response"
    TLS_CERTIFICATE = "tls-certificate"
    CA_BUNDLE = "ca-bundle"
    PROXY = "proxy"
    INVALID_HOST = "invalid-host"

    TOKEN_EXPIRING = "token-expiring"
    TOKEN_EXPIRED = "token-expired"
    NO_TOKENS = "no-tokens"
    TOKENS_MOVED = "tokens-moved"
    TOKENS_DIFFER = "tokens-differ"
    CODE_REJECTED = "code-rejected"
    REFRESH_TOKEN_REJECTED = "refresh-token-rejected"
    NEW_TOKEN_REJECTED = "new-token-rejected"
    NO_TOKENS_ISSUED = "no-tokens-issued"
    TOKEN_FILE = "token-file"
    TOKEN_FILE_LOCKED = "token-file-locked"
    TOKEN_STORE = "token-store"
    TOKEN_STORE_LOCKED = "token-store-locked"

    INVALID_RESPONSE = "invalid-response"
    INVALID_RECORD = "invalid-record"
    PAGINATION = "pagination"
    FOREIGN_LINK = "foreign-link"
    QUERY_LIMIT = "query-limit"
    INCOMPLETE = "incomplete"
    FILTERS_IGNORED = "filters-ignored"
    FUTURE_START = "future-start"
    FUTURE_RECORDS = "future-records"
    BOOKMARK_DISCARDED = "bookmark-discarded"
    NO_CUSTOM_FIELDS = "no-custom-fields"
    NO_TIME_ZONE = "no-time-zone"
    NOT_AN_ADMINISTRATOR = "not-an-administrator"
    STREAM_SKIPPED = "stream-skipped"
    LEADS_NOT_LISTED = "leads-not-listed"
    DETAILS_LIMITED = "details-limited"

    STOPPED = "stopped"
    OUTPUT_FAILED = "output-failed"
    TARGET_CLOSED = "target-closed"
    INTERNAL_ERROR = "internal-error"


def coded(text: str, code: Code | None) -> str:
    """Return the line of a message: its text with its code at the end."""
    return f"{text} [{code}]" if code else text


class LeadsError(Exception):
    """A failure that one line explains: what happened, in which account, what to do.

    Attributes:
        cause: What happened: the line without the advice.
        advice: What to do; a class may have one for all of its errors.
        code: The code of the message; a class may have one for all of its errors. None if the
            cause is the line of another error, with its code.
    """

    advice = ""
    code: Code | None = None

    def __init__(self, cause: str, advice: str = "", *, code: Code | None = None) -> None:
        """Compose the line."""
        self.cause = printable(cause)
        self.advice = advice or self.advice
        self.code = code or self.code
        text = f"{self.cause}. {self.advice}" if self.advice else self.cause
        super().__init__(coded(text, self.code))


def internal_error(error: BaseException) -> LeadsError:
    """Return the error for an unexpected exception, with its type and location.

    Its text is left out: it may contain personal data.
    """
    place = ""
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(_PACKAGE):
            place = f" in {code.co_qualname}, line {trace.tb_lineno}"
        trace = trace.tb_next
    cause = f"internal error in tap-leads ({type(error).__name__}{place}); please report this line"
    return LeadsError(cause, code=Code.INTERNAL_ERROR)
