"""Bodies whose envelope has values of other types: one clear line, never an internal error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.catalogs import LEADS
from tests.support.logs import errors
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox

ODD: list[Any] = ["500", None, True, [500], {"code": 500}, 500.5]
NO_OBJECTS: list[Any] = [None, "x", 7, ["x"]]
GOOD_PAGING: dict[str, Any] = {"hasMore": False, "total": 0}

DASHLY: list[Any] = [{"meta": {"status": odd}} for odd in ODD]
DASHLY += [{"meta": odd} for odd in NO_OBJECTS]
DASHLY += [{"meta": {"status": 200}, "data": {"users": [], "total": "many"}}]
KOMMO: list[Any] = [
    {"_embedded": {"leads": []}, "_links": {"next": {"href": odd}}} for odd in (7, ["x"], {"a": 1})
]
KOMMO += [{"_embedded": {"leads": []}, "_total_items": "many"}]
KOMMO += [{"_embedded": odd} for odd in NO_OBJECTS]
OCTANIST: list[Any] = [
    {"success": True, "data": [], "meta": {"pagination": GOOD_PAGING | {"total": odd}}}
    for odd in ("many", [1], {"a": 1})
]
OCTANIST += [{"success": True, "data": [], "meta": odd} for odd in NO_OBJECTS]
OCTANIST += [{"success": False, "error": odd, "meta": odd} for odd in NO_OBJECTS]
BODIES = {"dashly": DASHLY, "kommo": KOMMO, "octanist": OCTANIST}


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    ("source", "number"),
    [(source, number) for source, bodies in BODIES.items() for number in range(len(bodies))],
)
def test_an_envelope_with_odd_values_ends_the_stream_in_one_line(
    box: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    source: str,
    number: int,
) -> None:
    monkeypatch.setattr("tap_leads.sources.collection.decode", lambda _: BODIES[source][number])
    run = sync({source: settings_for(box.apis[source])}, catalog=LEADS)
    (line,) = errors(caplog)
    assert run.code == 1
    assert "internal error" not in line
    assert "unexpected format" in line or "reported a server error" in line
