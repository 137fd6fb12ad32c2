"""A run on a terminal: a table that shows in place how far each stream is."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table
from typing_extensions import override

from tap_leads.progress import HEADS, NUMBERS, Progress

if TYPE_CHECKING:
    from tap_leads.progress import Tally


class LiveProgress(Progress):
    """The tallies of a run, shown and drawn anew while it goes on."""

    def __init__(self, logger: logging.Logger) -> None:
        """Draw on stderr: stdout is the targets'."""
        super().__init__(logger)
        self._live = Live(
            console=Console(stderr=True),
            get_renderable=self._table,
            refresh_per_second=4,
            redirect_stdout=False,
        )
        self._handlers = [
            handler
            for handler in logging.getLogger().handlers
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
        ]

    @override
    def begin(self, tally: Tally) -> Tally:
        if not self._live.is_started:
            self._live.start()
            self._log_to_stderr()  # above the table, which has put something in its place
        return super().begin(tally)

    @override
    def show(self, tally: Tally) -> None:
        """Do nothing: the table shows it."""

    @override
    def end(self) -> None:
        """Leave the table as it is at last."""
        for tally in self.tallies:
            tally.end()
        self._live.stop()
        self._log_to_stderr()

    def _log_to_stderr(self) -> None:
        for handler in self._handlers:
            handler.setStream(sys.stderr)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for place, head in enumerate(HEADS):
            table.add_column(head, justify="right" if place in NUMBERS else "left")
        for tally in self.tallies:
            table.add_row(*tally.cells())
        return table
