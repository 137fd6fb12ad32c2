"""Custom fields as columns: `cf_<id>`, typed by the definition of the field.

https://developers.kommo.com/reference/custom-fields-by-entity

Only IDs are reliable: names and codes change and are not unique (apis/kommo.md 16). The values are
also in `custom_fields_values`, so a field that has no column yet is not lost.

A target cannot change the type of a column. The state therefore stores the types, and a column
keeps its type if its field changes type, is deleted, or cannot be listed in a run.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tap_leads.errors import DATA_ERRORS, Code, LeadsError, internal_error
from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, JSON, text
from tap_leads.replication.full_table import FullTable
from tap_leads.replication.model import Bounds
from tap_leads.rest.errors import AccountClosedError
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.collection import ApiLists
from tap_leads.sources.kommo.account import ACCOUNT
from tap_leads.sources.kommo.api import FULL_LIST, objects
from tap_leads.sources.kommo.custom_values import (
    COLUMN_OF_CODE,
    DAY,
    DAYS,
    DYNAMIC_COLUMNS,
    KEPT_TYPES,
    OPTIONS,
    column_type,
    redact_items,
    redact_unknown,
    seconds_of,
)
from tap_leads.sources.kommo.customers import OfCustomers
from tap_leads.sources.kommo.lists import EachList

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_leads.records.convert import Type
    from tap_leads.replication.model import Record, Strategy
    from tap_leads.sources.base import Account, Discovery

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATE = "custom_fields"
"""The key of a stream's state that holds the columns by type."""


@dataclass(frozen=True, slots=True)
class AccountFields:
    """The custom fields of a stream in one account: definitions by ID, and its time zone."""

    definitions: Mapping[int, Record] = field(default_factory=dict)
    zone: tzinfo | None = None

    def columns(self) -> Iterator[Column]:
        """Yield a column for each field, and another for the option ID if it has options."""
        for number, definition in self.definitions.items():
            kind, code = str(definition.get("type")), definition.get("code")
            label = f"{text(definition.get('name') or '')}{f' ({code})' if code else ''}, {kind}."
            repeated = COLUMN_OF_CODE.get(str(code))
            own_type = column_type(kind)
            if repeated:
                own_type = replace(own_type, members=partial(redact_items, column=repeated))
            yield Column(f"cf_{number}", own_type, label)
            if kind in OPTIONS:
                name = f"cf_{number}_enum_id"
                yield Column(name, INTEGER, f"ID of the option of {label}", repeats=f"cf_{number}")

    def values(self, custom: Record) -> dict[str, Any]:
        """Return the columns of one field of a record."""
        number: Any = custom.get("field_id")
        items = custom.get("values")
        if not items:
            return {}
        kind = str(self.definitions.get(number, custom).get("type") or custom.get("field_type"))
        if column_type(kind) is JSON:
            return {f"cf_{number}": items}
        known = objects(items)
        alone: Record = known[0] if len(known) == 1 and known == items else {}
        value = alone.get("value", items)
        if kind in DAYS and (seconds := seconds_of(value)) is not None:
            value = self._day_of(seconds)
        columns = {f"cf_{number}": value}
        if kind in OPTIONS:
            columns[f"cf_{number}_enum_id"] = alone.get("enum_id")
        return columns

    def _day_of(self, seconds: int) -> Any:
        """Return the date of a Unix time in the account's time zone."""
        if self.zone is None:
            return seconds
        try:
            return (_EPOCH + timedelta(seconds=seconds)).astimezone(self.zone).date().isoformat()
        except OverflowError:
            return seconds


def discover(discovery: Discovery, streams: Sequence[StreamSpec]) -> Sequence[StreamSpec]:
    """Return the streams, with a column for each custom field.

    Requests are sent only for accounts with `custom_fields: columns`.
    """
    asking = [a for a in discovery.accounts if a.settings["custom_fields"] == "columns"]
    if not asking:
        return streams
    return [_with_fields(s, asking, discovery) if s.dynamic_columns else s for s in streams]


