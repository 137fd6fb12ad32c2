"""The switches of each API. The defaults are what its documentation says, or the safest reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(kw_only=True)
class Options:
    """Switches that every API has. They may be changed while requests are being served."""

    ties: Literal["shuffled", "stable"] = "shuffled"
    """Rows equal in every requested sort key: in another order at each call, or always the same."""
    page_cap: int | None = None
    """The server silently hands out pages no larger than this."""
    ignore_filters: bool = False
    """Filters are accepted and have no effect."""
    ignore_order: bool = False
    """The requested order is accepted and has no effect."""
    empty_early: int = 0
    """Answer this many of the next list requests beyond a first page as if there were no more."""
    lag: float = 0.0
    """Seconds of clock until a change shows in lists."""
    rate_limit: float | None = None
    """Requests within any one second; more get a 429."""
    rate_retry_after: float | None = None
    """`Retry-After` seconds sent along with such a 429."""
    rate_body: Literal["json", "html"] = "json"
    """The body of such a 429."""
    block_after: int | None = None
    """This many 429s within a minute block the client: 403 as bare HTML until `unblock()`."""
    ban_html: bool = False
    """Every request gets 403 as bare HTML."""
    latency: float = 0.0
    """Seconds before each answer."""
    send_date: bool = True
    """Send a `Date` header, from the sandbox's clock."""
    limit_out_of_range: Literal["error", "clamp"] = "error"
    """A `limit` above the maximum: refuse it or lower it silently."""
    limit_zero_error: bool = True
    """`limit=0` is refused; else it means what the API's older pages say."""
    gateway_timeout_above: int | None = None
    """Pages with a larger limit than this get 504."""
    ignored_params: tuple[str, ...] = ()
    """Parameters of these names are accepted and have no effect."""
    late_rows: bool = False
    """Run `after_request` between choosing the ids of a page and reading their rows: a row edited
    there shows its new state at its old place, a deleted one is missing, and the `next` link,
    `hasMore` and totals stay as they were chosen."""


@dataclass(kw_only=True)
class KommoOptions(Options):
    """Switches of Kommo."""

    rate_limit: float | None = 7.0
    block_after: int | None = 50
    limit_out_of_range: Literal["error", "clamp"] = "clamp"
    strict_bounds: Literal["inclusive", "exclusive", "half_open"] = "inclusive"
    """Both ends of `[from]` and `[to]`; half open is an inclusive `[from]`, an exclusive `[to]`."""
    statuses_filter: Literal["first", "all"] = "first"
    """How many indexes of `filter[statuses]` count."""
    custom_fields_filter: bool = False
    """`filter[custom_fields_values]` has an effect."""
    foreign_next: str | None = None
    """The origin that `_links.next` points to instead of the account's own."""
    repeat_next: bool = False
    """`_links.next` leads to the page it stands on."""
    last_page_next: bool = False
    """A last page that is exactly full has a `next` link too; behind it is a 204."""
    always_next: bool = False
    """Every page with leads on it has a `next` link; behind the last one is a 204."""
    page_ceiling: int | None = None
    """The highest page that is served."""
    page_ceiling_status: Literal[204, 504] = 204
    """The answer beyond `page_ceiling`."""
    missing_lead: Literal[204, 404] = 204
    """The answer for a single lead that does not exist."""
    only_deleted_filters: bool = True
    """Filters hold for `with=only_deleted` too."""
    with_source: bool = True
    """`with=source` is known."""
    minor_units: bool = True
    """Leads have `price_with_minor_units`."""
    loss_reason: Literal["array", "object"] = "array"
    """The shape of `_embedded.loss_reason`."""
    quantity: Literal["metadata", "element"] = "metadata"
    """Where a linked list element has its quantity."""
    admin: bool = True
    """Tokens are an administrator's; else users and roles are refused with 403."""
    own_leads_only: bool = False
    """Lists hold the token's own leads alone, and do not say so."""
    forbidden: tuple[str, ...] = ()
    """Paths below `/api/v4`, with all that is under them, that are refused with 403."""
    token_lifetime: int = 86_400
    """Seconds that an access token is good for."""
    refresh_lifetime: int = 90 * 86_400
    """Seconds that a refresh token is good for if it is not used."""
    rotation: Literal["grace", "strict"] = "grace"
    """A used refresh token dies with the first use of what it gave, or at once."""
    localised: bool = False
    """The token endpoint's errors are in Russian, as on amoCRM."""
    events_limit: int = 250
    """The largest page of events."""
    events_order: Literal["newest_first", "oldest_first", "shuffled"] = "newest_first"
    """The order of events, for which there is no parameter."""
    events_ties: Literal["stable", "shuffled"] = "stable"
    """Events of one second: always in the same order, or in another at each call."""
    events_lag: float = 0.0
    """Seconds of clock until a late event shows."""
    prompt_events: bool = False
    """Events show at once, however long lists lag behind."""
    late_events: float = 1.0
    """The share of events that are late, if `events_lag` is set."""
    events_retention_days: float | None = None
    """Events older than this are gone."""
    event_values: Literal["full", "empty", "odd"] = "full"
    """Whether events say what changed; else their values are `[]`, or nothing that has a sense."""
    merged_values: Literal["links", "ids", "empty"] = "links"
    """How `entity_merged` names what was merged, which the documentation does not say."""
    merged_on: Literal["heir", "merged"] = "heir"
    """Which lead an `entity_merged` is an event of, which the documentation does not say either."""
    merge_deletes: bool = False
    """A lead that is merged into another has a `lead_deleted` event of its own."""
    timezone: str = "UTC"
    """The account's time zone."""
    hidden_places: tuple[int, ...] = ()
    """Places in every list, from 0, whose rows are left out of their page after it was cut."""
    hidden_contacts: bool = True
    """Contacts of leads that nobody has accepted yet are not in the list."""


@dataclass(kw_only=True)
class DashlyOptions(Options):
    """Switches of Dashly and Carrot quest."""

    strict_bounds: Literal["inclusive", "exclusive"] = "inclusive"
    """Whether `daysmore` and `daysless` hold for the very moment."""
    reach: int = 10_000
    """The largest `offset + limit`."""
    reach_error: Literal["ValidationError", "BadRequest"] = "ValidationError"
    """The name of the error beyond the reach."""
    total_cap: int | None = None
    """`total` never says more than this."""
    missing_sort_prop: Literal["last", "omitted"] = "last"
    """Leads without the property that a list is sorted by."""
    expose_custom_props: bool = True
    """Properties that do not start with `$` are in the list."""
    props_utc_offset: float = 0.0
    """Hours from UTC of the dates in `props`, which name no zone."""


@dataclass(kw_only=True)
class OctanistOptions(Options):
    """Switches of Octanist."""

    echo_cap: bool = True
    """`meta.pagination.limit` shows the size in force, not the one asked for."""
    combine_operators: bool = True
    """Two operators on one field both count; else the last one alone."""
    date_only: bool = False
    """`YYYY-MM-DD` is a date (midnight UTC) in filters; else it is refused."""
    null_keys: bool = True
    """A field without a value is there as `null`; else its key is missing."""
    new_click_ids: bool = True
    """Leads have `dclid`, `wbraid`, `gbraid` and `epik`."""
    error_shape: Literal["object", "text"] = "object"
    """`error` is an object, or the bare text of the oldest pages."""
    bare_array: bool = False
    """The list comes as a bare array, as the oldest pages say."""
