"""Builds the rows of a stream from the records of one account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tap_leads.errors import DATA_ERRORS
from tap_leads.sources.base import FieldError, always, as_is, record_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_leads.records.rows import RowBuilder
    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account, StreamSpec

RowMaker: TypeAlias = "Callable[[Record], dict[str, Any] | None]"


def row_maker(
    stream: StreamSpec, account: Account, rows: RowBuilder, keys: Sequence[str]
) -> RowMaker:
    """Return a function that builds the row of a record; None if the user's filters exclude it.

    The function raises RecordError if a record cannot be read or a column in `keys` is null.
    """
    wanted, fields, settings, label = stream.wanted, stream.fields, account.settings, account.label
    # Calling a function that does nothing would take 5% of the time per record.
    is_plain, wants_all = fields is as_is, wanted is always

    def make(record: Record) -> dict[str, Any] | None:
        try:
            if not (wants_all or wanted(record, settings)):
                return None
            row = rows(label, record if is_plain else fields(record, account))
        except DATA_ERRORS as error:
            raise record_error(error) from None
        for key in keys:
            if row[key] is None:
                raise record_error(FieldError(key))
        return row

    return make
