"""Write the tap's settings into README.md and meltano.yml: `python -m tools.docs`.

`--check` writes nothing and fails if a file is out of date.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
# Meltano 4.4 cannot read a `decimal` from the environment, because it cannot serialize a Decimal as
# JSON. It accepts fractions in an `integer`.
KINDS = {"number": "integer"}


class Setting(NamedTuple):
    """A setting by its full name, such as `kommo.access_token`."""

    name: str
    schema: dict[str, Any]

    @property
    def kind(self) -> str:
        """Return the setting's kind in Meltano; if it has several types, the most general."""
        if "enum" in self.schema:
            return "options"
        types = self.schema.get("type", "string")
        types = {types} if isinstance(types, str) else set(types)
        widest: str = next(t for t in ("object", "array", "string", *sorted(types)) if t in types)
        return KINDS.get(widest, widest)


def settings(schema: dict[str, Any], prefix: str = "") -> Iterator[Setting]:
    """Yield every setting; an object yields its keys, except `filters`, which is one setting."""
    for key, value in schema["properties"].items():
        name = prefix + key
        if "properties" in value and key != "filters":
            yield from settings(value, f"{name}.")
        else:
            yield Setting(name, value)


def meltano_settings(schema: dict[str, Any]) -> str:
    """Return the settings for meltano.yml.

    Defaults are left out, because Meltano would pass them to the tap as if the user had set them.
    """
    lines: list[str] = []
    for name, of in settings(schema):
        lines += [f"- name: {name}", f"  kind: {Setting(name, of).kind}"]
        if of.get("secret"):
            lines.append("  sensitive: true")
        if "enum" in of:
            lines.append("  options:")
            lines += [f"  - {{label: {choice}, value: {choice}}}" for choice in of["enum"]]
        lines += [f"  label: {of['title']}", "  description: >-"]
        lines += textwrap.wrap(
            of["description"],
            width=88,
            initial_indent="    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def plugin_settings(schema: dict[str, Any]) -> str:
    """Return the settings for the README's plugin definition, one per line."""
    lines = []
    for setting in settings(schema):
        fields = [f"name: {setting.name}", f"kind: {setting.kind}"]
        if setting.schema.get("secret"):
            fields.append("sensitive: true")
        if "enum" in setting.schema:
            choices = (f"{{label: {each}, value: {each}}}" for each in setting.schema["enum"])
            fields.append(f"options: [{', '.join(choices)}]")
        lines.append(f"- {{{', '.join(fields)}}}")
    return "\n".join(lines)


def readme_settings(schema: dict[str, Any]) -> str:
    """Return the settings as a table; settings with the same description share a row."""
    rows: dict[tuple[str, str], list[Setting]] = {}
    for setting in settings(schema):
        key = setting.name.rpartition(".")[2], setting.schema["description"]
        rows.setdefault(key, []).append(setting)
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for (_, description), row in rows.items():
        names = "<br>".join(f"`{setting.name}`" for setting in row)
        defaults = [code(of["default"]) if "default" in of else "" for _, of in row]
        default = "<br>".join(defaults if len(set(defaults)) > 1 else defaults[:1])
        lines.append(f"| {names} | {default} | {' '.join([description, *notes(row[0])])} |")
    return "\n".join(lines)


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


def between(text: str, begin: str, end: str, content: str) -> str:
    """Return the text with new content between `begin` and `end`, indented like `begin`."""
    head, found, rest = text.partition(begin)
    _, also_found, tail = rest.partition(end)
    if not found or not also_found:
        msg = f"the markers {begin} and {end} are missing"
        raise ValueError(msg)
    indent = head[head.rfind("\n") + 1 :]
    return f"{head}{begin}\n{textwrap.indent(content, indent)}\n{indent}{end}{tail}"


def main() -> None:
    """Write the files, or report which are out of date."""
    schema = TapLeads.config_jsonschema
    stale = []
    for file, begin, end, content in (
        (
            "meltano.yml",
            "# settings: begin (generated by make docs)",
            "# settings: end",
            meltano_settings(schema),
        ),
        ("README.md", "# settings: begin", "# settings: end", plugin_settings(schema)),
        (
            "README.md",
            "<!-- settings:begin -->",
            "<!-- settings:end -->",
            readme_settings(schema),
        ),
    ):
        path = ROOT / file
        text = path.read_text(encoding="utf-8")
        new = between(text, begin, end, content)
        if new != text:
            stale.append(file)
            if "--check" not in sys.argv:
                path.write_text(new, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"{' and '.join(stale)}: the settings are out of date; run make docs")


if __name__ == "__main__":
    main()
