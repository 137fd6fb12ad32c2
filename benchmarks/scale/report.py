"""What must hold, what was measured, and the table of both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Report:
    """The results of a run."""

    failed: int = 0

    def check(self, what: str, found: object, *, holds: bool) -> None:
        """Record something that must hold."""
        self.failed += not holds
        self._row("ok" if holds else "FAILED", what, found)

    def figure(self, what: str, found: object) -> None:
        """Record a measurement."""
        self._row("", what, found)

    def title(self, text: str) -> None:
        """Begin a part of the table."""
        print(f"\n{text}", flush=True)

    @staticmethod
    def _row(mark: str, what: str, found: object) -> None:
        print(f"  {mark:<6}  {what:<58}  {found}", flush=True)
