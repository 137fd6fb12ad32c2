"""Options that every API has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(kw_only=True)
class Options:
    """Options of an API. They can be changed while requests are being served.

    The defaults follow the API's documentation, or its safest reading.
    """

    ties: Literal["shuffled", "stable"] = "shuffled"
    """The order of rows with equal sort keys: different in each response, or always the same."""
    page_cap: int | None = None
    """The largest page the server returns, whatever `limit` says."""
    ignore_filters: bool = False
    """Accept filters and ignore them. The requested sort order still applies."""
    ignore_order: bool = False
    """Accept the requested sort order and ignore it."""
    empty_early: int = 0
    """Return an empty page for this many of the next list requests beyond a first page."""
    lag: float = 0.0
    """Seconds by the clock until lists show a change."""
    rate_limit: float | None = None
    """Requests allowed per second. Further requests get 429."""
    rate_retry_after: float | None = None
    """The `Retry-After` header of such a 429, in seconds."""
    rate_body: Literal["json", "html"] = "json"
    """The body of such a 429."""
    block_after: int | None = None
    """Block the client after this many 429s within a minute: 403 as HTML until `unblock()`."""
    ban_html: bool = False
    """Answer every request with 403 as HTML."""
    latency: float = 0.0
    """Seconds before each answer."""
    send_date: bool = True
    """Send a `Date` header with the clock's time."""
    limit_out_of_range: Literal["error", "clamp"] = "error"
    """Reject a `limit` above the maximum, or silently lower it."""
    limit_zero_error: bool = True
    """Reject `limit=0`. Otherwise it has the meaning in the API's older documentation."""
    gateway_timeout_above: int | None = None
    """Answer 504 to requests with a larger `limit`."""
    ignored_params: tuple[str, ...] = ()
    """Names of parameters to accept and ignore."""
    late_rows: bool = False
    """Run `after_request` after the IDs of a page are chosen and before their rows are read. A row
    that is edited there keeps its old position and shows its new values, a deleted row is missing,
    and `next` links, `hasMore` and totals are unchanged."""
