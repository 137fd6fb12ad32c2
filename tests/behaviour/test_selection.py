"""What catalog, stream maps and accounts choose: nothing else is asked for, and nothing leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.run import sync
from tests.support.selection import catalog_for, chosen, columns_of, only
from tests.support.settings import CREDENTIALS, KEYS, settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.support.settings import Config


def every_source(box: Sandbox) -> Config:
    """Settings of all four sources."""
    return {slot: settings_for(api) for slot, api in box.apis.items()}


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_a_column_that_is_deselected_does_not_leave(box: Sandbox, slot: str) -> None:
    config = {slot: settings_for(box.apis[slot])}
    stream = f"{slot}_leads"
    whole = columns_of(sync(config), stream)
    needed = {"account", "id", KEYS[slot]}
    for name in ("name", "email", "custom_fields_values", "events", "props", "note", "extra"):
        left = columns_of(sync(config, catalog=chosen(config, name)), stream)
        assert left == [column for column in whole if column != name]
    everything = chosen(config, *whole)
    assert set(columns_of(sync(config, catalog=everything), stream)) == needed


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_what_is_selected_is_as_it_was(box: Sandbox, slot: str) -> None:
    config = {slot: settings_for(box.apis[slot])}
    stream = f"{slot}_leads"
    box.clock.freeze()
    whole = {record["id"]: record for record in sync(config).records(stream)}
    some = only(config, "name", "sessions", "status", "price", "contacts")
    records = sync(config, catalog=some).records(stream)
    assert len(records) == len(whole)
    for record in records:
        assert len(record) < len(whole[record["id"]])
        assert record == {name: whole[record["id"]][name] for name in record}


def test_a_value_that_is_deselected_does_not_leave_in_extra(box: Sandbox) -> None:
    (lead_id,) = box.kommo.insert(price="a secret price", score="a known score")
    config = {"kommo": settings_for(box.kommo)}
    run = sync(config, catalog=chosen(config, "price"))
    (record,) = (r for r in run.records("kommo_leads") if r["id"] == lead_id)
    assert json.loads(record["extra"]) == {"score": "a known score"}


def test_a_property_of_its_own_column_is_also_in_the_bag(box: Sandbox) -> None:
    config = {"dashly": settings_for(box.dashly)}
    run = sync(config, catalog=chosen(config, "email", "props"))
    emails = [lead["props"].get("$email", "@") for lead in box.dashly.rendered()]
    sent = json.dumps(run.records("dashly_leads"))
    assert [email for email in emails if email != "@" and email in sent] == []


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_a_stream_that_is_deselected_is_not_read(box: Sandbox, slot: str) -> None:
    config = every_source(box)
    run = sync(config, catalog=chosen(config, stream=f"{slot}_leads"))
    assert run.code == 0
    assert f"{slot}_leads" not in run.schemas
    for other, api in box.apis.items():
        assert bool(api.journal) is (other != slot)
        assert len(run.records(f"{other}_leads")) == (0 if other == slot else api.count)


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_only_the_streams_of_configured_sources_exist(box: Sandbox, slot: str) -> None:
    run = sync({slot: settings_for(box.apis[slot])})
    assert list(run.schemas) == [f"{slot}_leads"]
    assert {other for other, api in box.apis.items() if api.journal} == {slot}


def test_a_catalog_of_another_source_does_no_harm(box: Sandbox) -> None:
    catalog = catalog_for(every_source(box))
    run = sync({"kommo": settings_for(box.kommo)}, catalog=catalog)
    assert run.code == 0
    assert list(run.schemas) == ["kommo_leads"]


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_a_catalog_of_an_older_tap_is_no_reason_to_send_what_is_not_declared(
    box: Sandbox, slot: str
) -> None:
    config = {slot: settings_for(box.apis[slot])}
    catalog = catalog_for(config)
    (entry,) = catalog["streams"]
    del entry["schema"]["properties"]["extra"], entry["schema"]["properties"]["name"]
    entry["metadata"] = [m for m in entry["metadata"] if m["breadcrumb"][-1:] != ["name"]]
    entry["schema"]["properties"]["of_old"] = {"type": ["null", "string"]}
    run = sync(config, catalog=catalog)
    assert len(run.records(f"{slot}_leads")) == box.apis[slot].count
    assert columns_of(run, f"{slot}_leads")


@pytest.mark.parametrize("form", ["text", "native"])
@pytest.mark.parametrize("slot", ["kommo", "dashly"])
def test_a_catalog_made_for_another_form_of_nested_values_declares_this_one(
    box: Sandbox, slot: str, form: str
) -> None:
    config = {slot: settings_for(box.apis[slot]), "nested_values": form}
    other = "native" if form == "text" else "text"
    run = sync(config, catalog=catalog_for({**config, "nested_values": other}))
    validator = Draft202012Validator(run.schemas[f"{slot}_leads"]["schema"])
    assert all(validator.is_valid(record) for record in run.records(f"{slot}_leads"))


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_a_catalog_without_keys_does_not_take_them_away(box: Sandbox, slot: str) -> None:
    config, stream = {slot: settings_for(box.apis[slot])}, f"{slot}_leads"
    catalog = catalog_for(config)
    (entry,) = catalog["streams"]
    for name in ("key_properties", "replication_key", "replication_method"):
        del entry[name]
    entry["metadata"] = [{"breadcrumb": [], "metadata": {"selected": True}}]
    run = sync(config, catalog=catalog)
    assert run.schemas[stream]["key_properties"] == ["account", "id"]
    assert run.bookmark(stream) == sync(config).bookmark(stream) is not None


def test_a_catalog_cannot_choose_another_replication_key(box: Sandbox) -> None:
    config = {"kommo": settings_for(box.kommo)}
    catalog = catalog_for(config)
    catalog["streams"][0]["replication_key"] = "created_at"
    (partition,) = sync(config, catalog=catalog).state["bookmarks"]["kommo_leads"]["partitions"]
    assert partition["replication_key"] == "updated_at"


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_a_full_table_reads_everything_and_leaves_the_bookmark(box: Sandbox, slot: str) -> None:
    api, stream = box.apis[slot], f"{slot}_leads"
    config = {slot: settings_for(api, lookback_seconds=0), "start_date": "2026-01-01"}
    first = sync(config)
    before = first.bookmark(stream)
    assert before is not None
    box.clock.advance(3600)
    changed = api.edit(3)
    catalog = catalog_for(config)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        entry["metadata"][0]["metadata"]["replication-method"] = "FULL_TABLE"
        entry["metadata"][0]["metadata"]["forced-replication-method"] = "FULL_TABLE"
    run = sync(config, state=first.state, catalog=catalog)
    assert set(run.ids(stream)) == set(map(str, api.leads))
    assert run.bookmark(stream) == before
    assert sync(config, catalog=catalog).bookmark(stream) is None
    again = sync(config, state=run.state).ids(stream)
    assert set(map(str, changed)) <= set(again)


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_stream_maps_work(box: Sandbox, slot: str) -> None:
    config = {
        slot: settings_for(box.apis[slot]),
        "stream_maps": {
            f"{slot}_leads": {
                "__alias__": "people",
                "__filter__": "name is not None and 'a' in name",
                "digest": "md5(name)",
                "name": "__NULL__",
            }
        },
    }
    run = sync(config)
    names = [lead.get("name", lead.get("props", {}).get("$name")) for lead in api_leads(box, slot)]
    assert list(run.schemas) == ["people"]
    assert len(run.records("people")) == len([name for name in names if name and "a" in name])
    for record in run.records("people"):
        assert "name" not in record
        assert len(record["digest"]) == 32


def api_leads(box: Sandbox, slot: str) -> list[dict[str, Any]]:
    """The leads of a source in full."""
    return box.apis[slot].rendered()


@pytest.mark.parametrize("nothing", ["__NULL__", None])
def test_a_stream_map_of_null_drops_the_property(box: Sandbox, nothing: Any) -> None:
    maps = {"octanist_leads": {"email": nothing}}
    run = sync({"octanist": settings_for(box.octanist), "stream_maps": maps})
    columns = columns_of(run, "octanist_leads")
    assert "email" not in columns
    assert "phone" in columns


@pytest.mark.parametrize("nothing", ["__NULL__", None])
def test_a_stream_map_of_null_drops_the_stream(box: Sandbox, nothing: Any) -> None:
    config = every_source(box) | {"stream_maps": {"octanist_leads": nothing}}
    run = sync(config)
    assert run.records("octanist_leads") == []
    assert len(run.records("kommo_leads")) == box.kommo.count


def test_a_stream_map_can_leave_only_what_it_names(box: Sandbox) -> None:
    maps = {"kommo_leads": {"account": "account", "id": "id", "__else__": "__NULL__"}}
    run = sync({"kommo": settings_for(box.kommo), "stream_maps": maps})
    assert columns_of(run, "kommo_leads") == ["account", "id"]
