"""The generated parts of the reference: settings, environment variables, and the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tools.settings import Setting

FORMS = {
    "array": 'JSON list, such as `["a", "b"]`',
    "boolean": "`true` or `false`",
    "date_iso8601": "date or date-time, such as `2026-01-01`",
    "file": "path",
    "integer": "whole number",
    "object": "JSON object",
    "string": "text",
}
"""How the value of a setting of each kind is written in an environment variable."""


def settings_table(settings: Iterable[Setting]) -> str:
    """Return settings as a table; those with the same name and description share a row."""
    rows: dict[tuple[str, str], list[Setting]] = {}
    for setting in settings:
        key = setting.name.rpartition(".")[2], setting.schema["description"]
        rows.setdefault(key, []).append(setting)
    return table(["setting", "default", "description"], map(_settings_row, rows.values()))


def _settings_row(settings: list[Setting]) -> list[str]:
    names = "<br>".join(f"`{setting.name}`" for setting in settings)
    defaults = [code(of["default"]) if "default" in of else "" for _, of in settings]
    default = "<br>".join(defaults if len(set(defaults)) > 1 else defaults[:1])
    first = settings[0]
    return [names, default, " ".join([first.schema["description"], *_notes(first)])]


def _notes(setting: Setting) -> Iterator[str]:
    """Yield what the schema states in addition to the description."""
    of = setting.schema
    choices = [code(choice) for choice in of.get("enum", ())]
    if not all(choice in of["description"] for choice in choices):
        yield f"One of {', '.join(choices)}."
    if "examples" in of:
        yield f"Example: {', '.join(map(code, of['examples']))}."
    if of.get("secret"):
        yield "Sensitive."


def variables_table(settings: Iterable[Setting]) -> str:
    """Return the environment variables as a table."""
    return table(
        ["variable", "setting", "value"],
        ([f"`{setting.variable}`", f"`{setting.name}`", _form(setting)] for setting in settings),
    )


def _form(setting: Setting) -> str:
    if "enum" in setting.schema:
        return " or ".join(code(choice) for choice in setting.schema["enum"])
    if setting.schema.get("items", {}).get("type") == "object":
        return "JSON list of objects"
    return "number" if setting.schema["type"] == "number" else FORMS[setting.kind]


def options_table() -> str:
    """Return the options of the command as a table."""
    command = TapLeads.get_singer_command()
    records = (each.get_help_record(click.Context(command)) for each in command.params)
    rows = ([f"`{record[0]}`", record[1]] for record in records if record)
    return table(
        ["option", "description"], ([cell.replace("|", r"\|") for cell in row] for row in rows)
    )


def code(value: object) -> str:
    """Return a value as inline code in Markdown."""
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
