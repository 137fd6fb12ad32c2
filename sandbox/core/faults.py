"""Things that go wrong on the way: each fault spoils one list request."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal[
    "none",
    "reset",
    "stall",
    "truncate",
    "html200",
    "half_json200",
    "status",
    "early_204",
    "lost_reply",
    "meta_error200",
    "redirect",
]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault; made by the functions below."""

    kind: Kind
    code: int = 0
    counted: bool = True
    retry_after: float | str | None = None
    retry_after_date: float | None = None
    retry_after_body: float | str | None = None
    body: Literal["json", "html", "echo"] = "json"
    seconds: float = 0.0
    to: str = ""


def none() -> Fault:
    """No fault: lets one request pass, so that a later one can be hit."""
    return Fault(kind="none")


def reset() -> Fault:
    """The connection is reset (RST) instead of an answer."""
    return Fault(kind="reset")


def stall(seconds: float = 3600.0) -> Fault:
    """Half of the body arrives, then nothing for `seconds`, then the connection closes."""
    return Fault(kind="stall", seconds=seconds)


def truncate() -> Fault:
    """`Content-Length` promises the body, half of it arrives and the connection closes."""
    return Fault(kind="truncate")


def html200() -> Fault:
    """A 200 with an HTML page, as a proxy or a login wall sends it."""
    return Fault(kind="html200")


def half_json200() -> Fault:
    """A well-formed 200 whose JSON stops half way."""
    return Fault(kind="half_json200")


def status(
    code: int,
    *,
    retry_after: float | str | None = None,
    retry_after_date: float | None = None,
    retry_after_body: float | str | None = None,
    body: Literal["json", "html", "echo"] = "json",
) -> Fault:
    """Another status, with the API's own error body or a proxy's page.

    Args:
        code: The HTTP status.
        retry_after: The `Retry-After` header: seconds, or any text as it is.
        retry_after_date: The same as an HTTP date, this many seconds from the sandbox's now.
        retry_after_body: The same as `retry_after` of the body in JSON.
        body: The API's error in JSON, an HTML page, or that error and all that the request said.
    """
    return Fault(
        kind="status",
        code=code,
        retry_after=retry_after,
        retry_after_date=retry_after_date,
        retry_after_body=retry_after_body,
        body=body,
    )


def early_204(*, counted: bool = True) -> Fault:
    """The API's answer for "no more", though there is more; its total counts all rows, or none."""
    return Fault(kind="early_204", counted=counted)


def lost_reply() -> Fault:
    """The request is carried out and the connection closes without an answer."""
    return Fault(kind="lost_reply")


def meta_error200() -> Fault:
    """HTTP 200 around the API's own body for a 500."""
    return Fault(kind="meta_error200")


def redirect(to: str, code: int = 302) -> Fault:
    """A redirect to another address."""
    return Fault(kind="redirect", to=to, code=code)


_PLAIN = {
    "none": none,
    "reset": reset,
    "stall": stall,
    "truncate": truncate,
    "html200": html200,
    "half_json200": half_json200,
    "early_204": early_204,
    "lost_reply": lost_reply,
    "meta_error200": meta_error200,
}


def named(what: Fault | str | int) -> Fault:
    """A fault from its name, or from a status number.

    Raises:
        ValueError: There is no such fault.
    """
    if isinstance(what, Fault):
        return what
    if isinstance(what, int) or what.isdigit():
        return status(int(what))
    if what not in _PLAIN:
        message = f"no fault is called {what!r}; known: {', '.join(_PLAIN)}, or a status number"
        raise ValueError(message)
    return _PLAIN[what]()


class Faults:
    """The faults that an API has yet to commit."""

    def __init__(self) -> None:
        self._planned: deque[Fault] = deque()
        self._rate = 0.0
        self._kinds: tuple[Fault, ...] = ()
        self._rng = random.Random(0)

    def plan(self, *faults: Fault | str | int, after: int = 0) -> None:
        """Queue faults, one for each of the next list requests.

        Args:
            faults: Faults, names of faults, or status numbers.
            after: Let this many requests pass first.
        """
        self._planned.extend([none()] * after)
        self._planned.extend(named(fault) for fault in faults)

    def random(
        self, rate: float, kinds: Sequence[Fault | str | int] = ("reset", 503, 429), seed: int = 0
    ) -> None:
        """Spoil this share of the list requests for which no fault is planned."""
        self._rate = rate
        self._kinds = tuple(named(kind) for kind in kinds)
        self._rng = random.Random(seed)

    def clear(self) -> None:
        """Commit no more faults."""
        self._planned.clear()
        self._rate = 0.0

    @property
    def pending(self) -> int:
        """How many planned faults are left."""
        return len(self._planned)

    def take(self) -> Fault:
        """The fault of the next list request."""
        if self._planned:
            return self._planned.popleft()
        if self._rate and self._rng.random() < self._rate:
            return self._rng.choice(self._kinds)
        return none()
