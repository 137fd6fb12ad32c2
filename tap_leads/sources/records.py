"""Turns the records that the API of an account returned into the records of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tap_leads.errors import DATA_ERRORS
from tap_leads.sources.base import FieldError, always, as_is, record_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_leads.records.builder import RecordBuilder
    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account, StreamSpec

RecordMaker: TypeAlias = "Callable[[Record], dict[str, Any] | None]"


def record_maker(
    stream: StreamSpec, account: Account, build: RecordBuilder, keys: Sequence[str]
) -> RecordMaker:
    """Return a function that builds a stream's record; None if the user's filters exclude it.

    The function raises RecordError if the record of the API cannot be read, or if a column in
    `keys` is null.
    """
    wanted, fields, settings, label = stream.wanted, stream.fields, account.settings, account.label
    # Calling a function that does nothing would take 5% of the time per record.
    is_plain, wants_all = fields is as_is, wanted is always

    def make(record: Record) -> dict[str, Any] | None:
        try:
            if not (wants_all or wanted(record, settings)):
                return None
            built = build(label, record if is_plain else fields(record, account))
        except DATA_ERRORS as error:
            raise record_error(error) from None
        for key in keys:
            if built[key] is None:
                raise record_error(FieldError(key))
        return built

    return make
