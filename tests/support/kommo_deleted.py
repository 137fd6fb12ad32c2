"""A table of deleted records, over several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.moments import moment
from tests.support.run import Table, read

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

DELETED = "kommo_deleted_leads"
Row = dict[str, Any]


class Target:
    """The table, loaded by each run."""

    def __init__(self, kommo: Kommo, stream: str = DELETED) -> None:
        """Start with an empty table and no state."""
        self.kommo = kommo
        self.stream = stream
        self.table = Table()
        self.state: dict[str, Any] | None = None

    def run(self, *others: str) -> dict[int, Row]:
        """Run the tap once more, and return the rows of the table by ID."""
        run = read(self.kommo, self.stream, *others, state=self.state)
        self.state = run.state
        self.table.load(run.messages)
        return {row["id"]: row for row in self.table.rows[self.stream].values()}


def gone(rows: dict[int, Row]) -> set[int]:
    """Return the leads that are deleted now."""
    return {lead for lead, row in rows.items() if row["restored_at"] is None}


def at(kommo: Kommo) -> str | None:
    """Return the current second, as in a record."""
    return moment(int(kommo.clock.now()))
