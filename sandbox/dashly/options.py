"""Options of Dashly and Carrot quest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.core.options import Options


@dataclass(kw_only=True)
class DashlyOptions(Options):
    """Options of Dashly and Carrot quest."""

    strict_bounds: Literal["inclusive", "exclusive"] = "inclusive"
    """`daysmore` and `daysless` match the exact time, or they do not."""
    reach: int = 10_000
    """The maximum of `offset + limit`."""
    reach_error: Literal["ValidationError", "BadRequest"] = "ValidationError"
    """The name of the error beyond `reach`."""
    total_cap: int | None = None
    """The highest value of `total`."""
    missing_sort_prop: Literal["last", "omitted"] = "last"
    """Leads without the property that the list is sorted by: at the end, or not in the list."""
    expose_custom_props: bool = True
    """Lists include properties that do not start with `$`."""
    props_utc_offset: float = 0.0
    """The UTC offset, in hours, of the dates in `props`, which have no time zone."""
    missing_scopes: tuple[str, ...] = ()
    """Scopes that tokens lack, `conversations-read` or `user-read`: what needs them gets 403."""
    refused: dict[str, int] = field(default_factory=dict)
    """The status of each list that is refused: `conversations`, `parts`, `channels`, `users`."""
    refused_rows: dict[int, int] = field(default_factory=dict)
    """The status of each single lead and each conversation's parts that are refused, by ID."""
    position_name: Literal["next_before_position", "next_after"] = "next_before_position"
    """The name of the next page's position: documented, or as in an older sample."""
    repeat_position: bool = False
    """Every page but the first has its own position as that of the next page."""
    events_shape: Literal["list", "dict"] = "list"
    """The events of a single lead: a list, or an object with the IDs of events as names."""
