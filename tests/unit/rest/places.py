"""The two places that tokens can be kept in, as one test sees either of them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from tap_leads.rest.auth.token_file import account_file
from tap_leads.rest.auth.token_row import TABLE
from tap_leads.rest.auth.token_table import TokenTable

if TYPE_CHECKING:
    from pathlib import Path

    from tap_leads.rest.auth.token_store import TokenStore
    from tests.support.token_database import TokenDatabase


class Place(ABC):
    """Where the tokens of one account are."""

    @property
    @abstractmethod
    def setting(self) -> dict[str, str]:
        """Return the setting that names the place."""

    @abstractmethod
    def store(self) -> TokenStore:
        """Return what a run would begin with."""

    @property
    @abstractmethod
    def held(self) -> dict[str, Any]:
        """Return what is kept, with times in Unix seconds."""

    @abstractmethod
    def delete(self) -> None:
        """Delete the tokens."""

    @abstractmethod
    def spoil(self) -> None:
        """Replace the tokens with something else."""

    @abstractmethod
    def block(self) -> None:
        """Let nobody write tokens anymore."""


class File(Place):
    """A token file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    @override
    def setting(self) -> dict[str, str]:
        return {"token_file": str(self.path)}

    @override
    def store(self) -> TokenStore:
        return account_file("crm", "acme", str(self.path))

    @property
    @override
    def held(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.path.read_bytes()))

    @override
    def delete(self) -> None:
        self.path.unlink()

    @override
    def spoil(self) -> None:
        self.path.write_bytes(b"{}")

    @override
    def block(self) -> None:
        self.path.with_name(f"{self.path.name}.new").symlink_to(self.path.parent)


class Table(Place):
    """A row of the table."""

    def __init__(self, database: TokenDatabase) -> None:
        self.database = database

    @property
    @override
    def setting(self) -> dict[str, str]:
        return {"token_store": self.database.address}

    @override
    def store(self) -> TokenStore:
        return TokenTable(self.database.address, "crm", "acme")

    @property
    @override
    def held(self) -> dict[str, Any]:
        row = self.database.row
        times = {name: row[name].timestamp() for name in ("obtained_at", "expires_at")}
        return row | times | {"spent": json.loads(row["spent"])}

    @override
    def delete(self) -> None:
        self.database.query("delete from tap_leads_tokens")

    @override
    def spoil(self) -> None:
        with self.store().locked():
            pass
        columns = "source, account, access_token"
        self.database.query(f"insert into {TABLE} ({columns}) values ('crm', 'acme', '')")  # noqa: S608

    @override
    def block(self) -> None:
        role = self.database.name
        self.database.query(f"revoke update on {TABLE} from {role}")
        # Enough to lock the row
        self.database.query(f"grant update (version, updated_at) on {TABLE} to {role}")
