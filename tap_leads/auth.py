"""How an account proves who it is, where a fixed header is not all of it: tokens end."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from tap_leads.errors import UNREADABLE, CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

_DAY = 86_400
_WARNING_DAYS = 14


class TokenApi(Protocol):
    """What asks for tokens, and tells of them, on behalf of one account."""

    def post(self, url: str, content: Mapping[str, str]) -> requests.Response:
        """Send JSON; the answer is a success, a 400 or a 401."""

    def warn(self, text: str) -> None:
        """Say something about the account that is no failure."""


class Auth(Protocol):
    """The tokens of an account; threads may use it at once."""

    def ready(self, api: TokenApi) -> None:
        """Have a token that is good by the clock.

        Raises:
            CredentialError: there is none; one line says what to do.
        """

    def headers(self) -> dict[str, str]:
        """The headers that carry the token."""

    def is_worth_another_try(self, response: requests.Response, api: TokenApi) -> bool:
        """Whether a request was refused for its token, and there is another token now."""


class LongLivedToken:
    """A token that nothing renews. Where it is a JWT, its `exp` says how long it is good."""

    def __init__(self, setting: str, token: str) -> None:
        """Use the token that is in `setting`."""
        self._setting = setting
        self._token = token
        self._expires = expiry_of(token)
        self._to_warn = threading.Lock()

    def ready(self, api: TokenApi) -> None:
        """Fail after the token's end, and warn once in the days before it."""
        if self._expires is None:
            return
        left = self._expires - time.time()
        day = f"{datetime.fromtimestamp(self._expires, UTC):%Y-%m-%d}"
        if left <= 0:
            raise CredentialError(
                f"the token in `{self._setting}` expired on {day}; make a new one and set it there"
            )
        if left <= _WARNING_DAYS * _DAY and self._to_warn.acquire(blocking=False):
            days = int(left // _DAY)
            api.warn(
                f"the token in `{self._setting}` expires on {day}, in {days} "
                f"day{'' if days == 1 else 's'}; make a new one and set it there before that"
            )

    def headers(self) -> dict[str, str]:
        """The headers that carry the token."""
        return bearer(self._token)

    def is_worth_another_try(self, response: requests.Response, api: TokenApi) -> bool:  # noqa: ARG002
        """Never: there is no other token."""
        return False


def bearer(token: str) -> dict[str, str]:
    """The header of RFC 6750."""
    return {"Authorization": f"Bearer {token}"}


def expiry_of(token: str) -> float | None:
    """The `exp` of a JWT in Unix seconds, None where there is none; no signature is checked."""
    try:
        _, payload, _ = token.split(".")
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=="))
        expires = float(claims["exp"])
        datetime.fromtimestamp(expires, UTC)
    except (*UNREADABLE, OverflowError, OSError):
        return None
    return expires
