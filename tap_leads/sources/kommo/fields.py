"""Custom fields as columns: `cf_<id>`, of the type that the field's definition says.

https://developers.kommo.com/reference/custom-fields-by-entity

Only ids are sure: names and codes change, and two fields may have the same. What a field holds
stays in `custom_fields_values` too, so one that has no column yet is not lost.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from typing_extensions import override

from tap_leads import instants
from tap_leads.columns import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    UNIX_TIME,
    Column,
    MisfitError,
    Type,
    json_text,
    text,
)
from tap_leads.errors import UNREADABLE, LeadsError, fault_of
from tap_leads.progress import Tally
from tap_leads.reader import AccountReader
from tap_leads.sources.kommo.api import ID, KommoSnapshot, KommoStream, objects
from tap_leads.sources.kommo.reference import KommoAccount
from tap_leads.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Context

    from tap_leads.accounts import Account
    from tap_leads.pagination import Record
    from tap_leads.tap import TapLeads

_COLUMN_DEPTH = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATE = "custom_fields"
"""Where the state of a stream has the types of its columns, by type."""


def _moment(value: Any) -> str:
    """Unix seconds, also as a text, or an ISO 8601 date-time, as UTC; 0 is a moment too."""
    seconds = _seconds(value)
    instant = instants.of_text(value) if seconds is None else instants.of_seconds(seconds)
    result = None if instant is None else instants.text(instant)
    if result is None:
        raise MisfitError
    return result


def _day(value: Any) -> str:
    """The day of an ISO 8601 date or date-time, as it is in the place that wrote it."""
    if instants.of_text(value) is None:
        raise MisfitError
    return date.fromisoformat(value[:10]).isoformat()


def _seconds(value: Any) -> int | None:
    """Unix seconds, also where they came as a text."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"-?\d{1,12}", value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_MOMENT = Type(UNIX_TIME.schema, _moment)
_DAY = Type({"type": ["null", "string"], "format": "date"}, _day)
_JSON = Type(TEXT.schema, json_text)
_OPTIONS = {"select", "radiobutton", "category"}
_DAYS = {"date", "birthday"}
_TYPES: dict[str, Type] = {
    **dict.fromkeys(("numeric", "monetary", "price"), NUMBER),
    **dict.fromkeys(_DAYS, _DAY),
    **dict.fromkeys(
        (
            "multiselect",
            "multitext",
            "smart_address",
            "legal_entity",
            "linked_entity",
            "chained_list",
            "items",
            "file",
            "payer",
            "supplier",
        ),
        _JSON,
    ),
    "checkbox": BOOLEAN,
    "date_time": _MOMENT,
}
_KEPT = {
    "text": TEXT,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "date-time": _MOMENT,
    "date": _DAY,
    "integer": INTEGER,
}
"""What a column's type is called in the state."""


@dataclass(frozen=True, slots=True)
class _Fields:
    """The custom fields of an account: their definitions by id, and its time zone."""

    definitions: dict[int, Record] = field(default_factory=dict)
    zone: tzinfo | None = None

    def columns(self) -> Iterator[Column]:
        """A column for each field, and one more for the id of an option."""
        for number, definition in self.definitions.items():
            kind, code = str(definition.get("type")), definition.get("code")
            told = f"{text(definition.get('name') or '')}{f' ({code})' if code else ''}, {kind}."
            yield Column(f"cf_{number}", _TYPES.get(kind, TEXT), told)
            if kind in _OPTIONS:
                yield Column(f"cf_{number}_enum_id", INTEGER, f"Id of the option of {told}")

    def values(self, custom: Record) -> dict[str, Any]:
        """The columns of one field of a record."""
        number: Any = custom.get("field_id")
        items = custom.get("values")
        if not items:
            return {}
        kind = str(self.definitions.get(number, custom).get("type") or custom.get("field_type"))
        if _TYPES.get(kind) is _JSON:
            return {f"cf_{number}": items}
        known = objects(items)
        alone: Record = known[0] if len(known) == 1 and known == items else {}
        value = alone.get("value", items)
        if kind in _DAYS and (seconds := _seconds(value)) is not None:
            value = self._day_of(seconds)
        columns = {f"cf_{number}": value}
        if kind in _OPTIONS:
            columns[f"cf_{number}_enum_id"] = alone.get("enum_id")
        return columns

    def _day_of(self, seconds: int) -> Any:
        """The day that is midnight in the account's time zone at that moment."""
        if self.zone is None:
            return seconds
        try:
            return (_EPOCH + timedelta(seconds=seconds)).astimezone(self.zone).date().isoformat()
        except OverflowError:
            return seconds


