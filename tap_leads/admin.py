"""The command `tap-leads-admin`: lists the accounts in the settings, and moves their tokens."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from typing_extensions import override

from tap_leads.errors import LeadsError
from tap_leads.names import account_id
from tap_leads.rest.auth import store_of
from tap_leads.rest.auth.move import move
from tap_leads.rest.auth.token_file import account_file
from tap_leads.settings.errors import SettingsError
from tap_leads.singer.command import lines_of
from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_leads.rest.auth.token_store import TokenStore
    from tap_leads.settings.schema import Config


# The last moment that `datetime` can show.
_LAST_MOMENT = 253_402_300_799.0


class _Group(click.Group):
    """Commands that print each error as one line, and exit with code 1."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # its text may hold a secret
            for line in lines_of(error):
                click.echo(line, err=True)
            sys.exit(1)


class _Account(NamedTuple):
    source: str
    label: str
    settings: Config

    @property
    def id(self) -> str:
        return account_id(self.source, self.label)


def _accounts(config: Config, *, with_variables: bool) -> Iterator[_Account]:
    """Yield the accounts in settings.

    Raises:
        SettingsError: The settings are invalid.
    """
    settings, errors, _ = TapLeads.prepare(config, with_variables=with_variables)
    if errors:
        raise SettingsError(errors)
    for source in TapLeads.sources:
        if source.name in settings:
            for _, label, own in source.settings.accounts(settings[source.name]):
                yield _Account(source.name, label, own)


_CONFIG = click.option(
    "--config",
    "options",
    multiple=True,
    metavar="FILE|ENV",
    help="Settings of the tap: a JSON file, or ENV for environment variables. Can be repeated.",
)


@click.group(cls=_Group)
@click.version_option(package_name="tap-leads", prog_name="tap-leads-admin")
def cli() -> None:
    """Manage the accounts of tap-leads."""


@cli.command()
@_CONFIG
def accounts(options: Sequence[str]) -> None:
    """Print one line of JSON for each account, with the ID that the setting `account` expects.

    No request is sent, and the environment variables that hold secrets need not be set.
    """
    for each in [*_accounts(TapLeads.read_config(options), with_variables=False)]:
        _print({"source": each.source, "name": each.label, "state_id": each.id})


@cli.group()
def tokens() -> None:
    """Show or move the tokens of accounts with `oauth`."""


_ACCOUNT = click.option(
    "--account", metavar="ID", help="Only this account, by its ID that `accounts` prints."
)
_FILE = click.option(
    "--file",
    metavar="FILE",
    help="The token file of the account, unless it is at the default place.",
)


@tokens.command()
@_CONFIG
@_ACCOUNT
def status(options: Sequence[str], account: str | None) -> None:
    """Print one line of JSON for each account: where its tokens are, and when they expire."""

    def show(each: _Account) -> dict[str, Any]:
        store = store_of(each.source, each.label, each.settings["oauth"])
        with store.locked():
            found = store.load()
        return {
            "where": store.place,
            "obtained_at": _iso(found.obtained_at) if found else None,
            "expires_at": _iso(found.expires_at) if found else None,
            "is_due": found.is_due(time.time()) if found else None,
        }

    _for_each(options, account, show)


@tokens.command(name="import")
@_CONFIG
@_ACCOUNT
@_FILE
def import_(options: Sequence[str], account: str | None, file: str | None) -> None:
    """Move tokens from the token file to the `token_store` in the settings.

    Stop syncs of the accounts before. If the command is interrupted, run it again.
    """
    _move(options, account, file, is_import=True)


@tokens.command()
@_CONFIG
@_ACCOUNT
@_FILE
def export(options: Sequence[str], account: str | None, file: str | None) -> None:
    """Move tokens from the `token_store` in the settings to the token file.

    Stop syncs of the accounts before, and remove `token_store` from the settings afterwards. If
    the command is interrupted, run it again.
    """
    _move(options, account, file, is_import=False)


def _move(
    options: Sequence[str], account: str | None, file: str | None, *, is_import: bool
) -> None:
    def move_one(each: _Account) -> dict[str, Any]:
        oauth = each.settings["oauth"]
        if "token_store" not in oauth:
            setting = f"{each.source}.oauth.token_store"
            raise SettingsError([f"`{setting}` is not set; set it to the database"])
        path = account_file(each.source, each.label, file)
        table = store_of(each.source, each.label, oauth)
        places: list[TokenStore] = [path, table] if is_import else [table, path]
        with path.locked(), table.locked():  # in the same order by both commands
            is_moved = move(*places)
        return {"from": places[0].place, "to": places[1].place, "moved": is_moved}

    if file and not account:
        raise SettingsError(["--file is the file of one account; name it with --account"])
    _for_each(options, account, move_one)


def _for_each(
    options: Sequence[str], account: str | None, work: Callable[[_Account], dict[str, Any]]
) -> None:
    """Print what `work` returns for each account with `oauth`; an error ends only its account.

    Raises:
        SettingsError: The settings are invalid, or no account has `oauth`.
    """
    config = TapLeads.read_config(options)
    if account:
        config["account"] = account
    found = [each for each in _accounts(config, with_variables=True) if "oauth" in each.settings]
    if not found:
        raise SettingsError(["no account has `oauth`, so there are no tokens to manage"])
    has_failed = False
    for each in found:
        try:
            _print({"state_id": each.id, **work(each)})
        except LeadsError as error:
            has_failed = True
            for line in lines_of(error):
                click.echo(f"account {each.label}: {line}", err=True)
    if has_failed:
        sys.exit(1)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(min(moment, _LAST_MOMENT), UTC).isoformat(timespec="seconds")


def _print(line: dict[str, Any]) -> None:
    click.echo(json.dumps(line, ensure_ascii=False))
