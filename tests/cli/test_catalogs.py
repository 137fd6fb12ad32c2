"""Catalogs that select nothing, list streams the tap does not have, or change its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import catalogs
from tests.support.selection import catalog_for, chosen
from tests.support.settings import every_source, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run
    from tests.support.settings import Config

    Runner = Callable[..., Run]

NOTHING = "no stream is selected. "
STREAMS = "octanist_leads, octanist_stats"
ADVICE = (
    "Select streams: with Meltano in `select` or `TAP_LEADS__SELECT`, otherwise in the catalog, "
    "which --discover creates."
)


@pytest.fixture
def config(box: Sandbox) -> Config:
    return {"octanist": settings_for(box.octanist)}


def renamed(catalog: dict[str, Any], name: str) -> dict[str, Any]:
    catalog["streams"][0]["tap_stream_id"] = catalog["streams"][0]["stream"] = name
    return catalog


def test_a_catalog_of_other_streams_is_an_error_that_lists_both(
    box: Sandbox, run_here: Runner, config: Config
) -> None:
    run = run_here(config, catalog=renamed(catalog_for(config), "leads"))
    assert run.code == 1
    assert run.messages == []
    assert box.octanist.journal == []
    (line,) = run.said()
    assert line == f"{NOTHING}The catalog lists leads. The tap has {STREAMS}. {ADVICE}"


def test_a_catalog_in_which_everything_is_deselected_is_an_error(
    run_here: Runner, config: Config
) -> None:
    run = run_here(config, catalog=chosen(config))
    assert run.code == 1
    (line,) = run.said()
    assert line == (
        f"{NOTHING}The catalog lists octanist_leads (deselected). The tap has {STREAMS}. {ADVICE}"
    )


def test_of_many_deselected_streams_the_error_names_a_few(box: Sandbox, run_here: Runner) -> None:
    config = {"kommo": settings_for(box.kommo)}
    run = run_here(config, catalog=catalogs.catalog_for())
    (line,) = run.said()
    assert line.startswith(f"{NOTHING}The catalog lists kommo_account (deselected), ")
    assert line.count("kommo_account") == 2
    assert line.count(" more. ") == 2
    assert len(line) < 500


def test_a_catalog_of_a_source_that_is_not_configured_is_an_error(
    box: Sandbox, run_here: Runner, config: Config
) -> None:
    catalog = catalog_for({"dashly": settings_for(box.dashly)})
    run = run_here(config, catalog=catalog)
    assert run.code == 1
    assert f"The catalog lists dashly_leads. The tap has {STREAMS}. " in run.said()[-1]


def test_an_empty_catalog_is_an_error(run_here: Runner, config: Config) -> None:
    run = run_here(config, catalog={"streams": []})
    assert run.code == 1
    assert run.said() == [f"{NOTHING}The catalog lists no streams. The tap has {STREAMS}. {ADVICE}"]


@pytest.mark.parametrize("is_selected", [True, False])
def test_streams_that_no_source_has_are_told_once(
    box: Sandbox, run_here: Runner, config: Config, *, is_selected: bool
) -> None:
    catalog = catalog_for(config)
    for name in ("leads", "con\ntacts"):
        (entry,) = renamed(catalog_for(config), name)["streams"]
        entry["metadata"][0]["metadata"]["selected"] = is_selected
        catalog["streams"].append(entry)
    run = run_here(config, catalog=catalog)
    assert run.code == 0
    assert len(run.records("octanist_leads")) == box.octanist.count
    (line,) = run.said()
    assert line == (
        "the catalog lists streams that the tap does not have: con\\ntacts, leads; create a new "
        "catalog with --discover"
    )


def test_streams_of_a_source_that_is_not_configured_are_not_worth_a_line(
    box: Sandbox, run_here: Runner, config: Config
) -> None:
    run = run_here(config, catalog=catalog_for(every_source(box)))
    assert run.code == 0
    assert run.said() == []


def test_a_changed_schema_is_told_once(box: Sandbox, run_here: Runner) -> None:
    config = every_source(box)
    catalog = catalog_for(config)
    for entry in catalog["streams"]:
        properties = entry["schema"]["properties"]
        properties["name"] = {"type": ["string", "null"], "maxLength": 10}
        properties["account"]["description"] = "Another text."
    run = run_here(config, catalog=catalog)
    assert run.code == 0
    (line,) = run.said()
    assert line == (
        "the catalog changes the schema of kommo_leads.name, dashly_leads.name, "
        "carrotquest_leads.name, octanist_leads.name; the tap emits its own schema. To change a "
        "column, use stream_maps; if the catalog is old, create a new one with --discover"
    )
    name = run.schemas["octanist_leads"]["schema"]["properties"]["name"]
    assert "maxLength" not in name


def test_many_changes_are_counted(run_here: Runner, config: Config) -> None:
    catalog = catalog_for(config)
    for schema in catalog["streams"][0]["schema"]["properties"].values():
        schema["format"] = "date"
    count = len(catalog["streams"][0]["schema"]["properties"])
    (line,) = run_here(config, catalog=catalog).said()
    assert f" and {count - 5} more; the tap emits its own schema." in line


def test_a_catalog_as_discovered_changes_nothing(box: Sandbox, run_here: Runner) -> None:
    for form in ("text", "native"):
        config = {**every_source(box), "nested_values": form}
        assert run_here(config, catalog=catalog_for(config)).said() == []
