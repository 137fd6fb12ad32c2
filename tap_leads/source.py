"""A source: a lead system, its settings, its accounts and its streams."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_leads.accounts import Account
from tap_leads.checks import api_url_error
from tap_leads.config import with_defaults
from tap_leads.oauth import inherited, shared_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tap_leads.auth import Auth
    from tap_leads.leads import LeadsStream
    from tap_leads.settings import Config, Schema


@dataclass(frozen=True, slots=True)
class Source:
    """One word in `SOURCES`.

    `label` names an account that has no `name`; `problems` yields what is wrong with the settings
    of an account, as (setting, what) pairs; `auth` makes its tokens of its label and settings.
    """

    name: str
    settings: Schema
    streams: Sequence[type[LeadsStream]]
    label: Callable[[Config], str]
    problems: Callable[[Config], Iterable[tuple[str, str]]]
    auth: Callable[[str, Config], Auth] | None = None

    def accounts(self, config: Config) -> list[Account]:
        """The accounts of a source that is configured rightly."""
        found = [settings for _, settings in self._account_settings(config)]
        return [self._account(self._label(settings), settings) for settings in found]

    def check(self, config: Config) -> list[str]:
        """One line for each thing wrong that the schema cannot see."""
        errors: list[str] = []
        labels: Counter[str] = Counter()
        for where, settings in self._account_settings(config):
            url = settings.get("api_url")
            if url is not None and (error := api_url_error(url)):
                errors.append(f"{where}.api_url: {error}")
            errors += [f"{where}.{name}: {what}" for name, what in self.problems(settings)]
            labels[self._label(settings)] += 1
        errors += [
            f"{self.name}.accounts: {count} accounts have the name {label}; give each its own"
            for label, count in labels.items()
            if count > 1
        ]
        errors += shared_files(self._account_settings(config))
        return errors

    def _account(self, label: str, settings: Config) -> Account:
        return Account(label, settings, self.auth(label, settings) if self.auth else None)

    def _label(self, settings: Config) -> str:
        return str(settings.get("name") or self.label(settings))

    def _account_settings(self, config: Config) -> Iterator[tuple[str, Config]]:
        """The name of each account's settings object, and its settings with the defaults."""
        shared = {name: value for name, value in config.items() if name != "accounts"}
        if "accounts" not in config:
            yield self.name, with_defaults(shared, self.settings)
        for index, own in enumerate(config.get("accounts", ())):
            # A `name` beside `accounts` would be the name of all of them.
            others = {name: value for name, value in shared.items() if name != "name"}
            settings = with_defaults(inherited(others, own), self.settings)
            yield f"{self.name}.accounts[{index}]", settings
