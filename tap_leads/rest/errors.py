"""What can go wrong with a request, and the message for the person who runs the tap.

LeadsError
|-- PermanentError             a status, or a body, that a retry cannot improve
|   |-- CredentialError     no request of the account will be accepted
|   `-- AccountClosedError  not sent, because an earlier error ended the account
|-- ForeignLinkError        a link to another host, which must not receive the token
`-- TransientError          a retry may succeed
    `-- NoResponseError       there is no response, or not all of it
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_leads.errors import Code, LeadsError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOO_SLOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT})


class PermanentError(LeadsError):
    """A response that a retry cannot improve.

    Attributes:
        status: The HTTP status, if there is one.
        fatal_for_account: True if every other request of the account would fail as well.
        details: The error codes and request IDs in the response, ready for a message.
    """

    def __init__(  # noqa: PLR0913  # all but the cause are passed by name
        self,
        cause: str,
        advice: str = "",
        *,
        code: Code | None = None,
        status: int | None = None,
        fatal_for_account: bool = False,
        details: str = "",
    ) -> None:
        super().__init__(cause, advice, code=code)
        self.status = status
        self.fatal_for_account = fatal_for_account
        self.details = details


class CredentialError(PermanentError):
    """No credential of the account is accepted; the user must replace it."""

    def __init__(self, cause: str, advice: str = "", *, code: Code | None = None) -> None:
        super().__init__(
            cause, advice, code=code, status=HTTPStatus.UNAUTHORIZED, fatal_for_account=True
        )


class AccountClosedError(PermanentError):
    """A request that was not sent; the message is that of the error that ended the account."""

    def __init__(self, message: str) -> None:
        super().__init__(message, fatal_for_account=True)


class ForeignLinkError(LeadsError):
    """A link to another host than the account's."""

    code = Code.FOREIGN_LINK


class TransientError(LeadsError):
    """A response that a retry may improve.

    Attributes:
        status: The HTTP status, if there is one.
        retry_after: Seconds to wait at least, if the server named them.
        is_too_slow: True if the answer took too long, so that a smaller page may succeed.
    """

    def __init__(
        self,
        cause: str,
        advice: str = "",
        *,
        code: Code | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(cause, advice, code=code)
        self.status = status
        self.retry_after = retry_after
        self.is_too_slow = status in TOO_SLOW


class NoResponseError(TransientError):
    """There is no response, or not all of it; the message never holds the URL.

    Attributes:
        is_unreachable: True if there was no connection, which concerns every list of the host.
        is_of_api: False if it is not the API that does not respond.
    """

    code = Code.NO_RESPONSE
    is_of_api = True

    def __init__(
        self,
        cause: str,
        advice: str = "",
        *,
        timed_out: bool = False,
        is_unreachable: bool = False,
    ) -> None:
        super().__init__(cause, advice)
        self.is_too_slow = timed_out
        self.is_unreachable = is_unreachable


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a status means and what a person can do.

    `cause` and `advice` may hold `{api}`, the name of the API, and `{credential}` and `{base_url}`,
    the settings to check. `retry` is True if a retry may succeed, `fatal_for_account` if every
    other request of the account would fail.
    """

    code: Code
    cause: str
    advice: str
    retry: bool = False
    fatal_for_account: bool = False


_TRY_LATER = "If this persists, run the sync again later"
MEANINGS: Mapping[int, Meaning] = {
    400: Meaning(Code.HTTP_400, "{api} rejected the request", "Check `filters`"),
    401: Meaning(
        Code.HTTP_401,
        "{api} rejected {credential}",
        "It is incomplete, was revoked, or belongs to another account. Copy all of it, or create a "
        "new one",
        fatal_for_account=True,
    ),
    402: Meaning(
        Code.HTTP_402,
        "{api} reports that the account's subscription or trial has expired",
        "The API is unavailable until it is paid",
        fatal_for_account=True,
    ),
    403: Meaning(
        Code.HTTP_403,
        "{api} denied access to this data",
        "The credential has no permission to read it; it may require an administrator's "
        "credential. Check {credential}",
    ),
    404: Meaning(Code.HTTP_404, "{api} found no such account or endpoint", "Check {base_url}"),
    408: Meaning(Code.HTTP_408, "{api} timed out", _TRY_LATER, retry=True),
    425: Meaning(Code.HTTP_425, "{api} was not ready for the request", _TRY_LATER, retry=True),
    429: Meaning(
        Code.HTTP_429,
        "{api} received too many requests",
        "If this persists, lower `requests_per_second`",
        retry=True,
    ),
}
OPTIONAL_MEANINGS: Mapping[int, Meaning] = {
    402: Meaning(
        Code.HTTP_402,
        "the account's subscription does not include this data",
        "Deselect the stream, or change the subscription",
    ),
    403: replace(
        MEANINGS[403],
        advice=f"{MEANINGS[403].advice}, or deselect the stream",
    ),
    404: Meaning(Code.HTTP_404, "{api} has no such data for this account", "Deselect the stream"),
    405: Meaning(Code.HTTP_405, "{api} does not list this data", "Deselect the stream"),
}
"""Statuses that an account without a certain list, or without the right to it, gets for it."""
SERVER_FAULT = Meaning(Code.HTTP_5XX, "{api} reported a server error", _TRY_LATER, retry=True)
REDIRECT = Meaning(
    Code.REDIRECT,
    "{api} redirects in a loop, or a request that must not be redirected",
    "Check {base_url}",
)
REDIRECT_ELSEWHERE = Meaning(
    Code.REDIRECT,
    "{api} redirects to another host, which the tap does not follow to protect the credential",
    "Check {base_url}",
)
UNKNOWN = Meaning(
    Code.HTTP_OTHER,
    "{api} returned a status that its documentation does not list",
    "If this persists, contact the vendor's support",
)
BLOCKED = Meaning(
    Code.IP_BLOCKED,
    "{api} blocks this IP address: it returned an HTML page instead of data",
    "Wait, then lower `requests_per_second`, or contact the vendor's support",
    fatal_for_account=True,
)


def meaning_of(
    status: int, *, html: bool = False, elsewhere: bool = False, optional: bool = False
) -> Meaning:
    """Return the meaning of an HTTP status.

    Args:
        status: The status.
        html: True for a page in HTML: with a 403 it is a block by IP address.
        elsewhere: True for a redirect to another origin.
        optional: True if the account is of use without the response.
    """
    if status == HTTPStatus.FORBIDDEN and html:
        return BLOCKED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SERVER_FAULT
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return REDIRECT_ELSEWHERE if elsewhere else REDIRECT
    if optional and status in OPTIONAL_MEANINGS:
        return OPTIONAL_MEANINGS[status]
    return MEANINGS.get(status, UNKNOWN)


_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,79}")


def codes(*values: object) -> str:
    """Return error codes and request ids for a message: " (a, b)", or "" without any.

    Anything else is left out: a response may repeat what was requested, such as an email.
    """
    fit = [value for value in values if isinstance(value, str) and _CODE.fullmatch(value)]
    return f" ({', '.join(fit)})" if fit else ""


_REQUEST_ID = re.compile(r"[0-9a-f]{8}(-?)([0-9a-f]{4}\1){3}[0-9a-f]{12}", re.IGNORECASE)


def request_id(value: str) -> str:
    """Return the id of a request for a message if it is a UUID, with or without dashes."""
    return f" (request {value})" if _REQUEST_ID.fullmatch(value) else ""
