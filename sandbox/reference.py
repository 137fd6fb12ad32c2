"""The faults and options of the APIs as Markdown tables, generated from their definitions."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import fields
from typing import TYPE_CHECKING

from sandbox.core.faults import BY_NAME
from sandbox.core.options import Options
from sandbox.dashly.options import DashlyOptions
from sandbox.kommo.options import KommoOptions
from sandbox.octanist.options import OctanistOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTIONS: dict[str, type[Options]] = {
    "All APIs": Options,
    "Kommo": KommoOptions,
    "Dashly and Carrot quest": DashlyOptions,
    "Octanist": OctanistOptions,
}


def reference() -> str:
    """Return the tables of faults and options."""
    faults = "".join(
        f"| `{name}` | {', '.join(map(_argument, inspect.signature(make).parameters.values()))} | "
        f"{(make.__doc__ or '').splitlines()[0]} |\n"
        for name, make in BY_NAME.items()
    )
    return (
        f"## Faults\n\n| Fault | Arguments | Effect |\n| --- | --- | --- |\n{faults}\n{_options()}"
    )


def _argument(parameter: inspect.Parameter) -> str:
    return f"`{parameter.name}`"


def _options() -> str:
    return "## Options\n\n" + "\n".join(
        f"### {title}\n\n| Option | Type | Default | Description |\n| --- | --- | --- | --- |\n"
        + "".join(f"| {' | '.join(cells)} |\n" for cells in _rows(options))
        for title, options in _SECTIONS.items()
    )


def _rows(options: type[Options]) -> Iterator[tuple[str, str, str, str]]:
    """Return the name, type, default and description of each option that a class defines."""
    defaults = options()
    described = _descriptions(options)
    for option in fields(options):
        if option.name in described:
            default = _code(getattr(defaults, option.name))
            yield f"`{option.name}`", _type(str(option.type)), default, described[option.name]


def _type(annotation: str) -> str:
    """Return a type as Markdown: the values of a literal, or the names of types."""
    if annotation.startswith("Literal["):
        values = ast.literal_eval(annotation.removeprefix("Literal"))
        return ", ".join(map(_code, values))
    return " or ".join(f"`{name}`" for name in annotation.split(" | "))


def _code(value: object) -> str:
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _descriptions(options: type[Options]) -> dict[str, str]:
    """Return the docstrings of the attributes that a class defines."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(options))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - for the type checker
    found = {}
    for attribute, docstring in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            assert isinstance(docstring, ast.Expr)  # noqa: S101 - for the type checker
            found[attribute.target.id] = " ".join(ast.literal_eval(docstring.value).split())
    return found
