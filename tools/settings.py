"""The tap's settings as a flat list, as Meltano and the documentation name them."""

from __future__ import annotations

from importlib.metadata import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_leads.sources import SOURCES
from tap_leads.tap import TapLeads, settings_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

# Meltano 4.4 cannot serialize a `decimal` as JSON, and reads "0.5" in `.env` as no `integer`. It
# passes a `string` unchanged, be it a number or text, and the tap accepts both.
KINDS = {"number": "string"}

SDK_TEXTS = {
    "stream_maps": (
        "Stream maps",
        "Renames, computes or drops columns, by stream. In Meltano write `__NULL__` for null.",
    ),
    "stream_map_config": ("Stream map config", "Values that expressions in `stream_maps` can use."),
    "faker_config": ("Faker config", "`seed` and `locale` of `fake` in `stream_maps`."),
    "flattening_enabled": ("Flatten objects", "Emit each field of an object as its own column."),
    "flattening_max_depth": ("Flattening depth", "How many levels of objects are flattened."),
    "flattening_max_key_length": (
        "Flattened name length",
        "Maximum length of the name of a flattened column.",
    ),
    "flattening_separator": (
        "Flattening separator",
        "Text between the names of an object and its field. Default: `__`.",
    ),
}
"""Labels and descriptions of the SDK's settings, in the words of the others."""


class Setting(NamedTuple):
    """A setting by its full name, such as `kommo.access_token`."""

    name: str
    schema: dict[str, Any]

    @property
    def kind(self) -> str:
        """Return the setting's kind in Meltano; if it has several types, the most general."""
        if "enum" in self.schema:
            return "options"
        if self.schema.get("format") == "date-time":
            return "date_iso8601"
        if self.name.endswith("_file"):
            return "file"
        types = self.schema.get("type", "string")
        types = {types} if isinstance(types, str) else set(types)
        widest: str = next(t for t in ("object", "array", "string", *sorted(types)) if t in types)
        return KINDS.get(widest, widest)

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return "TAP_LEADS_" + self.name.replace(".", "_").upper()

    @property
    def source(self) -> str:
        """Return the name of its source; empty if it applies to all."""
        return self.name.partition(".")[0] if "." in self.name else ""


def own_settings(schema: dict[str, Any] | None = None) -> list[Setting]:
    """Return the tap's own settings, or those of another schema."""
    return list(_flat(schema or settings_schema(SOURCES)))


def sdk_settings() -> list[Setting]:
    """Return the settings that the SDK adds, without `faker_config` unless Faker is an extra."""
    schema: dict[str, Any] = {"properties": {}}
    TapLeads.append_builtin_config(schema)
    extras = metadata("tap-leads").get_all("Provides-Extra") or ()
    unusable = set() if "faker" in extras else {"faker_config"}
    found = []
    for name, of in schema["properties"].items():
        if name not in unusable:
            title, description = SDK_TEXTS[name]
            found.append(Setting(name, {**of, "title": title, "description": description}))
    return found


def _flat(schema: dict[str, Any], prefix: str = "") -> Iterator[Setting]:
    """Yield every setting; an object yields its keys, except `filters`, which is one setting."""
    for key, value in schema["properties"].items():
        name = prefix + key
        if "properties" in value and key != "filters":
            yield from _flat(value, f"{name}.")
        else:
            yield Setting(name, value)
