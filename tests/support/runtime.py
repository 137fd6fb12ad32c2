"""Replace clocks, random numbers and page sizes of every tap in a test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_leads.rest.rate_limiter import RateLimiter
from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    import pytest


class NoChance:
    """Random numbers that are always the smallest possible."""

    def uniform(self, a: float, _b: float, /) -> float:
        return a


class PatientLimiter(RateLimiter):
    """A rate limiter that a 429 does not slow down."""

    @override
    def slow_down(self, slot: Any, wait: float) -> None:
        pass


def set_runtime(patch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change the runtime of every tap in a test."""
    patch.setattr(TapLeads, "runtime", replace(TapLeads.runtime, **changes))


def set_traits(patch: pytest.MonkeyPatch, *streams: str, **changes: Any) -> None:
    """Change the traits of some streams (all by default) of every tap in a test."""
    patch.setattr(
        TapLeads,
        "sources",
        [
            replace(
                source,
                streams=[
                    replace(stream, traits=replace(stream.traits, **changes))
                    if stream.name in (streams or (stream.name,))
                    else stream
                    for stream in source.streams
                ],
            )
            for source in TapLeads.sources
        ],
    )
