"""The generated parts of the reference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tools.settings import Setting


def settings_table(settings: Iterable[Setting]) -> str:
    """Return settings as a table; those with the same name and description share a row."""
    rows: dict[tuple[str, str], list[Setting]] = {}
    for setting in settings:
        key = setting.name.rpartition(".")[2], setting.schema["description"]
        rows.setdefault(key, []).append(setting)
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for (_, description), row in rows.items():
        names = "<br>".join(f"`{setting.name}`" for setting in row)
        defaults = [code(of["default"]) if "default" in of else "" for _, of in row]
        default = "<br>".join(defaults if len(set(defaults)) > 1 else defaults[:1])
        lines.append(f"| {names} | {default} | {' '.join([description, *notes(row[0])])} |")
    return "\n".join(lines) + "\n"


def notes(setting: Setting) -> Iterator[str]:
    """Yield what the schema states in addition to the description."""
    of = setting.schema
    choices = [code(choice) for choice in of.get("enum", ())]
    if not all(choice in of["description"] for choice in choices):
        yield f"One of {', '.join(choices)}."
    if "examples" in of:
        yield f"Example: {', '.join(map(code, of['examples']))}."
    if of.get("secret"):
        yield "Sensitive."


def code(value: object) -> str:
    """Return a value as inline code in Markdown."""
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"
