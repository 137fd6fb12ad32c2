"""Custom fields as columns: `cf_<id>`, of the type that the field's definition says.

https://developers.kommo.com/reference/custom-fields-by-entity

Only ids are sure: names and codes change, and two fields may have the same. What a field holds
stays in `custom_fields_values` too, so one that has no column yet is not lost.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
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
from tap_leads.errors import LeadsError
from tap_leads.progress import Tally
from tap_leads.reader import AccountReader
from tap_leads.sources.kommo.api import ID, KommoSnapshot, KommoStream
from tap_leads.sources.kommo.reference import KommoAccount
from tap_leads.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.accounts import Account
    from tap_leads.pagination import Record
    from tap_leads.tap import TapLeads

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(value: Any) -> str:
    """Unix seconds, also as a text, or an ISO 8601 date-time, as UTC; 0 is a moment too."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        value = int(value)
    instant = instants.of_seconds(value)
    instant = instants.of_text(value) if instant is None else instant
    result = None if instant is None else instants.text(instant)
    if result is None:
        raise MisfitError
    return result


def _day(value: Any) -> str:
    """The day of an ISO 8601 date or date-time, as it is in the place that wrote it."""
    if instants.of_text(value) is None:
        raise MisfitError
    return date.fromisoformat(value[:10]).isoformat()


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


@dataclass(frozen=True, slots=True)
class _Fields:
    """The custom fields of an account: their kinds by id, and its time zone."""

    definitions: dict[int, Record] = field(default_factory=dict)
    zone: tzinfo = UTC

    def columns(self) -> Iterator[Column]:
        """A column for each field, and one more for the id of an option."""
        for number, definition in self.definitions.items():
            kind, code = definition["type"], definition.get("code")
            told = f"{text(definition.get('name') or '')}{f' ({code})' if code else ''}, {kind}."
            yield Column(f"cf_{number}", _TYPES.get(kind, TEXT), told)
            if kind in _OPTIONS:
                yield Column(f"cf_{number}_enum_id", INTEGER, f"Id of the option of {told}")

    def values(self, custom: Record) -> dict[str, Any]:
        """The columns of one field of a record."""
        number, items = custom["field_id"], custom.get("values") or []
        if number not in self.definitions or not items:
            return {}
        kind = self.definitions[number]["type"]
        if _TYPES.get(kind) is _JSON:
            return {f"cf_{number}": items}
        alone = items[0] if len(items) == 1 else {}
        value = alone.get("value", items)
        if kind in _DAYS and isinstance(value, int) and not isinstance(value, bool):
            value = self._day_of(value)
        columns = {f"cf_{number}": value}
        if kind in _OPTIONS:
            columns[f"cf_{number}_enum_id"] = alone.get("enum_id")
        return columns

    def _day_of(self, seconds: int) -> Any:
        """The day that is midnight in the account's time zone at that moment."""
        try:
            return (_EPOCH + timedelta(seconds=seconds)).astimezone(self.zone).date().isoformat()
        except OverflowError:
            return seconds


class KommoFieldedStream(KommoStream):
    """A list whose records have custom fields."""

    @override
    def get_columns(self, tap: TapLeads, accounts: Sequence[Account]) -> Sequence[Column]:
        self._fields = {
            account.label: self._read_fields(tap, account)
            for account in accounts
            if account.settings["custom_fields"] == "columns"
        }
        found = (column for each in self._fields.values() for column in each.columns())
        return (*self.columns, *{column.name: column for column in found}.values())

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = super().unfold(account, record)
        known = self._fields.get(account.label, _Fields())
        if not known.definitions and not self._hidden:
            return fields
        customs = fields.get("custom_fields_values") or []
        for custom in customs:
            fields |= known.values(custom)
        kept = (each for each in customs if self._name_of(each) not in self.deselected)
        shown = [self._shown(each) for each in kept]
        return {**fields, "custom_fields_values": shown or None}

    @staticmethod
    def _name_of(custom: Record) -> str:
        return f"cf_{custom['field_id']}"

    def _shown(self, custom: Record) -> Record:
        """A field as it may leave beside its columns."""
        if self._name_of(custom) not in self.hashed_names:
            return custom
        values = custom.get("values") or ()
        hashes = [self.hash(each.get("value", each)) for each in values]
        return {**custom, "values": [{"value": each} for each in hashes]}

    @cached_property
    def _hidden(self) -> bool:
        """Whether a custom field is to be hashed or left out."""
        return any(name.startswith("cf_") for name in self.hashed_names | self.deselected)

    def _read_fields(self, tap: TapLeads, account: Account) -> _Fields:
        """The fields that an account has; none, with a warning, if it does not say."""
        path = f"{self.path}/custom_fields"
        definitions = type("_Definitions", (_Definitions,), {"path": path, "name": self.name})
        try:
            found = {row["id"]: row for row in _read(definitions(tap, [account]), account)}
            days = any(row["type"] in _DAYS for row in found.values())
            return _Fields(found, _zone_of(tap, account) if days else UTC)
        except LeadsError as error:
            tap.logger.warning(
                "%s, account %s: the custom fields cannot be listed and have no columns in this "
                "run: %s",
                self.name,
                account.label,
                error,
            )
            return _Fields()


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


def _zone_of(tap: TapLeads, account: Account) -> tzinfo:
    """The time zone that the account's days begin in."""
    for row in _read(KommoAccount(tap, [account]), account):
        settings = (row.get("_embedded") or {}).get("datetime_settings") or {}
        try:
            return ZoneInfo(settings["timezone"])
        except (KeyError, ValueError, OSError):
            tap.logger.warning("account %s has a time zone that is not known here", account.label)
    return UTC
