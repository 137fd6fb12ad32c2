"""Streams that are not read by a sweep: lists without a replication key, or without its order."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from tap_leads.leads import PULSE, LeadsStream
from tap_leads.progress import Tally
from tap_leads.readahead import ReadAhead
from tap_leads.reader import AccountReader
from tap_leads.sweep import Learned
from tap_leads.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context

    from tap_leads.accounts import Account
    from tap_leads.pagination import Record
    from tap_leads.query import Batch


class _Begun(NamedTuple):
    """A list that is being read."""

    tally: Tally
    reader: AccountReader
    ahead: ReadAhead[Batch]


class SnapshotStream(LeadsStream):
    """A list that is read whole in each run, and whose rows have no moment of change."""

    replication_key: str | None = None
    has_keyless = True
    tick = 1

    @override
    def read_key(self, account: Account, record: Record) -> int | None:
        return None

    def get_jobs(self, reader: AccountReader) -> Iterator[Iterator[Batch]]:
        """What has to be read, in parts that can be read at once."""
        yield Windows(reader, None, None, threads=1).everything()

    @override
    def get_tally(self, account: Account) -> Tally:
        self.begin(account)
        return self._begun[account.label].tally

    @override
    def begin(self, account: Account) -> None:
        if account.label not in self._begun:
            tally = Tally(self.name, account.label)
            reader = AccountReader(self, account, {"account": account.label}, tally)
            ahead = ReadAhead(self.get_jobs(reader), self.config["concurrency"])
            ahead.start()
            self._begun[account.label] = _Begun(tally, reader, ahead)

    @cached_property
    def _begun(self) -> dict[str, _Begun]:
        return {}

    @override
    def read_account(self, account: Account, context: Context) -> Iterator[Record]:
        begun = self._begun[account.label]
        with closing(begun.reader):
            yield from self.written(begun.ahead.results(PULSE), context, Learned(0))


class WindowStream(LeadsStream):
    """A list that can be filtered by its replication key, but not ordered by it."""

    @override
    def get_parts(self, windows: Windows) -> Iterator[Iterator[Batch]]:
        return windows.closed()
