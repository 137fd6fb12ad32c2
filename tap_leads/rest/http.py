"""A request and a response, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request without the credential, which the client adds.

    Values of `params` may be lists; a parameter whose value is None is left out. `json` is
    encoded as the body. `at` is not sent: it tells whoever parses the response what it is.
    `optional` is True if the account is of use without the response (see `OPTIONAL_MEANINGS`).
    """

    method: str
    url: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    at: Any = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response with its complete, decompressed body.

    Names in `headers` are case-insensitive. `url` is the URL that was requested. `seconds` is
    the time from sending the request to the end of the body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    seconds: float = 0.0
    request: Request | None = None

    @property
    def ok(self) -> bool:
        """True if the status is below 400."""
        return self.status < HTTPStatus.BAD_REQUEST