def _with_fields(
    stream: StreamSpec, accounts: Sequence[Account], discovery: Discovery
) -> StreamSpec:
    kept = _kept(discovery.bookmarks.get(stream.name))
    known = {each.label: _account_fields(stream, each, kept, discovery) for each in accounts}
    columns = {
        # These fields have no definition, so any of them may contain phone numbers or emails.
        name: Column(name, replace(kept_type, members=redact_unknown), "Deleted custom field.")
        for name, kept_type in kept.items()
    }
    for column in (column for each in known.values() for column in each.columns()):
        old = kept.get(column.name, column.type)
        same = old.schema == column.type.schema
        columns[column.name] = column if same else replace(column, type=old)

    def fields(record: Record, account: Account) -> dict[str, Any]:
        found = {**stream.fields(record, account)}
        if mine := known.get(account.label):
            for custom in objects(record.get("custom_fields_values")):
                found |= {n: v for n, v in mine.values(custom).items() if n in columns}
        return found

    by_type = defaultdict(list)
    for name, column in columns.items():
        by_type[_type_name(column)].append(name)
    return replace(
        stream,
        columns=(*stream.columns, *columns.values()),
        fields=fields,
        state={_STATE: dict(by_type)} if by_type else {},
    )


def _type_name(column: Column) -> str:
    """Return the name of a column's type in the state."""
    return next(n for n, kind in KEPT_TYPES.items() if kind.schema == column.type.schema)


def _kept(state: Any) -> dict[str, Type]:
    """Return the columns of earlier runs and their types, from the state."""
    kept = state.get(_STATE) if isinstance(state, dict) else None
    return {
        name: KEPT_TYPES[type_name]
        for type_name, names in (kept.items() if isinstance(kept, dict) else ())
        if type_name in KEPT_TYPES and isinstance(names, list)
        for name in names
        if isinstance(name, str) and re.fullmatch(DYNAMIC_COLUMNS, name)
    }


def _account_fields(
    stream: StreamSpec, account: Account, kept: Mapping[str, Type], discovery: Discovery
) -> AccountFields:
    """Return the custom fields of an account; none, with a warning, if the request fails."""
    definitions = StreamSpec(
        name=stream.name,
        path=f"{stream.path}/custom_fields",
        columns=(),
        traits=FULL_LIST,
        strategy=_strategy_of(stream),
        stable_sort="id",
        optional=True,
    )
    where = f"{stream.name}, account {account.label}"
    found = {}
    try:
        found = {row["id"]: row for row in _records(definitions, account, discovery)}
    except AccountClosedError:
        pass  # the error that closed the account was logged
    except (LeadsError, *DATA_ERRORS) as error:
        known = error if isinstance(error, LeadsError) else internal_error(error)
        discovery.warn(
            f"{where}: cannot list the custom fields; this run has only the columns of earlier "
            f"runs: {known.cause}",
            Code.NO_CUSTOM_FIELDS,
        )
    has_days = DAY in kept.values() or any(row.get("type") in DAYS for row in found.values())
    return AccountFields(found, _zone_of(account, discovery) if has_days else None)


def _strategy_of(stream: StreamSpec) -> Strategy:
    """Return how the fields of a stream are read: each list has its own, and some have none."""
    match stream.strategy:
        case EachList():
            return EachList("custom_fields", stable_sort="id")
        case OfCustomers():
            return OfCustomers()
    return FullTable()


def _records(stream: StreamSpec, account: Account, discovery: Discovery) -> Iterator[Record]:
    lists = ApiLists(account, stream, discovery.observer(stream.name, account.label))
    for chunk in stream.strategy.read(lists, Bounds(), 1):
        for row in chunk.rows if chunk else ():
            yield row.record


def _zone_of(account: Account, discovery: Discovery) -> tzinfo | None:
    """Return the time zone of an account's dates; None, with a warning, if unknown."""
    try:
        for record in _records(ACCOUNT, account, discovery):
            return _zone(record["_embedded.datetime_settings"])
    except AccountClosedError:
        return None
    except (LeadsError, *DATA_ERRORS):
        pass
    discovery.warn(
        f"account {account.label}: the API returned no time zone; dates in custom fields go into "
        "`extra`",
        Code.NO_TIME_ZONE,
    )
    return None


def _zone(settings: Record) -> tzinfo:
    """Return a time zone by its name, or by its offset if this machine does not know the name."""
    try:
        return ZoneInfo(settings["timezone"])
    except (ValueError, OSError, TypeError, KeyError):
        offset = datetime.strptime(settings["timezone_offset"], "%z").tzinfo
        if offset is None:
            raise
        return offset
