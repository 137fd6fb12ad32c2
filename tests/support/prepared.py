"""Settings with accounts in a file, and what becomes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.settings import Config

CANARY = "canary-4f1c"
FILE = "kommo.accounts_file: accounts.json"
BERLIN = {"name": "berlin", "subdomain": "acme", "access_token_env": "BERLIN"}
PORTO = {"name": "porto", "subdomain": "acme2", "access_token_env": "PORTO"}


def errors_of(config: Config, **options: bool) -> list[str]:
    """Return the errors in settings, which never contain a value."""
    errors = TapLeads.prepare(config, **options).errors
    assert not any(CANARY in line for line in errors)
    return errors


def accounts_of(config: Config, **options: bool) -> list[Config]:
    """Return the accounts of Kommo in settings that are valid."""
    prepared = TapLeads.prepare(config, **options)
    assert prepared.errors == []
    accounts: list[Config] = prepared.settings["kommo"]["accounts"]
    return accounts


def in_file(tmp_path: Path, *accounts: Any, **top: Any) -> Config:
    """Return settings with these accounts in a file: one in each line, from the second on."""
    lines = ",\n".join(json.dumps(account) for account in accounts)
    (tmp_path / "accounts.json").write_text(f"[\n{lines}\n]")
    return {"kommo": {"accounts_file": "accounts.json"}, **top}
