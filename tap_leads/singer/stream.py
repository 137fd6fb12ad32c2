"""The Singer stream: turns a declaration and its accounts into records and bookmarks."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream, metrics
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage, StateMessage
from typing_extensions import override

from tap_leads.errors import LeadsError, internal_error
from tap_leads.records.builder import RecordBuilder
from tap_leads.records.columns import build_schema
from tap_leads.records.privacy import Redactor, hashed_columns
from tap_leads.replication.readahead import ReadAhead
from tap_leads.singer.bookmark import Bookmark
from tap_leads.singer.selection import Selection, reconcile, value_form
from tap_leads.singer.stats import Stats
from tap_leads.singer.stream_maps import MapError, map_error
from tap_leads.singer.writer import OutputError
from tap_leads.sources.collection import ApiLists
from tap_leads.sources.records import record_maker
from tap_leads.timestamps import from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_leads.replication.model import Chunk, Record
    from tap_leads.singer.runtime import RunContext
    from tap_leads.sources.base import Account, StreamSpec


@dataclass(frozen=True, slots=True)
class _Reading:
    """The read of one account; `prefetched` has its chunks if it started before its turn."""

    lists: ApiLists
    stats: Stats
    prefetched: Iterator[Chunk | None] | None = None


class LeadsStream(Stream):
    """A declared stream: one partition per account, sorted by its replication key."""

    # `RecordBuilder` has converted every value; a second conversion would double the cost.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(
        self, tap: Tap, spec: StreamSpec, accounts: Sequence[Account], run: RunContext
    ) -> None:
        """Set up the stream that `spec` declares for these accounts; sends nothing."""
        self._spec = spec
        self._accounts = {account.label: account for account in accounts}
        self._run = run
        self._write, self._tap_logger = tap.write_message, tap.logger
        self._value_form = value_form(tap.config)
        self._hashed = hashed_columns(spec.name, tap.config.get("hash_fields", ()))
        self._bookmark: Bookmark | None = None
        self._unsaved = 0  # records of earlier accounts since the last STATE
        self._map_error: MapError | None = None
        self.changed_columns: list[str] = []
        schema = build_schema(
            spec.columns, spec.primary_key, hashed=self._hashed, **self._value_form
        )
        super().__init__(tap, schema, spec.name)
        # The tap's own lines name the stream; with the stream's logger, they would name it twice.
        self.logger.setLevel(logging.WARNING)
        self.selected_by_default = spec.selected_by_default
        self.primary_keys = list(spec.primary_key)
        self.replication_key = spec.replication_key.column if spec.replication_key else None
        # The SDK would move the bookmark back during the lookback, forward to a row dated in the
        # year 2999 (apis/kommo.md 24), and past rows of the same moment that are still to come.
        self.state_manager.increment_state = _leave_the_bookmark  # type: ignore[method-assign]
        if spec.strategy.prefetch:
            run.prefetch.add(spec.name, accounts, self.prefetch)

    @property
    @override
    def is_sorted(self) -> bool:
        return True

    @property
    @override
    def check_sorted(self) -> bool:
        return False  # the lookback emits older rows on purpose; replication checks the order

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return [{"account": label} for label in self._accounts]

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        # The SDK's error line has no reason; the run report logs the failure with its reason.
        if level < logging.ERROR:
            self._tap_logger.log(level, message, *args, **kwargs)

    @override
    def get_sync_timer(self) -> metrics.Timer:
        self._timer = super().get_sync_timer()
        return self._timer

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        return None  # replication caps the bookmark at the server's clock (apis/kommo.md 24)

    @override
    def compare_start_date(self, value: str, start_date_value: str) -> str:
        return value  # `Bookmark.bounds` uses the later one; the SDK fails on an invalid bookmark

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply the selection and replication method of a catalog; keep the tap's columns and keys.

        A catalog of an older version has different columns, and one made by hand may lack keys.
        """
        if entry := catalog.get_stream(self.name):
            keys = self._spec.primary_key
            self.changed_columns = reconcile(entry, self.schema, keys, self.replication_key)
        super().apply_catalog(catalog)

    @override
    def generate_child_contexts(
        self, record: Record, context: Context | None
    ) -> Iterable[Context | None]:
        return ()  # no stream has children; the SDK would evaluate filters of stream maps twice

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield the records of an account that changed since its bookmark, oldest change first.

        This is the failure boundary: an error ends this account of this stream only, is reported,
        and the state keeps what was emitted. A STATE follows every `records_per_state` records of
        an account, also among rows that share one moment, every heartbeat, and the last account.
        One after each account would make the total size grow with the square of the accounts.
        """
        account = self._accounts[(context or {})["account"]]
        reading = self._run.prefetch.take(self.name, account) or self._open(account)
        state = reading.lists.kept = self.get_context_state(context)
        key = self.replication_key if self.replication_method == "INCREMENTAL" else None
        bookmark = self._bookmark = reading.stats.bookmark = Bookmark(state, key)
        build, report, unsaved = self._record_maker(account), self._run.report, 0
        report.begin(stats := reading.stats)
        with self._failure_boundary(account, reading):
            if self._map_error is not None:  # it would fail for every account
                raise self._map_error
            for chunk in reading.prefetched or self._chunks(reading, bookmark):
                for row, safe in zip(chunk.rows, chunk.safe, strict=True) if chunk else ():
                    record = build(row.record)
                    if record is not None:
                        stats.records += 1
                        yield record  # when control returns, the SDK has written it
                        if self._map_error is not None:
                            raise self._map_error
                        unsaved += 1
                    bookmark.moment = safe
                    if unsaved >= self._run.runtime.records_per_state:
                        unsaved = self._checkpoint(bookmark)
                if chunk:
                    stats.watermark = chunk.watermark
                    bookmark.finish(chunk)
                if report.heartbeat(stats) and unsaved + self._unsaved:
                    unsaved = self._checkpoint(bookmark)
        self._unsaved += unsaved
        self._end_account(reading, state, bookmark)

    def _end_account(self, reading: _Reading, state: dict[str, Any], bookmark: Bookmark) -> None:
        """Write a STATE if a heartbeat is due, and after the last account."""
        is_last = reading.stats.account == next(reversed(self._accounts))
        if is_last:
            # End with a STATE: some targets do not pass on a STATE that a RECORD follows.
            state.pop("starting_replication_value", None)
        if (self._run.report.heartbeat(reading.stats) and self._unsaved) or is_last:
            self._checkpoint(bookmark)

    @contextmanager
    def _failure_boundary(self, account: Account, reading: _Reading) -> Iterator[None]:
        """Report an error instead of raising it; log the number of requests at the end."""
        stats = reading.stats
        try:
            self.stream_state.update(self._spec.state)
            yield
            stats.outcome = "complete"
            self._run.prefetch.complete(account)
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001  # a bug, too, must end this stream only
            self._fail(reading, error)
        finally:
            reading.lists.close()
            stats.log_request_count()

    def prefetch(self, account: Account) -> _Reading | None:
        """Start to read the small list of an account before its turn, if it is selected."""
        return self._open(account) if self.selected else None

    def save_bookmark(self) -> None:
        """Write the bookmark of the current account to the state."""
        if self._bookmark is not None:
            self._bookmark.save()

    def _open(self, account: Account) -> _Reading:
        spec, workers = self._spec, self.config["concurrency"]
        logger = self._tap_logger
        stats = Stats(spec.name, account.label, spec.path, workers, logger, self.metrics_logger)
        lists = ApiLists(account, spec, stats, deselected=self.selection.deselected)
        if not spec.strategy.prefetch:
            return _Reading(lists, stats)
        bounds = spec.bounds(account.settings)
        ahead = ReadAhead([spec.strategy.read(lists, bounds, workers)], 1)
        ahead.start()
        return _Reading(lists, stats, ahead.results())

    def _chunks(self, reading: _Reading, bookmark: Bookmark) -> Iterator[Chunk | None]:
        lists, bounds = reading.lists, self._spec.bounds(reading.lists.account.settings)
        if self.replication_method == "INCREMENTAL":
            dates = (from_text(self.config.get(name)) for name in ("start_date", "end_date"))
            bounds = bookmark.bounds(lists, bounds, *dates)
        reading.stats.run_started = lists.account.client.clock.now()
        return self._spec.strategy.read(lists, bounds, self.config["concurrency"])

    @cached_property
    def selection(self) -> Selection:
        """Return what the catalog deselects."""
        return Selection(self.mask, self.schema)

    def _record_maker(self, account: Account) -> Callable[[Record], dict[str, Any] | None]:
        keys = [key for key in self._spec.primary_key if key not in self.selection.hidden]
        return record_maker(self._spec, account, self._record_builder, keys)

    @cached_property
    def _record_builder(self) -> RecordBuilder:
        redactor = Redactor(
            self._spec.columns,
            hidden=self.selection.hidden,
            hashed=self._hashed,
            key=self.config.get("hash_key", ""),
        )
        return RecordBuilder(self._spec.columns, redactor, **self._value_form)

    @override
    def _generate_record_messages(  # type: ignore[override]  # resuming a generator costs a call
        self, record: Record
    ) -> Iterable[RecordMessage]:
        """Return the messages of a record, which `RecordBuilder` built without deselected columns.

        The SDK would check the selection of each property again, which costs as much as building
        the record. If a stream map fails, `get_records` raises `_map_error` next.
        """
        try:
            if self.selection.has_deselected_parts:
                return list(super()._generate_record_messages(record))
            now, messages = datetime.now(UTC), []
            for stream_map in self.stream_maps:
                mapped = stream_map.transform(record)
                if mapped is not None:
                    alias = stream_map.stream_alias
                    messages.append(RecordMessage(alias, mapped, time_extracted=now))
        except Exception as error:  # noqa: BLE001  # a user's expression can raise anything
            self._map_error = map_error(error, record)
            return []
        return messages

    def _checkpoint(self, bookmark: Bookmark) -> int:
        """Write a STATE message; return 0, the number of records that follow it."""
        self._unsaved = 0
        bookmark.save()
        self._write(StateMessage(value=self.tap_state))
        return 0

    def _fail(self, reading: _Reading, error: Exception) -> None:
        """Report that an account cannot be read, or not any further.

        A list that earlier runs could read is not skipped: its rows would become outdated.
        """
        stats = reading.stats
        known = error if isinstance(error, LeadsError) else internal_error(error)
        was_read = stats.records or (stats.bookmark and stats.bookmark.value)
        if reading.lists.has_no_list(error) and not was_read:
            self._run.report.skipped(stats, known, self._spec)
        elif self.ABORT_AT_RECORD_COUNT is not None:  # `--test` has no end at which to report it
            raise LeadsError(stats.failure(known)) from None
        else:
            # The SDK sees no error, and would report a success.
            self._timer.tags[metrics.Tag.STATUS] = metrics.Status.FAILED
            self._run.report.failed(stats, known)


def _leave_the_bookmark(*args: object, **kwargs: object) -> None:
    """Do nothing: `get_records` moves the bookmark."""
