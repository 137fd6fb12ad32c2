"""Sends a request for each lead or conversation, for the streams that need one."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from tap_leads.errors import Code, LeadsError
from tap_leads.replication.model import Chunk, Row
from tap_leads.rest.errors import PermanentError
from tap_leads.timestamps import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_leads.replication.model import AccountLists
    from tap_leads.timestamps import Micros

_REFUSED = "refused"
"""The key of the state that has the records to request again, with their cursors."""
_MAX_REFUSED = 100
"""The maximum number of refused records in the state."""
_REFUSED_IN_A_ROW = 3
"""After so many refused records in a row, one that was read before is requested again.

If it is refused as well, all records are.
"""
# Statuses that may concern one record, or all of them (apis/dashly.md 28).
_OF_ONE_OR_ALL = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class Item(NamedTuple):
    """A record to request: its ID and cursor, and values for the state once it is read."""

    id: str
    cursor: Micros | None
    kept: Mapping[str, Any] = {}


_Answer: TypeAlias = "list[Row] | PermanentError"
"""The rows of a record, or the error if it is refused."""


@dataclass(frozen=True)
class OneByOne:
    """Requests records one after the other.

    Attributes:
        things: What is read, for log lines: such as `the details of {} lead`, where {} is the
            number of leads.
        rows: Returns the rows of a record.
        gone: Returns the rows of a record that no longer exists.
    """

    account: AccountLists
    things: str
    rows: Callable[[Item], list[Row]]
    gone: Callable[[Item], list[Row]]

    def read(self, items: Sequence[Item], newest: Micros | None) -> Iterator[Chunk]:
        """Yield the rows of each record; `items` must be sorted by cursor.

        The bookmark is the cursor of the last record that was read, at most `newest`. A record that
        is refused while others are not is requested again by the next run.

        Raises:
            LeadsError: Records were refused, one of them or all.
        """
        if items:
            self._announce(len(items))
        refused: dict[str, Any] = {**(self.account.kept.get(_REFUSED) or {})}
        listed = {item.id for item in items}
        again = [Item(each, from_text(at)) for each, at in refused.items() if each not in listed]
        bookmark: Micros | None = None
        refusal: PermanentError | None = None
        for item, answer in self._answers([*again, *items]):
            was_refused = item.id in refused
            refused.pop(item.id, None)
            if isinstance(answer, PermanentError):
                refusal = answer
                refused[item.id] = None if item.cursor is None else to_text(item.cursor)
                if len(refused) > _MAX_REFUSED:
                    raise answer
            rows = answer if isinstance(answer, list) else []
            safe = [bookmark] * len(rows)
            if item.cursor is not None and newest is not None:
                bookmark = min(item.cursor, newest)
            is_changed = was_refused or item.id in refused
            kept = {**item.kept, _REFUSED: {**refused}} if is_changed else item.kept
            yield Chunk(rows, safe, bookmark, kept)
        if refusal is not None:
            what = self._counted(len(refused))
            raise LeadsError(
                f"{what} could not be read, all others were: {refusal.cause}",
                f"The next run requests them again. {refusal.advice}",
                code=Code.INCOMPLETE,
            )

    def _answers(self, items: Sequence[Item]) -> Iterator[tuple[Item, _Answer]]:
        """Yield the rows of each record, or the error of one that is refused while others are not.

        Raises:
            LeadsError: All records are refused, at least from some point on.
        """
        refused: list[tuple[Item, PermanentError]] = []
        good: Item | None = None
        for item in items:
            try:
                rows = self._rows(item)
            except PermanentError as error:
                if error.fatal_for_account or error.status not in _OF_ONE_OR_ALL:
                    raise
                refused.append((item, error))
                if len(refused) < _REFUSED_IN_A_ROW:
                    continue
                good = good or items[-1]
                self._rows(good)
                rows = None
            yield from self._refusals(refused)
            refused = []
            if rows is not None:
                good = item
                yield item, rows
        if refused:
            if good is None:
                raise refused[0][1]
            self._rows(good)
            yield from self._refusals(refused)

    def _rows(self, item: Item) -> list[Row]:
        try:
            return self.rows(item)
        except PermanentError as error:
            # An unknown ID (apis/dashly.md 25).
            if error.status != HTTPStatus.BAD_REQUEST or "LookupError" not in error.details:
                raise
            return self.gone(item)

    def _refusals(
        self, refused: Sequence[tuple[Item, PermanentError]]
    ) -> Iterator[tuple[Item, _Answer]]:
        for item, error in refused:
            yield item, self.gone(item) if error.status == HTTPStatus.NOT_FOUND else error

    def _announce(self, count: int) -> None:
        """Log how long it takes to send a request for each of `count` records."""
        rate = self.account.settings["requests_per_second"]
        seconds = round(count / rate)
        minutes, hours = seconds // 60, seconds // 3600
        if hours:
            length = f"{hours} h {minutes % 60} min"
        elif minutes:
            length = f"{minutes} min {seconds % 60} s"
        else:
            length = f"{seconds} s"
        what = self._counted(count)
        self.account.inform(f"reading {what} takes about {length} at {rate:g} requests per second")

    def _counted(self, count: int) -> str:
        return self.things.format(f"{count:,}") + ("" if count == 1 else "s")
