"""A request as an API sees it, and the answer it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sandbox.core.faults import Fault, none

if TYPE_CHECKING:
    from email.message import Message


@dataclass(slots=True)
class Request:
    """One request, as the journal keeps it."""

    method: str
    path: str
    """Below the API's base url, as the real API would see it."""
    query: dict[str, list[str]]
    headers: Message
    """Names in any case."""
    at: float
    """Monotonic seconds."""
    clock: float
    """The sandbox's moment."""
    status: int = 0
    """Of the answer; 0 if there was none."""
    rows: int = 0
    """Leads in the answer."""
    pairs: list[tuple[str, str]] = field(default_factory=list, repr=False)
    """The query in the order it came."""
    base: str = field(default="", repr=False)
    """The API's base url as the client wrote it."""
    body: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    """The credential it was sent with: what tells the accounts of an API apart."""
    connection: int = 0
    """The number of the TCP connection that it came on."""
    answered: float | None = None
    """Monotonic seconds when its answer was complete; `None` while it is under way."""


@dataclass(slots=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    fault: Fault = field(default_factory=none)


class RefusedError(Exception):
    """A request that the API refuses; carries the refusal."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(status: int, content: object, type_: str = "application/json") -> Reply:
    """An answer in JSON."""
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
    """A web server's own page, where a client expects JSON."""
    reason = _REASONS.get(status, str(status))
    page = (
        f"<html>\r\n<head><title>{reason}</title></head>\r\n<body>\r\n<center><h1>{reason}</h1>"
        "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, page.encode(), "text/html")
