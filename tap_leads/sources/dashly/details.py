"""Details of the leads of Dashly and Carrot quest, with a request for each lead.

https://developers.dashly.io/webapi/endpoints/users/user/
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_leads.errors import Code, LeadsError
from tap_leads.records.columns import OWN_FIELDS, UNRELATED, Column, Nested, Texts
from tap_leads.records.convert import INTEGER, ISO_TIME, TEXT, UNIX_TIME
from tap_leads.replication.behavior import clock_at
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Query, Row, Traits
from tap_leads.replication.pagination import CursorPaginator, OffsetPaginator
from tap_leads.replication.readahead import in_background
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.dashly.leads import LAST_SEEN, LEAD_TRAITS, to_utc, user_bounds, zone_of
from tap_leads.sources.dashly.one_by_one import Item, OneByOne
from tap_leads.timestamps import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

    from tap_leads.replication.model import AccountLists, Bounds, Chunk, Record
    from tap_leads.sources.base import Account, Settings
    from tap_leads.timestamps import Micros

_OPEN = Nested({}, rest=TEXT, members=UNRELATED)
_CUSTOM = Nested({}, many=False, rest=TEXT, members=OWN_FIELDS)
_LISTED = "listed_at"
"""The key of the state that has the time at which the list of leads was read."""
_TURN = "never_seen_turn"
"""The key of the state that has the last lead without `$last_seen` that a limited run read."""
# Parts of a lead that the API returns on request: the parameter, and the column of the part.
_FLAGS = {
    "segments": "segments",
    "tags": "tags",
    "notes": "notes",
    "props_custom": "props_custom",
    "events": "event_types",
    "email_status": "email_status",
    "timezone_offset": "timezone_offset",
}


class LeadDetails(Keyset):
    """Reads the list of leads that changed since the bookmark, then the details of each.

    The lead that was active least recently comes first, so that a run resumes where an earlier one
    ended.
    """

    @override
    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        limit: int | None = account.settings.get("details_per_run")
        known = None
        if bounds.bookmark_after is not None:
            known = bounds.bookmark_after + account.lookback
            bounds = replace(bounds, after=_start(account, bounds.bookmark_after, known))
        began = monotonic()
        leads, newest = yield from self._list(super().read(account, bounds, workers), limit, known)
        listed = clock_at(account.collection(), began)  # the server's clock is known only now
        chosen, rest = _plan(leads, limit, known, account.kept.get(_TURN))
        chosen = [_noted(item, listed) if _is_new(item.cursor, known) else item for item in chosen]
        one_by_one = OneByOne(
            account, "the details of {} lead", partial(_details, account), partial(_gone, account)
        )
        yield from in_background(one_by_one.read(chosen, newest))
        if rest:
            account.warn(
                f"read the details of {len(chosen):,} leads, limited by `details_per_run`; {rest}",
                Code.DETAILS_LIMITED,
            )

    def _list(
        self, chunks: Iterator[Chunk | None], limit: int | None, known: Micros | None
    ) -> Generator[None, None, tuple[dict[str, Micros | None], Micros | None]]:
        """Return the cursors of the listed leads by ID, and the bookmark of the list.

        The list is read until it has more new leads than `limit`.
        """
        leads: dict[str, Micros | None] = {}
        new = 0
        newest: Micros | None = None
        for chunk in chunks:
            yield None
            for row in chunk.rows if chunk else ():
                leads[str(row.id)] = row.cursor
                new += _is_new(row.cursor, known)
            if chunk and chunk.watermark is not None:
                newest = chunk.watermark
            if limit and new > limit and newest is not None:  # the list is in order
                break
        return leads, newest


def _start(account: AccountLists, after: Micros, known: Micros) -> Micros:
    """Return where a run starts: later than `after` if the previous run requires less overlap.

    Its list contains all leads that were active `lookback_seconds` before it was read.
    """
    listed = from_text(account.kept.get(_LISTED))
    return after if listed is None else max(after, min(known, listed - account.lookback))


def _noted(item: Item, listed: Micros) -> Item:
    """Return a lead that, once it is read, sets the time of the list in the state.

    Leads are read in order, so all leads before it are read then.
    """
    return item._replace(kept={_LISTED: to_text(listed)})


def _is_new(cursor: Micros | None, known: Micros | None) -> bool:
    """Return True if a lead was seen, and is not part of the overlap with the previous run."""
    return cursor is not None and (known is None or cursor > known)


def _plan(
    leads: Mapping[str, Micros | None], limit: int | None, known: Micros | None, turn: Any
) -> tuple[list[Item], str]:
    """Return the leads to read, and which leads remain for the next runs, for a log line.

    Leads that were never seen come last. If the limit leaves some of them out, they take turns:
    `turn` is the last one that was read.
    """
    seen = [Item(each, cursor) for each, cursor in leads.items() if cursor is not None]
    seen.sort(key=lambda item: item.cursor or 0)
    never = [each for each, cursor in leads.items() if cursor is None]
    if limit is None:
        return [*seen, *(Item(each, None) for each in never)], ""
    end = _end([item.cursor or 0 for item in seen], limit, known)
    if end < len(seen):
        return seen[:end], "the next run continues after them"
    left = max(0, limit - sum(_is_new(item.cursor, known) for item in seen))
    if len(never) <= left:
        return [*seen, *(Item(each, None) for each in never)], ""
    never.sort(key=_id_order)
    start = bisect(never, _id_order(str(turn)), key=_id_order) if turn else 0
    chosen = [*never[start:], *never[:start]][:left]
    return (
        [*seen, *(Item(each, None, {_TURN: each}) for each in chosen)],
        "leads without a date of their last activity remain, which the next runs read in turn",
    )


def _id_order(text: str) -> tuple[int, str]:
    """Return a key that sorts IDs by their numbers."""
    return len(text), text


def _end(cursors: Sequence[Micros], limit: int, known: Micros | None) -> int:
    """Return how many of the leads to read: `limit` new ones, or all if there are fewer.

    Leads with the same cursor are read together, because a bookmark cannot separate them.
    """
    new = 0
    for index, cursor in enumerate(cursors):
        if new >= limit and (index == 0 or cursor != cursors[index - 1]):
            return index
        new += _is_new(cursor, known)
    return len(cursors)


def _details(account: AccountLists, lead: Item) -> list[Row]:
    """Return the row of a lead."""
    page = account.collection(_LEAD).fetch(Query(cursor="any", filters=({"id": lead.id},)))
    if not page.rows:
        raise LeadsError("the API returned no lead (HTTP 204)", code=Code.INVALID_RESPONSE)
    record = page.rows[0].record
    others = {} if str(record["id"]) == lead.id else {"returned_id": record["id"]}
    return [_row(lead, {**record, **others})]


def _gone(account: AccountLists, lead: Item) -> list[Row]:
    """Return the row of a lead that no longer exists: when the API reported that."""
    return [_row(lead, {"gone_at": to_text(account.collection(_LEAD).now())})]


def _row(lead: Item, record: Record) -> Row:
    last_seen = None if lead.cursor is None else to_text(lead.cursor)
    return Row({**record, "id": lead.id, "$last_seen": last_seen}, lead.id, lead.cursor)


def _fields(record: Record, account: Account) -> dict[str, Any]:
    """Return the fields of a lead without the properties that the stream of leads has."""
    fields = {k: v for k, v in record.items() if k not in {"props", "props_events"}}
    fields["removed"] = to_utc(fields.get("removed"), zone_of(account.settings))
    if isinstance(events := fields.get("events"), dict):  # apis/dashly.md 26
        fields["events"] = [
            {"id": key, **event} if isinstance(event, dict) else {"id": key, "event": event}
            for key, event in events.items()
        ]
    return fields


def _params(_settings: Settings, deselected: Collection[str]) -> dict[str, str]:
    flags = {flag: str(column not in deselected).lower() for flag, column in _FLAGS.items()}
    return {"props": "false", **flags, "convert_props_types": "true"}


def _one(data: Any) -> list[Record]:
    """Return the lead of a response; fail if it is no lead."""
    if "id" not in data:
        raise TypeError
    return [data]


_LEAD = StreamSpec(
    name="lead_details",
    path="/users/{id}",
    columns=(),
    paginator=CursorPaginator,
    traits=Traits(page_size=0),
    params=_params,
    records=_one,
)


def lead_details(name: str) -> StreamSpec:
    """Return the stream of the details of a brand's leads."""
    return StreamSpec(
        name=name,
        path="/users",
        replication_key=LAST_SEEN,
        paginator=OffsetPaginator,
        strategy=LeadDetails(),
        traits=LEAD_TRAITS,
        bounds=user_bounds,
        fields=_fields,
        optional=True,
        selected_by_default=False,
        columns=(
            Column("id", TEXT, "ID of the lead, as text because it can exceed integers."),
            Column("last_seen", ISO_TIME, "When the lead was last active.", "$last_seen"),
            Column("user_id", TEXT, "Your own ID of the lead: its User ID."),
            Column("removed", UNIX_TIME, "When the lead was deleted, or merged into another."),
            Column("gone_at", ISO_TIME, "When the API reported that it has no lead with this ID."),
            Column("app", TEXT, "ID of the app."),
            Column("presence", TEXT, "Presence of the lead: online, idle or offline."),
            Column("segments", _OPEN, "Segments that the lead belongs to, with their names."),
            Column("tags", Texts(), "Tags of the lead."),
            Column("notes", _OPEN, "Notes about the lead: author, text and date."),
            Column("props_custom", _CUSTOM, "Your own properties of the lead."),
            Column("event_types", _OPEN, "What the lead did, with names of events.", "events"),
            Column("email_status", TEXT, "Status of the lead's email address."),
            Column("timezone_offset", INTEGER, "Minutes from UTC to the lead's time zone."),
        ),
    )
