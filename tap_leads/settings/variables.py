"""Environment variables that have the tap's prefix but are no setting: mistyped ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tap_leads.settings.load import environment, from_options, settings_in
from tap_leads.settings.schema import types_of
from tap_leads.settings.suggest import HINT, closest, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_leads.settings.schema import Config, Schema

# The SDK reads this one.
_OTHERS = {"LOGLEVEL"}


def read_options(options: Sequence[str], schema: Schema, prefix: str) -> tuple[Config, list[str]]:
    """Return the settings of all `--config` options, and a line for each mistyped variable."""
    config, is_read = from_options(options, schema, prefix)
    return config, mistyped_variables(schema, prefix, is_read=is_read)


def mistyped_variables(schema: Schema, prefix: str, *, is_read: bool) -> list[str]:
    """Return a line for each variable of the environment that is probably mistyped.

    If the tap does not read the environment (`is_read`), Meltano may: only variables that resemble
    a setting are reported then, because others may belong to another program.
    """
    if is_read:
        return unknown_variables(environment(), schema, prefix)
    return [line for line in unknown_variables(os.environ, schema, prefix) if HINT in line]


def unknown_variables(names: Iterable[str], schema: Schema, prefix: str) -> list[str]:
    """Return a line for each variable with the prefix that is no setting, with the likely name."""
    known, objects = set(_OTHERS), ["_"]
    for path, kind in settings_in(schema):
        name = "_".join(path).upper()
        known.add(name)
        if "object" in types_of(kind) and (not kind.get("properties") or path[-1] == "filters"):
            objects.append(f"{name}_")
    lines = []
    for variable in sorted(names):
        name = variable.upper().removeprefix(prefix)
        # Meltano sets variables for keys of objects, and `TAP_LEADS__SELECT` for its extras.
        is_other = not variable.upper().startswith(prefix) or name.startswith(tuple(objects))
        if is_other or (name in known and variable.isupper()):
            continue
        hint = did_you_mean([prefix + each for each in closest(name, known - _OTHERS)])
        lines.append(f"{variable}: unknown variable, ignored{hint}")
    return lines
