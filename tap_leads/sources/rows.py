"""Rows out of the records of one account of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tap_leads.errors import UNREADABLE
from tap_leads.sources.base import RecordError, odd_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_leads.records.rows import RowBuilder
    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account, StreamSpec

RowMaker: TypeAlias = "Callable[[Record], dict[str, Any] | None]"


def row_maker(
    stream: StreamSpec, account: Account, rows: RowBuilder, keys: Sequence[str]
) -> RowMaker:
    """Return what makes a row of a record, or None of one that the user's filters exclude.

    A record that cannot be read, or whose row has a null in one of `keys`, raises a RecordError.
    """
    wanted, fields, settings, label = stream.wanted, stream.fields, account.settings, account.label

    def make(record: Record) -> dict[str, Any] | None:
        try:
            if not wanted(record, settings):
                return None
            row = rows(label, fields(record, account))
        except UNREADABLE as error:
            raise odd_record(error) from None
        for key in keys:
            if row[key] is None:
                raise RecordError(f"the API returned a record without a usable `{key}`")
        return row

    return make
