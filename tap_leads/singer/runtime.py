"""What a run depends on beside its settings; tests pass their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_leads.sources.connect import Network

if TYPE_CHECKING:
    from tap_leads.singer.prefetch import Prefetch
    from tap_leads.singer.report import RunReport


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Intervals of a run, and what its requests depend on.

    Attributes:
        network: Clocks, retries and rate limits.
        records_per_state: How many records may follow a STATE message.
        heartbeat: Seconds between two progress lines, and at most between two STATE messages
            while records are emitted.
    """

    network: Network = field(default_factory=Network)
    records_per_state: int = 1000
    heartbeat: float = 10.0


@dataclass(frozen=True, slots=True)
class Run:
    """What the streams of a run share."""

    report: RunReport
    prefetch: Prefetch
    runtime: Runtime
