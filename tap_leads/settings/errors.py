"""The error for invalid settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.errors import Code, LeadsError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence


class SettingsError(LeadsError):
    """Raised if settings, state or catalog are invalid; `lines` has one line per reason."""

    def __init__(self, lines: Sequence[str], code: Code = Code.INVALID_SETTING) -> None:
        """Keep the lines."""
        super().__init__("; ".join(lines), code=code)
        self.lines = [printable(line) for line in lines]
