"""Dependencies of a run that are not settings; tests pass their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_leads.sources.connect import Network

if TYPE_CHECKING:
    from tap_leads.singer.prefetch import Prefetch
    from tap_leads.singer.report import RunReport


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Intervals and network dependencies of a run.

    Attributes:
        network: Clocks, retries and rate limits.
        records_per_state: The maximum number of records of an account between two STATE messages.
        heartbeat: Seconds between two progress lines; also the longest time between two STATE
            messages while records are emitted.
    """

    network: Network = field(default_factory=Network)
    records_per_state: int = 1000
    heartbeat: float = 10.0


@dataclass(frozen=True, slots=True)
class RunContext:
    """Objects that all streams of a run share."""

    report: RunReport
    prefetch: Prefetch[Any]
    runtime: Runtime
