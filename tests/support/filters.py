"""What a filter brings, and what of it reaches the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox import Api


Lead = dict[str, Any]


def found(api: Api, **others: Any) -> set[str]:
    """The ids that a run with these settings brings, each of them once.

    Where an API ignores what it is asked, the page on which that shows may come twice.
    """
    run = sync({api.slot: settings_for(api, **others)})
    ids = run.ids(f"{api.slot}_leads")
    assert run.code == 0
    assert len(ids) == len(set(ids)) or api.options.ignore_filters
    return set(ids)


def wanted(api: Api, test: Callable[[Lead], bool]) -> set[str]:
    """The ids of the leads for which the test holds: some, but not all."""
    ids = {str(lead["id"]) for lead in api.rendered() if test(lead)}
    assert 0 < len(ids) < api.count
    return ids


def sent(api: Api, name: str) -> set[tuple[str, ...]]:
    """The values of a parameter over all requests; `()` where it was missing."""
    assert api.journal
    assert {request.status for request in api.journal} <= {200, 204}
    return {tuple(request.query.get(name, ())) for request in api.journal}


def quartiles(leads: Iterable[Lead], name: str) -> tuple[Any, Any]:
    """Two values that lie a quarter from either end."""
    values = sorted(lead[name] for lead in leads if lead[name])
    return values[len(values) // 4], values[-len(values) // 4]


def iso(seconds: float) -> str:
    """A moment as a person writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
