"""Options of Kommo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.core.options import Options


@dataclass(kw_only=True)
class KommoOptions(Options):
    """Options of Kommo."""

    rate_limit: float | None = 7.0
    """Requests allowed per second. Further requests get 429."""
    block_after: int | None = 50
    """Block the client after this many 429s within a minute: 403 as HTML until `unblock()`."""
    limit_out_of_range: Literal["error", "clamp"] = "clamp"
    """Reject a `limit` above the maximum, or silently lower it."""
    subdomain: Literal["found", "missing", "redirect"] = "found"
    """The account's subdomain: it exists; it does not exist, so that every request gets 404 as
    HTML; or every request is redirected to `start_page` on another host."""
    start_page: str = "https://www.example.com/"
    """The target of the redirect for `subdomain="redirect"`."""
    refused: dict[str, int] = field(default_factory=dict)
    """Paths below `/api/v4`, including all paths under them, and the status they are refused with:
    402 (not paid), 405 (cannot be listed). `/` is the whole account."""
    forbidden: tuple[str, ...] = ()
    """Paths below `/api/v4`, including all paths under them, that get 403."""
    strict_bounds: Literal["inclusive", "exclusive", "half_open"] = "inclusive"
    """Bounds of filters: both match the exact value, neither does, or only `[from]` does."""
    statuses_filter: Literal["first", "all"] = "first"
    """Apply the first index of `filter[statuses]` only, or all of them."""
    custom_fields_filter: bool = False
    """Apply `filter[custom_fields_values]`. Otherwise it is ignored."""
    foreign_next: str | None = None
    """The origin in `_links.next`. Default: the account's own."""
    repeat_next: bool = False
    """`_links.next` points to the same page."""
    last_page_next: bool = False
    """A last page that is exactly full also has a `next` link, which leads to a 204."""
    always_next: bool = False
    """Every page with rows has a `next` link. The last one leads to a 204."""
    page_ceiling: int | None = None
    """The highest page number that is served."""
    page_ceiling_status: Literal[204, 504] = 204
    """The status of pages beyond `page_ceiling`."""
    customers_mode: Literal["unavailable", "disabled", "periodicity", "dynamic", "segments"] = (
        "disabled"
    )
    """Whether the account has customers, and of which kind. Without them, their paths get 402."""
    customers_filters: bool = True
    """Customers can be filtered and sorted by `updated_at`. Otherwise both are ignored."""
    missing_lead: Literal[204, 404] = 204
    """The status for a single row that does not exist."""
    only_deleted_filters: bool = True
    """Filters also apply to `with=only_deleted`."""
    people_bin: bool = True
    """Support `with=only_deleted` for contacts and companies. Otherwise it is ignored."""
    with_source: bool = True
    """Support `with=source`."""
    minor_units: bool = True
    """Leads have `price_with_minor_units`."""
    loss_reason: Literal["array", "object"] = "array"
    """The type of `_embedded.loss_reason`."""
    quantity: Literal["metadata", "element"] = "metadata"
    """The location of the quantity in a linked list element."""
    admin: bool = True
    """Tokens belong to an administrator. Otherwise users and roles get 403."""
    own_leads_only: bool = False
    """Lists silently contain only the leads of the token's user."""
    token_lifetime: int = 86_400
    """Lifetime of an access token in seconds."""
    refresh_lifetime: int = 90 * 86_400
    """Lifetime of an unused refresh token in seconds."""
    rotation: Literal["grace", "strict"] = "grace"
    """A used refresh token expires when one of its successors is first used, or immediately."""
    localised: bool = False
    """The token endpoint's errors are in Russian, as in amoCRM."""
    events_limit: int = 250
    """The maximum `limit` of events."""
    events_order: Literal["newest_first", "oldest_first", "shuffled"] = "newest_first"
    """The order of events, which cannot be requested."""
    events_ties: Literal["stable", "shuffled"] = "stable"
    """The order of events within one second: always the same, or different in each response."""
    events_lag: float = 0.0
    """Seconds by the clock until lists show a late event."""
    prompt_events: bool = False
    """Lists show events at once, whatever `lag` says."""
    late_events: float = 1.0
    """The share of events that are late, if `events_lag` is set."""
    events_retention_days: float | None = None
    """Days after which events are no longer listed."""
    customer_events: Literal["listed", "refused"] = "listed"
    """Without customers, `filter[entity]=customer` finds nothing, or is refused."""
    entity_filter: Literal["one", "several", "ignored"] = "one"
    """`filter[entity]` of events supports one entity type, or several, or is ignored."""
    event_values: Literal["full", "empty", "odd"] = "full"
    """The values before and after a change: documented, empty, or malformed."""
    merged_values: Literal["links", "ids", "empty"] = "links"
    """The values of `entity_merged` events, which are not documented."""
    merged_on: Literal["heir", "merged"] = "heir"
    """The row that an `entity_merged` event belongs to, which is not documented."""
    merge_deletes: bool = False
    """A row that is merged into another also gets an event of its deletion."""
    timezone: str = "UTC"
    """The account's time zone."""
    currency: str = "USD"
    """The currency of the account."""
    hidden_places: tuple[int, ...] = ()
    """Positions in every list, from 0, whose rows are missing from their page."""
    chat_history: bool = True
    """Tokens have the scope "External chat history". Otherwise messages get 403."""
    talks_order: Literal["newest_first", "oldest_first", "edited_first", "edited_last"] = (
        "newest_first"
    )
    """The order of conversations, which cannot be requested."""
    talks_listed: int | None = None
    """The number of newest conversations that the list has. Default: all."""
    message_events: Literal["talk", "contact", "empty"] = "talk"
    """The events of messages name the conversation, only the contact, or only the lead."""
    messages_move_talks: bool = False
    """A message updates the `updated_at` of its conversation."""
    hidden_contacts: bool = True
    """Lists omit the contacts of incoming leads that are not accepted yet."""

    @property
    def has_customers(self) -> bool:
        """Return True if the account has customers."""
        return self.customers_mode not in {"unavailable", "disabled"}
