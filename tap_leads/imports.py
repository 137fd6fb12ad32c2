"""Imports the SDK without the libraries that a tap like this one never uses.

The SDK imports, with its taps, its targets (joblib), its batch files (upath, fsspec) and its
JSONPath (jsonpath_ng): a third of the time that a small run takes.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNUSED = ("joblib", "jsonpath_ng", "jsonpath_ng.ext", "upath")


@contextmanager
def unused_put_off() -> Iterator[None]:
    """Whoever imports one of those libraries inside gets it when something of it is used."""
    stand_ins = {name: _StandIn(name) for name in _UNUSED if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


class _StandIn(ModuleType):
    """A module that is not imported yet."""

    __path__: list[str] = []  # noqa: RUF012  # as in every package

    @override
    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        return _Late(self.__name__, name)


class _Late:
    """A class or function of a module that is not imported yet."""

    def __init__(self, module: str, name: str) -> None:
        self._place = module, name

    def _real(self) -> Any:
        module, name = self._place
        return getattr(importlib.import_module(module), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._real())
