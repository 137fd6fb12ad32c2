"""Turns settings as the user wrote them into settings that are valid and complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tap_leads.settings.accounts import select, with_files, with_secrets
from tap_leads.settings.load import environment, tidy
from tap_leads.settings.normalize import normalize, without_ignored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_leads.settings.model import SourceSettings
    from tap_leads.settings.schema import Config, Schema


class Prepared(NamedTuple):
    """Settings in their usual form, without defaults.

    Attributes:
        settings: The settings of the sources and accounts to sync; valid if there is no error.
        errors: A line per error, with the setting or the file and line, and never a value.
        ignored: A line for each source without a credential, whose settings are left out.
    """

    settings: Config
    errors: list[str]
    ignored: list[str]


def prepare(
    config: Config,
    schema: Schema,
    sources: Sequence[SourceSettings],
    validate: Callable[[Config], Iterable[str]],
    *,
    with_variables: bool = True,
) -> Prepared:
    """Return settings as the tap uses them, with accounts from files and secrets from variables.

    Args:
        config: All settings, as the user wrote them.
        schema: The schema of all settings.
        sources: The settings of every source.
        validate: Returns a line per error in settings after `normalize`.
        with_variables: If False, variables that hold secrets of accounts need not be set.
    """
    config, places, errors = with_files(tidy(config), sources)
    config = normalize(config, schema, sources)
    if not errors:
        config, places, errors = select(config, places, sources)
        # Other accounts are not synced, so their variables may be missing.
        is_read = with_variables and not errors
        config, missing = with_secrets(config, sources, environment() if is_read else None)
        invalid = validate(config)
        lines = [*errors, *places.errors, *missing, *invalid]
        errors = [places.describe(line) for line in lines]
    config, ignored = without_ignored(config, sources)
    return Prepared(config, errors, ignored)
