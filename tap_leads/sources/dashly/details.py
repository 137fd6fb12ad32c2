"""Details of the leads of Dashly and Carrot quest, with a request for each lead.

https://developers.dashly.io/webapi/endpoints/users/user/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_leads.errors import Code, LeadsError
from tap_leads.records.columns import OWN_FIELDS, UNRELATED, Column, Nested, Texts
from tap_leads.records.convert import INTEGER, ISO_TIME, TEXT, UNIX_TIME
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Chunk, Query, Row, Traits
from tap_leads.replication.pagination import CursorPaginator, OffsetPaginator
from tap_leads.replication.readahead import POLL_SECONDS, ReadAhead
from tap_leads.rest.errors import PermanentError
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.dashly.each import announce, is_gone
from tap_leads.sources.dashly.leads import LAST_SEEN, TRAITS, to_utc, user_bounds, zone_of
from tap_leads.timestamps import to_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tap_leads.replication.model import AccountLists, Bounds, Record
    from tap_leads.sources.base import Account, Settings
    from tap_leads.timestamps import Micros

_OPEN = Nested({}, rest=TEXT, members=UNRELATED)
_CUSTOM = Nested({}, many=False, rest=TEXT, members=OWN_FIELDS)
# The parts of a lead that are returned on request, by the column that has them.
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
    """Reads the leads that changed since the bookmark, then the details of each.

    The least recent lead is the first, so that a run continues where an earlier one ended.
    """

    @override
    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        limit: int | None = account.settings.get("details_per_run")
        known = None
        if bounds.bookmark_after is not None:
            known = bounds.bookmark_after + account.lookback
        leads: dict[Any, Row] = {}
        new = 0
        newest: Micros | None = None
        for chunk in super().read(account, bounds, workers):
            yield None
            for row in chunk.rows if chunk else ():
                leads[row.id] = row
                new += _is_new(row, known)
            if chunk and chunk.watermark is not None:
                newest = chunk.watermark
            if limit and new > limit and newest is not None:  # the list is in order
                break
        rows = sorted(leads.values(), key=_age)
        chosen = rows[: _end(rows, limit, known)] if limit else rows
        announce(account, len(chosen), "the details of {} leads")
        yield from ReadAhead([_read(account, chosen, newest)], 1).results(POLL_SECONDS)
        if len(chosen) < len(rows):
            rest = "the next run continues after them"
            if rows[len(chosen)].cursor is None:
                rest = (
                    "leads without a date of their last activity remain, which every run reads "
                    "last: raise the limit to read all of them"
                )
            account.warn(
                f"read the details of {len(chosen):,} leads, limited by `details_per_run`; {rest}",
                Code.DETAILS_LIMITED,
            )


def _age(row: Row) -> tuple[bool, Micros]:
    """Return a sort key: leads that were never seen come last."""
    return row.cursor is None, row.cursor or 0


def _is_new(row: Row, known: Micros | None) -> bool:
    """Return True if a lead is not part of the overlap with the run before."""
    return row.cursor is None or known is None or row.cursor > known


def _end(rows: Sequence[Row], limit: int, known: Micros | None) -> int:
    """Return how many of the leads to read: at least `limit` new ones, if there are so many.

    Leads of one moment are all read, as the bookmark cannot lie between them.
    """
    new = 0
    for index, row in enumerate(rows):
        is_same = index > 0 and row.cursor is not None and row.cursor == rows[index - 1].cursor
        if new >= limit and not is_same:
            return index
        new += _is_new(row, known)
    return len(rows)


def _read(account: AccountLists, leads: Sequence[Row], newest: Micros | None) -> Iterator[Chunk]:
    mark: Micros | None = None
    for index, lead in enumerate(leads):
        row = Row(_details(account, lead), lead.id, lead.cursor)
        after = leads[index + 1].cursor if index + 1 < len(leads) else None
        if lead.cursor is not None and newest is not None and lead.cursor != after:
            mark = min(lead.cursor, newest)
        yield Chunk([row], [mark], mark)


def _details(account: AccountLists, lead: Row) -> Record:
    """Return the details of a lead, or when it was found not to exist any more."""
    one = account.collection(_LEAD)
    seen = {"id": lead.id, "$last_seen": None if lead.cursor is None else to_text(lead.cursor)}
    try:
        page = one.fetch(Query(cursor="any", filters=({"id": str(lead.id)},)))
    except PermanentError as error:
        if not is_gone(error):
            raise
        return {**seen, "gone_at": to_text(one.now())}
    if not page.rows:
        raise LeadsError("the API returned no lead (HTTP 204)", code=Code.INVALID_RESPONSE)
    record = page.rows[0].record
    others = {} if str(record["id"]) == str(lead.id) else {"returned_id": record["id"]}
    return {**record, **others, **seen}


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
        traits=TRAITS,
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
