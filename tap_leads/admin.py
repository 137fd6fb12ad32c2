"""The command `tap-leads-admin`: the accounts in the settings, for programs that run the tap."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from typing_extensions import override

from tap_leads.names import account_id
from tap_leads.settings.errors import SettingsError
from tap_leads.singer.command import lines_of
from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.settings.schema import Config


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


def _print(line: dict[str, Any]) -> None:
    click.echo(json.dumps(line, ensure_ascii=False))