class KommoFieldedStream(KommoStream):
    """A list whose records have custom fields.

    A loader cannot change the type of a column: the state has the types, and a column keeps its
    own when its field gets another kind, is deleted, or cannot be listed in a run.
    """

    @override
    def get_columns(self, tap: TapLeads, accounts: Sequence[Account]) -> Sequence[Column]:
        asking = [each for each in accounts if each.settings["custom_fields"] == "columns"]
        kept = _kept(tap.given_state.get("bookmarks", {}).get(self.name)) if asking else {}
        self._fields = {each.label: self._read_fields(tap, each, kept) for each in asking}
        found = {
            name: Column(name, kind, "Of a field that is gone.") for name, kind in kept.items()
        }
        for column in (column for each in self._fields.values() for column in each.columns()):
            old = kept.get(column.name, column.type)
            same = old.schema == column.type.schema
            found[column.name] = column if same else replace(column, type=old)
        self._fielded = found
        return (*self.columns, *found.values())

    @override
    def read_account(self, account: Account, context: Context) -> Iterator[Record]:
        if self._fielded:
            names = {
                called: [
                    n for n, column in self._fielded.items() if column.type.schema == it.schema
                ]
                for called, it in _KEPT.items()
            }
            self.stream_state[_STATE] = {called: some for called, some in names.items() if some}
        yield from super().read_account(account, context)

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = super().unfold(account, record)
        known = self._fields.get(account.label)
        if known is None and not self._hidden:
            return fields
        customs = objects(fields.get("custom_fields_values"))
        if known is not None:
            for name, value in chain.from_iterable(known.values(each).items() for each in customs):
                if name in self._fielded and not self._gives_away(name):
                    fields[name] = value
        if not self._hidden:
            return fields
        kept = (each for each in customs if self._name_of(each) not in self._unwanted)
        shown = [self._shown(each) for each in kept]
        return {**fields, "custom_fields_values": shown or None}

    @staticmethod
    def _name_of(custom: Record) -> str:
        return f"cf_{custom.get('field_id')}"

    def _gives_away(self, name: str) -> bool:
        """Whether it is the id of an option that is to be hashed."""
        hashed = self.hashed_names
        return name not in hashed and name.removesuffix("_enum_id") in hashed

    def _shown(self, custom: Record) -> Record:
        """A field as it may leave beside its columns."""
        name, values = self._name_of(custom), custom.get("values") or ()
        if not {name, f"{name}_enum_id"}.isdisjoint(self.hashed_names):
            hashes = [self.hash(each.get("value", each)) for each in objects(values)]
            return {**custom, "values": [{"value": each} for each in hashes]}
        if f"{name}_enum_id" in self._unwanted:
            bare = [{k: v for k, v in each.items() if k != "enum_id"} for each in objects(values)]
            return {**custom, "values": bare}
        return custom

    @cached_property
    def _unwanted(self) -> frozenset[str]:
        """The columns that the catalog leaves out, also those that the stream lacks by now."""
        return frozenset(
            path[1]
            for path, selected in self.mask.items()
            if len(path) == _COLUMN_DEPTH and not selected
        )

    @cached_property
    def _hidden(self) -> bool:
        """Whether a custom field is to be hashed or left out."""
        return any(name.startswith("cf_") for name in self.hashed_names | self._unwanted)

    def _read_fields(self, tap: TapLeads, account: Account, kept: Mapping[str, Type]) -> _Fields:
        """The fields that an account has; none, with a warning, if it does not say."""
        path = f"{self.path}/custom_fields"
        definitions = type("_Definitions", (_Definitions,), {"path": path, "name": self.name})
        found = {}
        try:
            found = {row["id"]: row for row in _read(definitions(tap, [account]), account)}
        except (LeadsError, *UNREADABLE) as error:
            tap.logger.warning(
                "%s, account %s: the custom fields cannot be listed; only those of earlier runs "
                "have columns in this one: %s",
                self.name,
                account.label,
                error if isinstance(error, LeadsError) else fault_of(error),
            )
        has_days = _DAY in kept.values() or any(row.get("type") in _DAYS for row in found.values())
        return _Fields(found, _zone_of(tap, account) if has_days else None)


class _Definitions(KommoSnapshot):
    """The definitions of the custom fields of another list."""

    name = "kommo_fields"
    still = "id"
    columns = (ID,)


def _read(stream: KommoSnapshot, account: Account) -> Iterator[Record]:
    """The records of a small list, as they come."""
    context = {"account": account.label}
    with closing(AccountReader(stream, account, context, Tally(stream.name, account.label))) as one:
        for batch in Windows(one, None, None, threads=1).everything():
            yield from batch.records


def _zone_of(tap: TapLeads, account: Account) -> tzinfo | None:
    """The time zone that the account's days begin in; None, with a warning, if it does not say."""
    try:
        for row in _read(KommoAccount(tap, [account]), account):
            return _zone(row["_embedded"]["datetime_settings"])
    except (LeadsError, *UNREADABLE):
        pass
    tap.logger.warning(
        "account %s does not tell its time zone: dates in custom fields are left in `extra`",
        account.label,
    )
    return None


def _zone(settings: Record) -> tzinfo:
    """A time zone by its name; by its offset where the name is not known here."""
    try:
        return ZoneInfo(settings["timezone"])
    except (ValueError, OSError, TypeError, KeyError):
        offset = datetime.strptime(settings["timezone_offset"], "%z").tzinfo
        if offset is None:
            raise
        return offset


def _kept(state: Any) -> dict[str, Type]:
    """The columns that earlier runs had, and their types."""
    kept = state.get(_STATE) if isinstance(state, dict) else None
    return {
        name: _KEPT[called]
        for called, names in (kept.items() if isinstance(kept, dict) else ())
        if called in _KEPT and isinstance(names, list)
        for name in names
        if isinstance(name, str) and re.fullmatch(r"cf_\d+(_enum_id)?", name)
    }
