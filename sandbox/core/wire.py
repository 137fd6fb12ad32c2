"""Requests and replies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sandbox.core.faults import Fault, none

if TYPE_CHECKING:
    from email.message import Message


@dataclass(slots=True)
class Request:
    """A request as the journal keeps it."""

    method: str
    path: str
    """The path below the API's base URL, as the real API would receive it."""
    query: dict[str, list[str]]
    headers: Message
    """Header names are case-insensitive."""
    at: float
    """When the request arrived, in monotonic seconds."""
    clock: float
    """When the request arrived by the sandbox's clock, in epoch seconds."""
    status: int = 0
    """The status of the reply; 0 if none was sent."""
    rows: int = 0
    """The number of rows in the reply."""
    pairs: list[tuple[str, str]] = field(default_factory=list, repr=False)
    """The query parameters in their original order."""
    base: str = field(default="", repr=False)
    """The API's base URL as the client wrote it."""
    body: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    """The credential, which identifies the account."""
    connection: int = 0
    """The number of the TCP connection."""
    answered: float | None = None
    """When the reply was complete, in monotonic seconds; `None` until then."""


@dataclass(slots=True)
class Reply:
    """A reply to a request."""

    status: int
    body: bytes = b""
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    fault: Fault = field(default_factory=none)


class RejectedError(Exception):
    """Raised for a request that the API rejects; carries the reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(status: int, content: object, type_: str = "application/json") -> Reply:
    """Return a reply in JSON."""
    return Reply(status, msgspec.json.encode(content), type_)


_REASONS = {
    200: "Welcome",
    401: "401 Authorization Required",
    403: "403 Forbidden",
    404: "404 Not Found",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}


def html_reply(status: int) -> Reply:
    """Return the error page of a web server, where a client expects JSON."""
    reason = _REASONS.get(status, str(status))
    page = (
        f"<html>\r\n<head><title>{reason}</title></head>\r\n<body>\r\n<center><h1>{reason}</h1>"
        "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, page.encode(), "text/html")
