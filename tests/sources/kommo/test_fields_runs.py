"""Columns of custom fields that change between runs, or cannot be listed in one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.tap import TapLeads
from tests.support.kommo_fields import (
    NEW_YEAR,
    OPTION,
    a_lead_with,
    columns_in,
    row_of,
    with_columns,
)
from tests.support.run import sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.kommo.api import Kommo
    from tests.support.run import Run


def test_a_field_that_is_renamed_keeps_its_column(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "text", "as it was")
    first = sync(with_columns(kommo))
    kommo.fields.edit([int(name[3:])], name="Renamed", code="NEW")
    again = sync(with_columns(kommo), first.state)
    assert columns_in(again).keys() == columns_in(first).keys()
    assert columns_in(again)[name]["description"] == "Renamed (NEW), text."
    assert row_of(again, lead_id)[name] == "as it was"


def test_an_option_that_is_renamed_has_its_new_name_and_its_id(kommo: Kommo) -> None:
    (field_id,) = kommo.fields.insert(type="select")
    (lead_id,) = kommo.insert()
    kommo.fill_field(field_id, [lead_id])
    was = row_of(sync(with_columns(kommo)), lead_id)
    number = was[f"cf_{field_id}_enum_id"]
    kommo.fields.rename_enum(field_id, number, "Renamed")
    row = row_of(sync(with_columns(kommo)), lead_id)
    assert was[f"cf_{field_id}"] != "Renamed"
    assert (row[f"cf_{field_id}"], row[f"cf_{field_id}_enum_id"]) == ("Renamed", number)


def test_a_field_that_is_added_has_a_column_in_the_next_run(kommo: Kommo) -> None:
    catalog = TapLeads(config=with_columns(kommo)).catalog_dict
    first = sync(with_columns(kommo), catalog=catalog)
    name, lead_id = a_lead_with(kommo, "numeric", "7")
    again = sync(with_columns(kommo), first.state, catalog=catalog)
    assert name not in columns_in(first)
    assert columns_in(again)[name]["type"] == ["null", "number"]
    assert row_of(again, lead_id)[name] == 7


def test_a_field_that_is_deleted_keeps_its_column_which_is_null(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "numeric", "7")
    first = sync(with_columns(kommo))
    kommo.fields.delete([int(name[3:])])
    kommo.edit([lead_id], price=1)
    again = sync(with_columns(kommo), first.state)
    assert columns_in(again)[name]["type"] == ["null", "number"]
    assert row_of(again, lead_id)[name] is None
    assert name not in columns_in(sync(with_columns(kommo)))


KINDS_OF_TYPES = ("text", "numeric", "checkbox", "date", "date_time", "select", "multiselect")


@pytest.mark.parametrize("before", KINDS_OF_TYPES)
@pytest.mark.parametrize("after", KINDS_OF_TYPES)
def test_a_field_of_another_kind_keeps_the_type_of_its_column(
    kommo: Kommo, before: str, after: str
) -> None:
    kommo.insert(3)
    (field_id,) = kommo.fields.insert(type=before)
    kommo.fill_field(field_id, 3)
    state, types = None, []
    for kind in (before, after, after):
        kommo.fields.edit([field_id], type=kind)
        kommo.edit(3, price=1)
        run = sync(with_columns(kommo), state)
        state = run.state
        found = columns_in(run)
        types.append([found[f"cf_{field_id}"].get(key) for key in ("type", "format")])
        if before == "select":
            assert f"cf_{field_id}_enum_id" in found
        for row in run.records("kommo_leads"):
            extra = json.loads(row["extra"] or "{}")
            assert (row[f"cf_{field_id}"] is None) == (f"cf_{field_id}" in extra)
    assert types[0] == types[1] == types[2]


@pytest.mark.parametrize("state", [7, [], {"text": 7}, {"text": ["id", 7]}, {"odd": ["cf_1"]}])
def test_a_state_that_somebody_wrote_by_hand_does_no_harm(kommo: Kommo, state: Any) -> None:
    name, _ = a_lead_with(kommo, "text", "a")
    run = sync(with_columns(kommo), {"bookmarks": {"kommo_leads": {"custom_fields": state}}})
    assert name in columns_in(run)
    assert run.code == 0


# Where the fields cannot be listed


@pytest.mark.parametrize("nested", ["text", "native"])
def test_without_the_list_of_fields_the_run_goes_on_and_says_so(
    kommo: Kommo, caplog: pytest.LogCaptureFixture, nested: str
) -> None:
    name, lead_id = a_lead_with(kommo, "numeric", "7")
    kommo.options.forbidden = ("leads/custom_fields",)
    run = sync({**with_columns(kommo), "nested_values": nested})
    assert columns_in(run) == {}
    assert name[3:] in json.dumps(row_of(run, lead_id)["custom_fields_values"], default=str)
    assert "kommo_leads, account acme: cannot list the custom fields" in caplog.text
    assert run.code == 0


@pytest.mark.parametrize("kind", ["numeric", "date", "select", "multiselect"])
def test_without_the_list_of_fields_the_columns_of_earlier_runs_stay_right(
    kommo: Kommo, kind: str
) -> None:
    value = {"numeric": "7", "date": NEW_YEAR}.get(kind, OPTION)
    _, lead_id = a_lead_with(kommo, kind, value)
    kommo.options.timezone = "America/New_York"
    first = sync(with_columns(kommo))
    kommo.options.forbidden = ("leads/custom_fields",)
    again = sync(with_columns(kommo), first.state)
    assert columns_in(again).keys() == columns_in(first).keys()
    assert row_of(again, lead_id) == row_of(first, lead_id)


@pytest.mark.usefixtures("no_waits")
def test_a_list_of_fields_that_comes_at_a_second_try_is_one(kommo: Kommo) -> None:
    name, _ = a_lead_with(kommo, "text", "a")
    kommo.faults.plan(503, "reset")
    assert name in columns_in(sync(with_columns(kommo)))


@pytest.mark.usefixtures("no_waits")
def test_with_a_server_that_fails_the_catalog_is_that_without_credentials(kommo: Kommo) -> None:
    kommo.faults.random(1.0, (503,))
    config = with_columns(kommo)
    found = TapLeads(config=config).catalog_dict
    assert kommo.journal
    del config["kommo"]["access_token"]
    assert found == TapLeads(config=config, validate_config=False).catalog_dict


def test_a_token_that_is_refused_does_not_hinder_discovery(
    run_here: Callable[..., Run], kommo: Kommo
) -> None:
    run = run_here(with_columns(kommo, access_token="wrong"), "--discover")
    assert run.code == 0
    assert "cannot list the custom fields" in run.stderr


def test_more_columns_than_postgres_takes_are_told_before_anything_is_emitted(
    kommo: Kommo, run_here: Callable[..., Run]
) -> None:
    kommo.fields.insert(1_600, type="numeric")
    config = with_columns(kommo)
    run = run_here(config)
    (line,) = run.said()
    assert re.match(r"kommo_leads has 1,\d\d\d columns, and a table of PostgreSQL can ", line)
    assert run.stderr.index(line) < run.stderr.index("syncing 1 stream")
    catalog = TapLeads(config=config).catalog_dict
    for entry in catalog["streams"]:
        for column in entry["metadata"]:
            name = column["breadcrumb"][-1] if column["breadcrumb"] else ""
            column["metadata"]["selected"] = not name.startswith("cf_")
    assert run_here(config, catalog=catalog).said() == []
