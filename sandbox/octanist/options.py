"""Options of Octanist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.core.options import Options


@dataclass(kw_only=True)
class OctanistOptions(Options):
    """Options of Octanist."""

    echo_cap: bool = True
    """`meta.pagination.limit` is the page size in effect. Otherwise it is the requested one."""
    combine_operators: bool = True
    """Two operators on one field both apply. Otherwise only the last one does."""
    date_only: bool = False
    """Accept `YYYY-MM-DD` in filters as midnight UTC. Otherwise it is rejected."""
    null_keys: bool = True
    """A field without a value is `null`. Otherwise its key is missing."""
    new_click_ids: bool = True
    """Leads have `dclid`, `wbraid`, `gbraid` and `epik`."""
    error_shape: Literal["object", "text"] = "object"
    """`error` is an object, or plain text as in the oldest documentation."""
    bare_array: bool = False
    """The list is a bare array, as in the oldest documentation."""
    locked_leads: int = 0
    """Leads of each month in the statistics that are locked, and not in the list."""
    unlisted_leads: int = 0
    """Leads of each month in the statistics that are not locked, and not in the list."""
    stats_utc_offset: float = 0.0
    """The UTC offset, in hours, of the dates in statistics."""
    billing_period: bool = False
    """`usage` is that of a period of the subscription, whatever the requested period."""
