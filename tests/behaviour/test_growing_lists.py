"""A list that grows while an API that ignores filters is read: nothing is lost silently."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from tests.support.logs import errors
from tests.support.run import everyone, sync
from tests.support.settings import DAY, SOURCES, settings_for

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from sandbox import Api

LEADS, TIED = 500, 400
IGNORED = {
    "kommo": ("filter[updated_at][from]", "filter[updated_at][to]"),
    "dashly": ("filters",),
    "octanist": tuple(f"updatedAt[{name}]" for name in ("gte", "gt", "lte", "lt", "exists")),
}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with 500 leads; the tests insert 400 of one moment."""
    with Sandbox(leads=LEADS, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        yield sandbox


def grow(api: Api, _rng: random.Random) -> None:
    """Edit one lead and insert three."""
    api.edit(1)
    api.insert(3)


@pytest.mark.parametrize("source", SOURCES)
def test_where_filters_are_ignored_every_lead_is_read_or_the_run_fails_and_says_so(
    box: Sandbox, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    api.insert(TIED, at=time.time() - 3 * DAY)
    api.options.ignored_params = IGNORED[source]
    there = everyone(api)
    assert len(there) == LEADS + TIED
    api.after_request = grow
    run = sync({source: settings_for(api)})
    if run.code == 0:
        assert there - set(run.ids(f"{source}_leads")) == set()
    else:
        (line,) = errors(caplog)
        assert line.startswith(f"{source}_leads, account ")


@pytest.mark.parametrize("source", SOURCES)
def test_where_filters_are_ignored_a_quiet_run_reads_every_lead(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.insert(TIED, at=time.time() - 3 * DAY)
    api.options.ignored_params = IGNORED[source]
    run = sync({source: settings_for(api)})
    assert run.code == 0
    assert set(run.ids(f"{source}_leads")) == everyone(api)
