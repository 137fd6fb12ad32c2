"""The data of an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sandbox.core.store import Collection, Lead
    from sandbox.kommo.events import History
    from sandbox.kommo.fields import Fields
    from sandbox.kommo.oauth import OAuth
    from sandbox.kommo.options import KommoOptions
    from sandbox.kommo.table import Table


@dataclass(frozen=True)
class Account:
    """The options of an account, and its data besides the leads."""

    options: KommoOptions
    oauth: OAuth
    tables: dict[str, Table]
    """The tables by path."""
    bin: Collection
    """The leads in the recycle bin, with all their values."""
    history: History
    """The changes of leads, contacts and companies."""

    @property
    def fields(self) -> Fields:
        """The custom fields of leads."""
        return cast("Fields", self.tables["leads/custom_fields"])

    def current(self, lead: Lead) -> Lead:
        """Return the lead with its custom fields by the current definitions."""
        customs = self.fields.current(lead["custom_fields_values"], lead["id"])
        same = customs is lead["custom_fields_values"]
        return lead if same else {**lead, "custom_fields_values": customs}
