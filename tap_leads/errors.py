"""What can go wrong, and what it tells the person who runs the tap.

LeadsError                  one line for people; the run ends with exit code 1
|-- SettingsError           a line for each setting, state or catalog that cannot be used
|-- FailedStreamsError      streams that failed while others were read
|-- PagingError             the source's paging contradicts itself
|-- IncompleteError         the tap cannot be sure that it has everything
|-- AnswerError             an HTTP status, or a body that is not what the API promises
|   `-- CredentialError     no request of the account will be accepted
`-- TransientError          worth asking again
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class LeadsError(Exception):
    """A failure that one line explains: what happened, in which account, what to do."""


class SettingsError(LeadsError):
    """Settings, state or catalog that cannot be used; `lines` has one line for each reason."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Say what is wrong, one line for each thing."""
        super().__init__("; ".join(lines))
        self.lines = lines


class FailedStreamsError(LeadsError):
    """Streams of some accounts failed, each already told in its line; the others were read."""

    def __init__(self, failures: Sequence[str], streams: int) -> None:
        """Count them, of all `streams` of all accounts that were to be read."""
        super().__init__(
            f"{len(failures)} of {streams} streams failed, counted for each account; what was read "
            "is kept"
        )


class PagingError(LeadsError):
    """The source's paging contradicts itself."""


class IncompleteError(LeadsError):
    """The tap cannot be sure that it has everything."""


class AnswerError(LeadsError, FatalAPIError):
    """An answer that asking again will not better; `closes` says that for every other request."""

    def __init__(self, message: str, *, status: int | None = None, closes: bool = False) -> None:
        """Say what happened."""
        super().__init__(message)
        self.status = status
        self.closes = closes
        self.is_told = False
        """Whether a stream of the account has said it for all of them."""


class CredentialError(AnswerError):
    """The account has nothing that the API accepts, and a person has to see to it."""

    def __init__(self, message: str) -> None:
        """Say what to do."""
        super().__init__(message, status=HTTPStatus.UNAUTHORIZED, closes=True)


class TransientError(LeadsError, RetriableAPIError):
    """An answer that asking again may better; `retry_after` is what the server asked for."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        """Say what happened; wait `retry_after` seconds at least where the server said so."""
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a status means and what a person can do; `{credential}` names the setting.

    `retry`: asking again may help. `closes`: no other request of the account will fare better.
    """

    text: str
    retry: bool = False
    closes: bool = False


MEANINGS: Mapping[int, Meaning] = {
    400: Meaning("the API refuses the request; look at `filters`"),
    401: Meaning("the API does not accept the credential; look at `{credential}`", closes=True),
    402: Meaning(
        "the account is not paid for, or its trial is over; the API stays closed until it is paid",
        closes=True,
    ),
    403: Meaning(
        "the credential lacks the right to read this, which may be an administrator's alone; look "
        "at `{credential}`"
    ),
    404: Meaning("there is no such account or API; look at {address}"),
    408: Meaning("the API took too long", retry=True),
    425: Meaning("the API was not ready", retry=True),
    429: Meaning("too many requests; a lower `requests_per_second` may help", retry=True),
}
SERVER_FAULT = Meaning("the API has a fault of its own; try again later", retry=True)
REDIRECT = Meaning(
    "the API sends the tap to another address, which it does not follow with a "
    "token; look at {address}"
)
UNKNOWN = Meaning("the API gives an answer that its documentation does not name")
BLOCKED = Meaning(
    "the API blocks this address (an HTML page in place of an answer); wait, then "
    "lower `requests_per_second`, or ask the vendor's support",
    closes=True,
)


def meaning_of(status: int, *, html: bool = False) -> Meaning:
    """The meaning of an HTTP status; a 403 page in HTML is a block, not a missing right."""
    if status == HTTPStatus.FORBIDDEN and html:
        return BLOCKED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SERVER_FAULT
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return REDIRECT
    return MEANINGS.get(status, UNKNOWN)


_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,79}")


def codes(*values: Any) -> str:
    """Error codes and request ids fit for a log: anything that is not one is left out.

    An answer may repeat what was asked for, and that may be somebody's e-mail or phone.
    """
    fit = [value for value in values if isinstance(value, str) and _CODE.fullmatch(value)]
    return f" ({', '.join(fit)})" if fit else ""


_REQUEST_ID = re.compile(r"[0-9a-f]{8}(-?)([0-9a-f]{4}\1){3}[0-9a-f]{12}", re.IGNORECASE)


def request_id(value: str) -> str:
    """The id of a request fit for a log: 32 hexadecimal digits, or a UUID; nothing else."""
    return f" (request {value})" if _REQUEST_ID.fullmatch(value) else ""


# What code raises that meets a value it did not expect.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def fault_of(error: BaseException) -> str:
    """An exception that nobody foresaw, by its kind and place: its text may hold a lead's data."""
    place = ""
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if "tap_leads" in code.co_filename:
            place = f" in {code.co_qualname}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"this is a fault of tap-leads: {type(error).__name__}{place}"
