"""The sandboxes of the tests in this folder."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from tests.sandbox.client import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.api import Kommo


@contextmanager
def _serving() -> Iterator[Sandbox]:
    with Sandbox(leads=300, start=NOON) as sandbox:
        sandbox.kommo.options.rate_limit = None
        yield sandbox


def _freeze(sandbox: Sandbox) -> Sandbox:
    sandbox.clock.freeze(NOON)
    for api in sandbox.apis.values():
        api.options.ties = "stable"
    return sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with 300 leads per API whose clock starts at `NOON`."""
    with _serving() as sandbox:
        yield sandbox


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    return box.kommo


@pytest.fixture
def frozen(box: Sandbox) -> Sandbox:
    """A sandbox whose clock is stopped, and whose lists always have the same order."""
    return _freeze(box)


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Sandbox]:
    """The same for tests that change nothing."""
    with _serving() as sandbox:
        yield _freeze(sandbox)
