"""Columns that a given catalog does not list, such as a custom field that was added since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.tap import TapLeads
from tests.support.kommo_fields import a_lead_with, columns_in, row_of, with_columns
from tests.support.run import sync
from tests.support.selection import catalog_for, chosen, columns_of, only
from tests.support.settings import CREDENTIALS, KEYS, settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo
    from tests.support.settings import Config

CANARY = "canary-4f1c"


def without(catalog: dict[str, Any], *columns: str) -> dict[str, Any]:
    """Return a catalog of a tap that did not have these columns yet."""
    (entry,) = catalog["streams"]
    for name in columns:
        del entry["schema"]["properties"][name]
    entry["metadata"] = [
        each for each in entry["metadata"] if not {*columns} & {*each["breadcrumb"]}
    ]
    return catalog


def test_a_new_custom_field_stays_out_under_an_allow_list(kommo: Kommo) -> None:
    config = with_columns(kommo)
    listed, lead_id = a_lead_with(kommo, "text", "listed")
    catalog = only(config, "name", listed)
    added, _ = a_lead_with(kommo, "text", CANARY)
    run = sync(config, catalog=catalog)
    assert [*columns_in(run)] == [listed]
    assert row_of(run, lead_id)[listed] == "listed"
    assert {*columns_of(run, "kommo_leads")} == {"account", "id", "updated_at", "name", listed}
    assert CANARY not in json.dumps(run.messages, default=str)
    assert added in sync(config, catalog=None).schemas["kommo_leads"]["schema"]["properties"]


def test_a_new_custom_field_comes_where_everything_is_selected(kommo: Kommo) -> None:
    config = with_columns(kommo)
    a_lead_with(kommo, "text", "a")
    catalog = catalog_for(config)
    added, lead_id = a_lead_with(kommo, "text", "b")
    assert row_of(sync(config, catalog=catalog), lead_id)[added] == "b"


@pytest.mark.parametrize("slot", CREDENTIALS)
@pytest.mark.parametrize("form", ["text", "native"])
def test_a_column_of_a_newer_tap_comes_only_where_everything_is_selected(
    box: Sandbox, slot: str, form: str
) -> None:
    config: Config = {slot: settings_for(box.apis[slot]), "nested_values": form}
    stream, added = f"{slot}_leads", "extra"
    everything = sync(config, catalog=without(catalog_for(config), added))
    assert added in columns_of(everything, stream)
    for catalog in (chosen(config, "name"), only(config, "name")):
        columns = columns_of(sync(config, catalog=without(catalog, added)), stream)
        assert added not in columns
        assert {"account", "id", KEYS[slot]} <= {*columns}


def test_keys_that_a_catalog_does_not_list_are_emitted(box: Sandbox) -> None:
    config: Config = {"kommo": settings_for(box.kommo)}
    catalog = without(only(config, "name"), "account", "id", "updated_at")
    run = sync(config, catalog=catalog)
    assert {*columns_of(run, "kommo_leads")} == {"account", "id", "updated_at", "name"}
    assert run.bookmark("kommo_leads") is not None


def test_a_catalog_without_columns_selects_all(box: Sandbox) -> None:
    config: Config = {"kommo": settings_for(box.kommo)}
    catalog = catalog_for(config)
    catalog["streams"][0]["schema"] = {"properties": {}}
    catalog["streams"][0]["metadata"] = [{"breadcrumb": [], "metadata": {"selected": True}}]
    assert columns_of(sync(config, catalog=catalog), "kommo_leads") == [
        *TapLeads(config=config).streams["kommo_leads"].schema["properties"]
    ]


def test_a_part_of_a_list_that_is_deselected_is_an_allow_list_too(box: Sandbox) -> None:
    config: Config = {"kommo": settings_for(box.kommo), "nested_values": "native"}
    catalog = without(catalog_for(config), "extra")
    catalog["streams"][0]["metadata"].append(
        {
            "breadcrumb": ["properties", "source", "properties", "name"],
            "metadata": {"inclusion": "available", "selected": False},
        }
    )
    run = sync(config, catalog=catalog)
    assert "extra" not in run.schemas["kommo_leads"]["schema"]["properties"]


def test_a_catalog_that_lists_only_what_it_deselects_is_no_allow_list(box: Sandbox) -> None:
    config: Config = {"kommo": settings_for(box.kommo)}
    catalog = catalog_for(config)
    catalog["streams"][0]["schema"] = {"properties": {}}
    catalog["streams"][0]["metadata"] = [
        {"breadcrumb": [], "metadata": {"selected": True}},
        {"breadcrumb": ["properties", "name"], "metadata": {"selected": False}},
    ]
    columns = columns_of(sync(config, catalog=catalog), "kommo_leads")
    everything = columns_of(sync(config), "kommo_leads")
    assert columns == [name for name in everything if name != "name"]
