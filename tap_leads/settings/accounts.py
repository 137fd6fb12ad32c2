"""The accounts of all sources: where each is written, its ID, and secrets in the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_leads.names import account_id
from tap_leads.settings.accounts_file import AccountsFileError, read_accounts
from tap_leads.settings.coerce import coerce
from tap_leads.settings.schema import VARIABLE
from tap_leads.settings.suggest import closest, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_leads.settings.model import SourceSettings
    from tap_leads.settings.schema import Config, Schema

UNREAD = "postgresql://unread"
"""Stands for a secret that is not read from the environment, and is valid as each of them."""
# By convention names of variables are in upper case. Others may be secrets in the wrong place.
_PRINTABLE_VARIABLE = re.compile("[A-Z_][A-Z0-9_]*")
_ACCOUNT = re.compile(r"\b(\w+\.accounts\[\d+\])(\.?)")


class Place(NamedTuple):
    """Where an account is written: the setting, and the place in its file, if it is in a file.

    `errors` has a line for each value there that cannot be read.
    """

    setting: str
    line: str = ""
    errors: Sequence[str] = ()


class Places(dict[str, Place]):
    """Where accounts are written, by their name in the settings, such as `kommo.accounts[0]`."""

    @property
    def errors(self) -> list[str]:
        """Return a line for each value of an account that cannot be read."""
        return [f"{name}.{error}" for name, place in self.items() for error in place.errors]

    def describe(self, message: str) -> str:
        """Return a message that names accounts by the places where the user wrote them."""
        return _ACCOUNT.sub(self._describe, message)

    def _describe(self, found: re.Match[str]) -> str:
        place = self.get(found[1])
        if place is None:
            return found[0]
        if not place.line:
            return place.setting + found[2]
        if found.start() == 0:
            return f"{place.setting}: {place.line}" + (": " if found[2] else "")
        return "" if found[2] else place.line


def with_files(
    config: Config, sources: Iterable[SourceSettings]
) -> tuple[Config, Places, list[str]]:
    """Return the settings with `accounts` in place of each `accounts_file`.

    Also returns where each account is written, and a line per error.
    """
    config = {**config}
    places = Places()
    errors: list[str] = []
    for source in sources:
        settings = config.get(source.name)
        if not isinstance(settings, dict) or not settings.get("accounts_file"):
            continue
        path, setting = settings["accounts_file"], f"{source.name}.accounts_file"
        if "accounts" in settings:
            errors.append(f"{setting}: cannot be combined with `accounts`; keep one of the two")
            continue
        if not isinstance(path, str):
            continue  # an error for `validate` to report
        account = source.schema["properties"]["accounts"]["items"]
        try:
            entries = read_accounts(path, account)
        except AccountsFileError as error:
            errors += (f"{setting}: {line}" for line in error.lines)
            continue
        for index, entry in enumerate(entries):
            line = f"{path}, line {entry.line}"
            places[f"{source.name}.accounts[{index}]"] = Place(setting, line, entry.errors)
        config[source.name] = {
            **{name: value for name, value in settings.items() if name != "accounts_file"},
            "accounts": [entry.settings for entry in entries],
        }
    return config, places, errors


class Found(NamedTuple):
    """An account in settings that are not validated: its ID, and its position in `accounts`."""

    source: SourceSettings
    id: str
    position: int | None


def find(config: Config, sources: Iterable[SourceSettings]) -> Iterator[Found]:
    """Yield the accounts of each source that is configured."""
    for source in sources:
        settings = config.get(source.name)
        if not isinstance(settings, dict) or not source.is_configured(config):
            continue
        is_list = "accounts" in settings
        if is_list and not isinstance(settings["accounts"], list):
            continue  # an error for `validate` to report
        for index, label in enumerate(source.labels(settings)):
            yield Found(source, account_id(source.name, label), index if is_list else None)


def select(
    config: Config, places: Places, sources: Sequence[SourceSettings]
) -> tuple[Config, Places, list[str]]:
    """Return the settings without other accounts and sources than `account` names.

    Without `account`, or if there is an error, all of them are returned.
    """
    wanted = config.get("account")
    if not isinstance(wanted, str):
        return config, places, []
    accounts = [*find(config, sources)]
    found = [each for each in accounts if each.id == wanted]
    if not found:
        line = "account: unknown account; `tap-leads-admin accounts` prints the ID of each"
        hint = did_you_mean(closest(wanted, (each.id for each in accounts)))
        return config, places, [line + hint]
    if len(found) > 1:
        line = f"account: {len(found)} accounts have this ID; give each a unique `name`"
        return config, places, [line]
    source, _, position = found[0]
    names = {each.name for each in sources}
    config = {name: value for name, value in config.items() if name not in names - {source.name}}
    if position is None:
        return config, places, []
    name = f"{source.name}.accounts[{position}]"
    own = config[source.name]
    config[source.name] = {**own, "accounts": [own["accounts"][position]]}
    place = Places({f"{source.name}.accounts[0]": places.get(name, Place(name))})
    return config, place, []


def with_secrets(
    config: Config, sources: Iterable[SourceSettings], variables: Mapping[str, str] | None
) -> tuple[Config, list[str]]:
    """Return the settings with the secrets that accounts keep in the environment.

    Without `variables`, `UNREAD` stands for each secret. Also returns a line per error.
    """
    config = {**config}
    errors: list[str] = []
    for source in sources:
        settings = config.get(source.name)
        accounts = settings.get("accounts") if isinstance(settings, dict) else None
        if not isinstance(settings, dict) or not isinstance(accounts, list):
            continue
        schema = source.schema["properties"]["accounts"]["items"]
        where = (f"{source.name}.accounts[{index}]" for index in range(len(accounts)))
        read = [
            _read_secrets(own, schema, name, variables, errors)
            for name, own in zip(where, accounts, strict=True)
        ]
        config[source.name] = {**settings, "accounts": read}
    return config, errors


def _read_secrets(
    settings: Any,
    schema: Schema,
    where: str,
    variables: Mapping[str, str] | None,
    errors: list[str],
) -> Any:
    if not isinstance(settings, dict):
        return settings
    properties = schema.get("properties", {})
    found = {}
    for key, value in settings.items():
        name = key.removesuffix(VARIABLE)
        if key == name or key not in properties:
            inner = properties.get(key, {})
            found[key] = _read_secrets(value, inner, f"{where}.{key}", variables, errors)
        elif not isinstance(value, str):
            found[key] = value  # an error for `validate` to report
        elif name in settings:
            errors.append(f"{where}.{key}: cannot be combined with `{name}`; keep one of the two")
        elif variables is None:
            found[name] = UNREAD
        elif value in variables:
            found[name] = coerce(variables[value], properties[name])
        else:
            found[name] = UNREAD
            variable = value if _PRINTABLE_VARIABLE.fullmatch(value) else "that it names"
            errors.append(f"{where}.{key}: the environment variable {variable} is not set")
    return found
