"""`--about`: the settings in groups, with what each source requires."""

from __future__ import annotations

import textwrap
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.about import AboutInfo, JSONFormatter

from tap_leads.settings.load import settings_in
from tap_leads.settings.model import top_level
from tap_leads.settings.schema import types_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk.plugin_base import PluginBase

    from tap_leads.settings.model import SourceSettings
    from tap_leads.settings.schema import Schema

_WIDTH = 100
_ADVICE = "Set up at least one source. The settings of a source without a credential are ignored."


def about_schema(schema: Schema, sources: Sequence[SourceSettings]) -> Schema:
    """Return the schema of all settings as `--about` shows it.

    What a source requires is marked, and `filters` is one object. The tap validates with another
    schema, because accounts can share the settings that are required.
    """
    schema = deepcopy(schema)
    for source in sources:
        own = schema["properties"][source.name]
        of_account = own["properties"]["accounts"]["items"]
        for each in (own, of_account):
            filters = each["properties"]["filters"]
            for name in ("properties", "additionalProperties", "required"):
                filters.pop(name, None)
        _require(own, source.required)
        own["anyOf"] = [
            {"required": ["accounts"]},
            {"required": ["accounts_file"]},
            {"required": own.pop("required"), "anyOf": own.pop("anyOf", [{}])},
        ]
    return schema


def _require(schema: Schema, alternatives: Sequence[Sequence[str]]) -> None:
    """Mark the settings that are required, or one way of several."""
    ways = list(dict.fromkeys(_tops(each) for each in alternatives))
    schema["required"] = [name for name in ways[0] if all(name in way for way in ways)]
    if len(ways) > 1:
        schema["anyOf"] = [
            {"required": [name for name in way if name not in schema["required"]]} for way in ways
        ]
    for top in {name for way in ways for name in way}:
        inner = [
            [name.removeprefix(f"{top}.") for name in each if name.startswith(f"{top}.")]
            for each in alternatives
        ]
        if any(inner):
            _require(schema["properties"][top], [each for each in inner if each])


def _tops(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.partition(".")[0] for name in names))


class _Setting(NamedTuple):
    name: str
    schema: Schema
    facts: list[str]
    """Its type, if it is required, its default, and if it is sensitive."""


class _Group(NamedTuple):
    title: str
    intro: list[str]
    settings: list[_Setting]


def _groups(schema: Schema, sources: Sequence[SourceSettings]) -> Iterator[_Group]:
    """Yield the settings of each source, those of all sources, and those of the SDK."""
    for source in sources:
        own = schema["properties"][source.name]
        ways = [", ".join(f"{source.name}.{name}" for name in way) for way in source.required]
        words = ("Required: ", *["Or: "] * len(ways))
        yield _Group(
            own["title"],
            [own["description"], *(word + way for word, way in zip(words, ways, strict=False))],
            _settings(own, source),
        )
    ours = top_level({})["properties"].keys()
    of_tap = {k: v for k, v in schema["properties"].items() if k in ours}
    names = {source.name for source in sources}
    of_sdk = {k: v for k, v in schema["properties"].items() if k not in ours and k not in names}
    yield _Group("All sources", [], _settings({"properties": of_tap}))
    yield _Group("Singer SDK", [], _settings({"properties": of_sdk}))


def _settings(schema: Schema, source: SourceSettings | None = None) -> list[_Setting]:
    ways = source.required if source else ()
    prefix = f"{source.name}." if source else ""
    found = []
    for path, kind in settings_in(schema):
        name = ".".join(path)
        if kind.get("properties") and path[-1] != "filters":
            continue
        facts = [" or ".join(types_of(kind))]
        uses = [name in way for way in ways]
        if any(uses):
            facts.append("required" if all(uses) else "required or alternative")
        if "default" in kind:
            facts.append(f"default: {_json(kind['default'])}")
        if kind.get("secret"):
            facts.append("sensitive")
        found.append(_Setting(prefix + name, kind, facts))
    return found


def _json(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def about(
    plugin: type[PluginBase],
    schema: Schema,
    sources: Sequence[SourceSettings],
    output_format: str | None,
) -> str:
    """Return the description of the tap as JSON, Markdown or, by default, plain text."""
    info = AboutInfo(
        name=plugin.name,
        description=plugin.__doc__,
        version=plugin.get_plugin_version(),
        sdk_version=plugin.get_sdk_version(),
        supported_python_versions=plugin.get_supported_python_versions(),
        capabilities=plugin.capabilities,
        settings=about_schema(schema, sources),
        env_var_prefix=f"{plugin.name}_".replace("-", "_").upper(),
    )
    if output_format == "json":
        return JSONFormatter().format_about(info)
    return (_markdown if output_format == "markdown" else _text)(info, sources)


def _text(info: AboutInfo, sources: Sequence[SourceSettings]) -> str:
    lines = [
        f"Name: {info.name}",
        f"Description: {info.description}",
        f"Version: {info.version}",
        f"SDK Version: {info.sdk_version}",
        f"Supported Python Versions: {', '.join(info.supported_python_versions or ())}",
        f"Capabilities: {', '.join(each.value for each in info.capabilities)}",
        "",
        _ADVICE,
    ]
    for group in _groups(info.settings, sources):
        lines += ["", group.title]
        for line in group.intro:
            lines += _wrapped(line, "  ")
        lines.append("")
        for name, schema, facts in group.settings:
            variable = info.env_var_prefix + name.replace(".", "_").upper()
            lines += [f"  {name} ({', '.join(facts)})", f"    {variable}"]
            lines += _wrapped(schema.get("description", ""), "    ")
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _markdown(info: AboutInfo, sources: Sequence[SourceSettings]) -> str:
    lines = [
        f"# `{info.name}`",
        "",
        str(info.description),
        "",
        "## Capabilities",
        "",
        *(f"- `{each.value}`" for each in info.capabilities),
        "",
        "## Supported Python versions",
        "",
        *(f"- {version}" for version in info.supported_python_versions or ()),
        "",
        "## Settings",
        "",
        _ADVICE,
    ]
    for group in _groups(info.settings, sources):
        lines += ["", f"### {group.title}", ""]
        for line in group.intro:
            lines += [line, ""]
        lines += ["| Setting | Type | Description |", "| --- | --- | --- |"]
        for name, schema, facts in group.settings:
            description = " ".join(schema.get("description", "").split()).replace("|", "\\|")
            lines.append(f"| `{name}` | {', '.join(facts)} | {description} |")
    return "\n".join(lines)
