"""Faults: each one makes a single list request fail."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    """A fault. Use the functions below to create one."""

    kind: Kind
    code: int = 0
    counted: bool = True
    retry_after: float | str | None = None
    retry_after_date: float | None = None
    retry_after_body: float | str | None = None
    body: Literal["json", "html", "echo"] = "json"
    seconds: float = 0.0
    to: str = ""


FaultSpec = Fault | str | int | dict[str, Any]
"""A fault, its name, a status number, or `{"kind": name}` with the arguments of that fault."""


def none() -> Fault:
    """Let one request succeed, so that a fault hits a later one."""
    return Fault(kind="none")


def reset() -> Fault:
    """Reset the connection (RST) instead of answering."""
    return Fault(kind="reset")


def stall(seconds: float = 3600.0) -> Fault:
    """Send half of the body, then nothing for `seconds`, then close the connection."""
    return Fault(kind="stall", seconds=seconds)


def truncate() -> Fault:
    """Send half of the body that `Content-Length` announces, then close the connection."""
    return Fault(kind="truncate")


def html200() -> Fault:
    """Answer 200 with an HTML page, as proxies and login pages do."""
    return Fault(kind="html200")


def half_json200() -> Fault:
    """Answer 200 with JSON that is cut off in the middle."""
    return Fault(kind="half_json200")


def status(
    code: int,
    *,
    retry_after: float | str | None = None,
    retry_after_date: float | None = None,
    retry_after_body: float | str | None = None,
    body: Literal["json", "html", "echo"] = "json",
) -> Fault:
    """Answer with an error status.

    Args:
        code: The status.
        retry_after: The `Retry-After` header: seconds, or any text.
        retry_after_date: `Retry-After` as an HTTP date, this many seconds after the clock's time.
        retry_after_body: `retry_after` in the JSON body.
        body: The API's error in JSON, an HTML page, or the API's error with the request repeated.
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
    """Return an empty page before the end of the list; with `counted` its total is correct."""
    return Fault(kind="early_204", counted=counted)


def lost_reply() -> Fault:
    """Process the request, then close the connection without an answer."""
    return Fault(kind="lost_reply")


def meta_error200() -> Fault:
    """Answer 200 with the API's body for a 500."""
    return Fault(kind="meta_error200")


def redirect(to: str, code: int = 302) -> Fault:
    """Redirect to another URL."""
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
BY_NAME: dict[str, Callable[..., Fault]] = {**_PLAIN, "status": status, "redirect": redirect}


def named(what: FaultSpec) -> Fault:
    """Return the fault that was specified.

    Raises:
        ValueError: There is no such fault.
    """
    if isinstance(what, Fault):
        return what
    if isinstance(what, dict):
        others = dict(what)
        kind = str(others.pop("kind", None))
        if kind not in BY_NAME:
            raise ValueError(_unknown(kind))
        return BY_NAME[kind](**others)
    if isinstance(what, int) or what.isdigit():
        return status(int(what))
    if what not in _PLAIN:
        raise ValueError(_unknown(what))
    return _PLAIN[what]()


def _unknown(name: str) -> str:
    return f"no such fault: {name!r}; known: {', '.join(BY_NAME)}, or an HTTP status"


class Faults:
    """The faults that wait for the next list requests of an API."""

    def __init__(self) -> None:
        self._planned: deque[Fault] = deque()
        self._rate = 0.0
        self._kinds: tuple[Fault, ...] = ()
        self._rng = random.Random(0)

    def plan(self, *faults: FaultSpec, after: int = 0) -> None:
        """Queue faults, one for each of the next list requests.

        Args:
            faults: Faults, names of faults, status numbers, or dicts such as
                `{"kind": "stall", "seconds": 5}`.
            after: The number of requests that succeed first.
        """
        self._planned.extend([none()] * after)
        self._planned.extend(named(fault) for fault in faults)

    def random(
        self, rate: float, kinds: Sequence[FaultSpec] = ("reset", 503, 429), seed: int = 0
    ) -> None:
        """Make this share of the list requests fail, when no fault is planned."""
        self._rate = rate
        self._kinds = tuple(named(kind) for kind in kinds)
        self._rng = random.Random(seed)

    def clear(self) -> None:
        """Discard all faults."""
        self._planned.clear()
        self._rate = 0.0

    @property
    def pending(self) -> int:
        """The number of planned faults that are left."""
        return len(self._planned)

    def take(self) -> Fault:
        """Return the fault of the next list request."""
        if self._planned:
            return self._planned.popleft()
        if self._rate and self._rng.random() < self._rate:
            return self._rng.choice(self._kinds)
        return none()
