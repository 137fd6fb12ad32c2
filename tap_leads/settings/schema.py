"""Helpers that declare settings: one function for each kind of JSON schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema: TypeAlias = dict[str, Any]
"""The JSON schema of a setting."""
Config: TypeAlias = dict[str, Any]
"""Settings: those of the tap, of a source, or of an account."""


def text(title: str, description: str, **keywords: Any) -> Schema:
    """Return the schema of a string."""
    return {"type": "string", "title": title, "description": description, **keywords}


VARIABLE = "_env"
"""Ending of the setting that names the environment variable which holds a secret."""

# Text that is valid as a header value.
_CREDENTIAL = r"^[!-~]*$(?!\n)"


def secret(title: str, description: str) -> Schema:
    """Return the schema of a credential: never logged, and valid as a header value."""
    return text(title, description, minLength=1, pattern=_CREDENTIAL, secret=True, writeOnly=True)


def is_credential(schema: Schema) -> bool:
    """Return True for a schema that `secret` returned."""
    return schema.get("pattern") == _CREDENTIAL


def number(title: str, description: str, **keywords: Any) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", "title": title, "description": description, **keywords}


def integer(title: str, description: str, **keywords: Any) -> Schema:
    """Return the schema of an integer."""
    return {"type": "integer", "title": title, "description": description, **keywords}


def boolean(title: str, description: str, *, default: bool) -> Schema:
    """Return the schema of a boolean."""
    return {"type": "boolean", "title": title, "description": description, "default": default}


def one_of(title: str, description: str, *choices: str) -> Schema:
    """Return the schema of a choice; the first one is the default."""
    return text(title, description, enum=[*choices], default=choices[0])


def object_of(properties: Mapping[str, Schema], **keywords: Any) -> Schema:
    """Return the schema of an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": {**properties},
        "additionalProperties": False,
        **keywords,
    }


def list_of(items: Schema, **keywords: Any) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **keywords}


def with_variables(properties: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return settings, each secret also as `<name>_env`: the environment variable that holds it."""
    found: dict[str, Schema] = {}
    for name, schema in properties.items():
        inner = schema.get("properties")
        found[name] = {**schema, "properties": with_variables(inner)} if inner else schema
        if schema.get("secret"):
            found[f"{name}{VARIABLE}"] = text(
                f"{schema['title']} variable",
                f"Name of the environment variable that holds `{name}`.",
            )
    return found


def types_of(schema: Schema) -> list[str]:
    """Return the JSON types of a setting, except null."""
    types = schema.get("type", [])
    return [each for each in ([types] if isinstance(types, str) else types) if each != "null"]


def type_names(json_types: str | list[str]) -> str:
    """Return JSON types in the words of an error message, such as `a list or a string`."""
    names = {"array": "a list", "object": "an object", "integer": "an integer"}
    types = [json_types] if isinstance(json_types, str) else json_types
    return " or ".join(names.get(each, f"a {each}") for each in types)
