"""The protocol of authentication, and tokens that nothing renews."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override

from tap_leads.errors import DATA_ERRORS, Code
from tap_leads.rest.clock import SystemClock
from tap_leads.rest.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_leads.rest.clock import Clock
    from tap_leads.rest.http import Response

_DAY = 86_400
_WARNING_DAYS = 14


class TokenEndpoint(Protocol):
    """What authentication needs from the client of its account."""

    def acquire(self) -> None:
        """Wait until the rate limit allows a request for tokens."""

    def post(self, url: str, content: Mapping[str, str]) -> Response:
        """Send a request for tokens as JSON; the response is a success, a 400 or a 401.

        Call `acquire` before.
        """

    def warn(self, text: str, code: Code) -> None:
        """Log a warning that names the account."""


class Auth(Protocol):
    """The credential of an account; threads share it."""

    @property
    def is_on_trial(self) -> bool:
        """True while it is unknown if the API accepts the token that it issued last."""

    def headers(self, endpoint: TokenEndpoint) -> dict[str, str]:
        """Return the headers that carry the credential, for one request.

        A token that has expired is renewed at `endpoint` before. If the request then gets no
        response, call `record_no_answer`.

        Raises:
            CredentialError: There is no valid token; the message says what to do.
        """

    def renew_if_rejected(
        self, response: Response, sent: Mapping[str, str], endpoint: TokenEndpoint
    ) -> bool:
        """Renew the token if the one in `sent` was rejected; return True if there is another.

        Call it for every 401, and for every response while the token is on trial.
        """

    def record_no_answer(self, sent: Mapping[str, str]) -> None:
        """Record that the request with the headers `sent` failed, or was not sent after all."""


class HeaderToken:
    """A credential that is one fixed header."""

    is_on_trial = False

    def __init__(self, header: str, value: str) -> None:
        self._headers = {header: value}

    def headers(self, endpoint: TokenEndpoint) -> dict[str, str]:  # noqa: ARG002
        """Return the header; its expiry is unknown."""
        return self._headers

    def renew_if_rejected(
        self,
        response: Response,  # noqa: ARG002
        sent: Mapping[str, str],  # noqa: ARG002
        endpoint: TokenEndpoint,  # noqa: ARG002
    ) -> bool:
        """Return False: there is no other token."""
        return False

    def record_no_answer(self, sent: Mapping[str, str]) -> None:
        """Do nothing: requests are not counted."""


class LongLivedToken(HeaderToken):
    """A bearer token that nothing renews; if it is a JWT, `exp` says when it expires.

    `setting` is the setting that holds the token, for messages.
    """

    def __init__(self, setting: str, token: str, clock: Clock | None = None) -> None:
        super().__init__(*bearer(token).popitem())
        self._setting = setting
        self._clock = clock or SystemClock()
        self._expires = expiry_of(token)
        self._to_warn = threading.Lock()

    @override
    def headers(self, endpoint: TokenEndpoint) -> dict[str, str]:
        """Return the header; fail after the token's expiry, warn once in the 14 days before."""
        if self._expires is None:
            return self._headers
        left = self._expires - self._clock.time()
        if left > _WARNING_DAYS * _DAY:
            return self._headers
        day = f"{datetime.fromtimestamp(self._expires, UTC):%Y-%m-%d}"
        if left <= 0:
            raise CredentialError(
                f"the token in `{self._setting}` expired on {day}; replace it with a new token",
                code=Code.TOKEN_EXPIRED,
            )
        # Nobody releases the lock: the first thread that gets it is the only one to warn.
        if self._to_warn.acquire(blocking=False):
            days = int(left // _DAY)
            endpoint.warn(
                f"the token in `{self._setting}` expires on {day}, in {days} "
                f"day{'' if days == 1 else 's'}; replace it with a new token before then",
                Code.TOKEN_EXPIRING,
            )
        return self._headers


def bearer(token: str) -> dict[str, str]:
    """Return the header of RFC 6750."""
    return {"Authorization": f"Bearer {token}"}


def expiry_of(token: str) -> float | None:
    """Return the `exp` of a JWT in Unix seconds, None without one; no signature is checked."""
    try:
        _, payload, _ = token.split(".")
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=="))
        expires = float(claims["exp"])
        datetime.fromtimestamp(expires, UTC)
    except (*DATA_ERRORS, OverflowError, OSError):
        return None
    return expires
