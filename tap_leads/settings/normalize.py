"""Normalizes settings before they are validated: their types and forms, and unused sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.settings.coerce import coerce

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_leads.settings.model import SourceSettings
    from tap_leads.settings.schema import Config, Schema


def normalize(config: Config, schema: Schema, sources: Iterable[SourceSettings]) -> Config:
    """Return settings after `tidy`, with each value in the type and form of its setting.

    A value that cannot be converted is returned unchanged, for `validate` to report.
    """
    config = coerce(config, schema)
    for source in sources:
        settings = config.get(source.name)
        if isinstance(settings, dict):
            config[source.name] = _normalize_source(settings, source)
    return config


def _normalize_source(settings: Config, source: SourceSettings) -> Config:
    settings = {**settings, **source.normalize(settings)}
    if isinstance(accounts := settings.get("accounts"), list):
        settings["accounts"] = [
            {**own, **source.normalize(own)} if isinstance(own, dict) else own for own in accounts
        ]
    return settings


def without_ignored(config: Config, sources: Iterable[SourceSettings]) -> tuple[Config, list[str]]:
    """Return the settings without those of sources that have no credential, and a line for each."""
    ignored = [source for source in sources if not source.is_configured(config)]
    lines = [
        f"{source.name}: no credential is set, so its other settings are ignored; to sync it, set "
        + " and ".join(f"{source.name}.{name}" for name in source.required[0])
        for source in ignored
        if config.get(source.name)
    ]
    names = {source.name for source in ignored}
    return {name: value for name, value in config.items() if name not in names}, lines
