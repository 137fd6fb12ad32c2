"""A stream of leads: what a source declares, and the way from its pages to bookmarked records."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage, StateMessage
from typing_extensions import override

from tap_leads import instants
from tap_leads.client import AccountStream
from tap_leads.columns import TEXT, Table
from tap_leads.errors import UNREADABLE, AnswerError, LeadsError, fault_of
from tap_leads.hashing import hashed, hashed_columns
from tap_leads.progress import Tally
from tap_leads.query import FilterIgnoredError, Query
from tap_leads.readahead import ReadAhead
from tap_leads.reader import AccountReader
from tap_leads.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Context

    from tap_leads.accounts import Account
    from tap_leads.columns import Column, Shape
    from tap_leads.pagination import PositionPaginator, Record
    from tap_leads.query import Batch, Cut
    from tap_leads.sweep import Learned
    from tap_leads.tap import TapLeads

_HOUR = 60 * instants.MINUTE
_DAY = 24 * _HOUR
# The length of a column's path in a catalog; those of its parts are longer.
_COLUMN_DEPTH = 2
PULSE = 1.0
"""Seconds after which a wait for the API is looked up from, to say how far the run is."""


class LeadsStream(AccountStream):
    """A source's leads, one partition an account, in the order of their replication key."""

    primary_keys: ClassVar[Sequence[str]] = ("account", "id")
    is_sorted = True
    check_sorted = False  # the lookback sends older leads on purpose; the sweep checks the order
    state_every: ClassVar[int] = 1000
    # `Table` puts every value into its column's type: conforming it again is half of the cost.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    columns: ClassVar[Sequence[Column]]
    skips: ClassVar[frozenset[int]] = frozenset()
    """The statuses that say that the account does not have this list, which is no failure."""
    tick: ClassVar[int]
    """The finest step of the filter by the replication key, in microseconds."""
    slack: ClassVar[int] = 0
    """How far before its lower bound the filter may reach, in microseconds."""
    bounds_are_ages: ClassVar[bool] = False
    """Whether the filter counts back from now: then a wrong clock shifts it."""
    reach: ClassVar[int | None] = None
    """How many leads of one query can be paged through."""
    has_keyless: ClassVar[bool] = False
    """Whether a lead can lack the replication key."""
    zone_hint: ClassVar[str] = ""
    """The setting to look at where leads seem to be dated ahead of the clock."""
    cuts: ClassVar[Sequence[Cut]] = ()
    """Filters that cut a set of leads into parts which together are the whole."""

    def __init__(self, tap: TapLeads, accounts: Sequence[Account]) -> None:
        """Read these accounts, one after the other."""
        native = tap.config.get("nested_values") == "native"
        columns = self.get_columns(tap, accounts)
        self.hashed_names = hashed_columns(self.name, tap.config) if tap.is_valid else frozenset()
        self._hashed = {
            column.field: (column.name, hashed(column.type, tap.config["hash_key"]))
            for column in columns
            if column.name in self.hashed_names
        }
        self._names = {column.field: column.name for column in columns}
        self.table = Table(
            columns, self.primary_keys, native=native, instead=dict(self._hashed.values())
        )
        self.tap = tap
        self.tally: Tally
        # The state of the account that is being read, and up to where its leads are written.
        self._state: dict[str, Any] = {}
        self._mark: int | None = None
        super().__init__(tap, accounts, self.table.schema)

    def get_columns(self, tap: TapLeads, accounts: Sequence[Account]) -> Sequence[Column]:  # noqa: ARG002
        """The columns that the stream has for these accounts."""
        return self.columns

    @abstractmethod
    def read_key(self, account: Account, record: Record) -> int | None:
        """The replication key of a record as it came."""

    @abstractmethod
    def get_positions(self, query: Query) -> PositionPaginator[Any]:
        """A walk by position over pages that overlap."""

    def get_user_bounds(self, account: Account) -> tuple[int | None, int | None]:  # noqa: ARG002
        """The first and last instant that the user's filters allow the replication key."""
        return None, None

    def can_sweep(self, account: Account) -> bool:  # noqa: ARG002
        """Whether the user's filters can be combined with the bounds of a sweep."""
        return True

    def reads_keyless(self, account: Account) -> bool:  # noqa: ARG002
        """Whether leads without the replication key are there, and asked for by the filters."""
        return self.has_keyless

    def matches(self, account: Account, record: Record) -> bool:  # noqa: ARG002
        """Whether a record is one that the user's filters ask for."""
        return True

    def unfold(self, account: Account, record: Record) -> dict[str, Any]:  # noqa: ARG002
        """A record as its fields by name, without envelopes."""
        return record

    @cached_property
    def deselected(self) -> frozenset[str]:
        """The columns that the catalog leaves out."""
        names = self.schema["properties"]
        return frozenset(n for n in names if not self.mask.get(("properties", n), True))

    def hash(self, value: Any) -> str | None:
        """A value that has no column, as `hash_fields` lets it leave."""
        digest: str | None = hashed(TEXT, self.config["hash_key"]).put(value)
        return digest

    def veil(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Fields by the API's names, as they may leave in a column that has many of them.

        What is deselected is left out there too, and what is to be hashed is hashed.
        """
        return {
            name: value
            if value is None or name not in self._hashed
            else self._hashed[name][1].put(value)
            for name, value in fields.items()
            if name not in self._left_out
        }

    @cached_property
    def _left_out(self) -> frozenset[str]:
        """The API's names of the columns that the catalog leaves out."""
        return frozenset(f for f, name in self._names.items() if name in self.deselected)

    @cached_property
    def _shape(self) -> Shape:
        return self.table.shape(self.deselected)

    @cached_property
    def _are_parts_deselected(self) -> bool:
        """Whether the catalog leaves out a part of a column that is a list or an object."""
        return any(
            len(path) > _COLUMN_DEPTH and path[1] not in self.deselected and not selected
            for path, selected in self.mask.items()
        )

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return [{"account": label} for label in self.accounts]

    @override
    def get_new_paginator(self) -> None:
        return None  # a sweep makes them, one for each query

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        return None  # the sweep holds the bookmark below the source's clock, not below ours

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark to `request_records`.

        The SDK would move it back in the lookback, on to a lead dated in the year 2999, and past
        the leads of a moment that are still to come.
        """

    @override
    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """The messages of a record from which `post_process` left out what is deselected.

        The SDK would look up each property of each record again, which costs as much as making it.
        """
        if self._are_parts_deselected:
            yield from super()._generate_record_messages(record)
            return
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                now = datetime.now(UTC)
                yield RecordMessage(stream_map.stream_alias, mapped, time_extracted=now)

    @override
    def compare_start_date(self, value: str, start_date_value: str) -> str:
        # Both are weighed in `get_bounds`; the SDK fails on a bookmark that is no date.
        return value

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        account = self.accounts[(context or {})["account"]]
        if not self.matches(account, row):
            return None
        self.tally.records += 1
        return self._shape(account.label, self.unfold(account, row))

    @override
    def request_records(self, context: Context | None) -> Iterable[Record]:
        """The leads of an account that changed since its bookmark, in the order of the changes.

        A failure ends this account alone: the tap is told, and the state keeps what was read.
        """
        if context is None:
            return
        account = self.accounts[context["account"]]
        self.tally = self.tap.progress.begin(self.get_tally(account))
        state = self.get_context_state(context)
        try:
            with self.get_http_request_counter() as requests:
                requests.with_context(dict(context))
                try:
                    yield from self.read_account(account, context)
                finally:
                    requests.increment(self.tally.requests)
            self.tally.outcome = "complete"
            self.tap.begin_others(account)
        except (LeadsError, *UNREADABLE) as error:
            self._fail(error, context)
        finally:
            self.tally.bookmark = state.get("replication_key_value", "")
        # The last message is a STATE: some targets pass on none that a RECORD follows.
        state.pop("starting_replication_value", None)
        self.tap.write_message(StateMessage(value=self.tap_state))

    def get_tally(self, account: Account) -> Tally:
        """What an account's records and requests are counted in."""
        return Tally(self.name, account.label)

    def begin(self, account: Account) -> None:
        """Begin to read an account before its turn, where little is to be read."""

    def _fail(self, error: Exception, context: Context) -> None:
        """Tell that an account cannot be read, or not any further."""
        told = error if isinstance(error, LeadsError) else fault_of(error)
        message = f"{self.where(context)}: {told}"
        status = getattr(error, "status", None)
        if status in self.skips and not getattr(error, "closes", False):
            self.tally.outcome = "skipped"
            is_sure = status != HTTPStatus.NOT_FOUND  # that may be an account that is not there
            self.tap.skip(self.accounts[context["account"]], message, is_sure=is_sure)
            return
        if self.ABORT_AT_RECORD_COUNT is not None:  # `--test` has no end at which to tell it
            raise LeadsError(message) from None
        self.tally.outcome = "failed"
        self.tap.fail(message, is_told=getattr(error, "is_told", False))
        if isinstance(error, AnswerError):
            error.is_told = True

    def read_account(self, account: Account, context: Context) -> Iterator[Record]:
        """The records of an account that changed since its bookmark, oldest change first."""
        low, high = self.get_bounds(account, context)
        threads = self.config["concurrency"]
        if self.can_sweep(account):
            with closing(AccountReader(self, account, context, self.tally)) as reader:
                windows = Windows(reader, low, high, threads=threads)
                try:
                    batches = ReadAhead(self.get_parts(windows), threads).results(PULSE)
                    yield from self.written(batches, context, windows.learned)
                except FilterIgnoredError:
                    self.logger.warning(
                        "%s: the API ignores the bounds or the order that it was asked for; all "
                        "of it is read, and the bounds are kept here%s",
                        self.where(context),
                        self.zone_hint,
                    )
                else:
                    self._warn_of_the_future(windows.learned, context)
                    return
        yield from self.read_everything(account, context, low, high)

    def get_parts(self, windows: Windows) -> Iterator[Iterator[Batch]]:
        """The parts that what is between two instants is read in."""
        return windows.all()

    def read_everything(
        self, account: Account, context: Context, low: int | None, high: int | None
    ) -> Iterator[Record]:
        """Every record between two instants by plain paging, for want of bounds or of an order."""
        with closing(AccountReader(self, account, context, self.tally)) as reader:
            windows = Windows(reader, low, high, threads=1)
            batches = ReadAhead([windows.everything()], 1).results(PULSE)
            yield from self.written(batches, context, windows.learned)

    def _warn_of_the_future(self, learned: Learned, context: Context) -> None:
        """Say that leads are dated ahead of the source's clock: their dates may be misread."""
        if learned.newest and learned.ceiling and learned.newest > learned.ceiling + _HOUR:
            self.logger.warning(
                "%s: leads are dated up to %.1f hours ahead of the API's clock; they are read "
                "again in every run%s",
                self.where(context),
                (learned.newest - learned.ceiling) / _HOUR,
                self.zone_hint,
            )

    def written(
        self, batches: Iterable[Batch | None], context: Context, learned: Learned
    ) -> Iterator[Record]:
        """Move the bookmark behind each lead once it is written, and never back.

        A STATE follows every `state_every` records, also where thousands of leads share one
        moment (the SDK would leave out the states that are the same), and at every heartbeat.
        """
        self._state, self._mark = self.get_context_state(context), None
        unsaved = 0
        for batch in batches:
            if batch:
                for record, mark in zip(batch.records, batch.marks, strict=True):
                    yield record
                    self._mark = mark
                    unsaved += 1
                    if unsaved >= self.state_every:
                        self.keep_bookmark()
                        self.tap.write_message(StateMessage(value=self.tap_state))
                        unsaved = 0
                self._mark = batch.mark
                self.keep_bookmark()
                self.tally.mark, self.tally.goal = batch.mark, learned.ceiling
            if self.tap.progress.beat(self.tally) and unsaved:
                self.tap.write_message(StateMessage(value=self.tap_state))
                unsaved = 0

    def keep_bookmark(self) -> None:
        """Put into the state how far the leads are written."""
        if self._mark is None or self.replication_method != "INCREMENTAL":
            return
        value = instants.text(self._mark)
        if value is not None and value > self._state.get("replication_key_value", ""):
            self._state["replication_key"] = self.replication_key
            self._state["replication_key_value"] = self.tally.bookmark = value

    def get_bounds(self, account: Account, context: Context) -> tuple[int | None, int | None]:
        """The first and last instant to read: bookmark, `start_date` and the user's filters."""
        low, high = self.get_user_bounds(account)
        lows = [low]
        if self.replication_method == "INCREMENTAL":
            lows.append(instants.of_text(self.config.get("start_date")))
            lows.append(self._get_low(account, context))
        return max((bound for bound in lows if bound is not None), default=None), high

    def _get_low(self, account: Account, context: Context) -> int | None:
        """The bookmark less the lookback; None where there is no bookmark, or none to trust."""
        state = self.get_context_state(context)
        value = state.get("replication_key_value")
        if value is None:
            return None
        bookmark = instants.of_text(value)
        if bookmark is not None and bookmark > account.clock.now() + _DAY:
            # Our own clock may be the wrong one: learn the API's.
            AccountReader(self, account, context, self.tally).ask(Query(newest=True))
        if bookmark is not None and bookmark <= account.clock.now() + _DAY:
            return bookmark - account.lookback
        self.logger.warning(
            "%s: the bookmark is not a date-time, or lies in the future; it is dropped, and every "
            "lead is read again",
            self.where(context),
        )
        del state["replication_key_value"]
        return None
