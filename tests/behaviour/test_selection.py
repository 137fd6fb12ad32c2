"""What catalog, stream maps and accounts choose: nothing else is asked for, and nothing leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from sandbox import Sandbox
from sandbox.kommo.leads import WITH
from tap_leads.tap import TapLeads
from tests.support.run import sync
from tests.support.settings import CREDENTIALS, KEYS, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Api
    from tests.support.run import Run
    from tests.support.settings import Config

    Runner = Callable[..., Run]

Catalog = dict[str, Any]


def every_source(box: Sandbox) -> Config:
    """Settings of all four sources."""
    return {slot: settings_for(api) for slot, api in box.apis.items()}


def catalog_for(config: Config) -> Catalog:
    """What the tap discovers of leads: a stream that a catalog does not name is not read."""
    catalog: Catalog = TapLeads(config=config).catalog_dict
    leads = {f"{slot}_leads" for slot in CREDENTIALS}
    return {"streams": [each for each in catalog["streams"] if each["tap_stream_id"] in leads]}


def chosen(
    config: Config, *columns: str, selected: bool = False, stream: str | None = None
) -> Catalog:
    """The catalog with these columns selected or not; with the stream itself for none."""
    catalog = catalog_for(config)
    for entry in catalog["streams"]:
        if stream in {None, entry["tap_stream_id"]}:
            for metadata in entry["metadata"]:
                name = metadata["breadcrumb"][-1] if metadata["breadcrumb"] else ""
                if name in columns or (not name and not columns):
                    metadata["metadata"]["selected"] = selected
    return catalog


def only(config: Config, *columns: str) -> Catalog:
    """The catalog with these columns and no others."""
    (entry,) = catalog_for(config)["streams"]
    others = entry["schema"]["properties"].keys() - set(columns)
    return chosen(config, *others)


def columns_of(run: Run, stream: str) -> list[str]:
    """The columns of a stream's schema, which are those of its records."""
    columns = list(run.schemas[stream]["schema"]["properties"])
    assert {tuple(record) for record in run.records(stream)} == {tuple(columns)}
    return columns


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


def with_of(api: Api) -> set[str]:
    """What the requests asked Kommo to add, which is the same in each."""
    (asked,) = {tuple(request.query.get("with", [])) for request in api.journal}
    return set(asked[0].split(",")) if asked else set()


def test_kommo_is_asked_for_everything_but_deleted_leads(box: Sandbox) -> None:
    sync({"kommo": settings_for(box.kommo)})
    assert with_of(box.kommo) == set(WITH)


@pytest.mark.parametrize("name", WITH)
def test_kommo_is_not_asked_for_what_is_deselected(box: Sandbox, name: str) -> None:
    config = {"kommo": settings_for(box.kommo)}
    sync(config, catalog=chosen(config, name))
    assert with_of(box.kommo) == set(WITH) - {name}


def test_kommo_is_asked_for_nothing_more_where_nothing_more_is_selected(box: Sandbox) -> None:
    config = {"kommo": settings_for(box.kommo)}
    run = sync(config, catalog=only(config, "name"))
    assert with_of(box.kommo) == set()
    assert columns_of(run, "kommo_leads") == ["account", "id", "name", "updated_at"]


@pytest.mark.parametrize("wanted", [["contacts", "source"], "contacts,source"])
def test_kommo_is_asked_for_what_the_settings_say(box: Sandbox, wanted: Any) -> None:
    config = {"kommo": settings_for(box.kommo, **{"with": wanted})}
    records = sync(config).records("kommo_leads")
    assert with_of(box.kommo) == {"contacts", "source"}
    assert any(record["contacts"] for record in records)
    assert {record["loss_reason"] for record in records} == {None}
    box.kommo.journal.clear()
    sync(config, catalog=chosen(config, "contacts"))
    assert with_of(box.kommo) == {"source"}


def test_kommo_is_asked_for_nothing_more_where_the_settings_say_so(box: Sandbox) -> None:
    sync({"kommo": settings_for(box.kommo, **{"with": []})})
    assert with_of(box.kommo) == set()


def test_octanist_is_asked_for_the_selected_fields_alone(box: Sandbox) -> None:
    config = {"octanist": settings_for(box.octanist)}
    sync(config)
    assert not any("fields" in request.query for request in box.octanist.journal)
    box.octanist.journal.clear()
    run = sync(config, catalog=only(config, "email", "loss_reason"))
    asked = {request.query["fields"][0] for request in box.octanist.journal}
    assert {frozenset(fields.split(",")) for fields in asked} == {
        frozenset({"id", "updatedAt", "email", "lossReason"})
    }
    assert len(run.records("octanist_leads")) == box.octanist.count
    assert columns_of(run, "octanist_leads") == [
        "account",
        "id",
        "email",
        "loss_reason",
        "updated_at",
    ]


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


def tokens_asked_with(api: Api) -> set[str]:
    """The credentials that came with the requests, without their schemes."""
    given = (r.headers.get("Authorization") or r.headers.get("X-API-KEY") for r in api.journal)
    return {str(credential).split(" ")[-1] for credential in given}


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_each_account_has_its_token_its_leads_and_its_own_state(box: Sandbox, slot: str) -> None:
    stream = f"{slot}_leads"
    with Sandbox(leads=40, seed=8) as other:
        here, there = box.apis[slot], other.apis[slot]
        assert here.token != there.token
        north = {"name": "north"}
        south = {"name": "south", "api_url": there.url, CREDENTIALS[slot]: there.token}
        config = {slot: settings_for(here, accounts=[north, south])}
        run = sync(config)
        assert tokens_asked_with(here) == {here.token}
        assert tokens_asked_with(there) == {there.token}
        for name, api in (("north", here), ("south", there)):
            ids = {str(r["id"]) for r in run.records(stream) if r["account"] == name}
            assert ids == set(map(str, api.leads))
            assert run.bookmark(stream, name) is not None
        partitions = run.state["bookmarks"][stream]["partitions"]
        assert [part["context"] for part in partitions] == [{"account": "north"}, south_only()]
        box.clock.advance(7200)
        other.clock.advance(7200)
        (changed,) = there.edit(1)
        again = sync(config, state=run.state).records(stream)
        assert ("south", str(changed)) in {(r["account"], str(r["id"])) for r in again}
        assert len(again) < len(run.records(stream)) / 2


def south_only() -> dict[str, str]:
    """The partition of an account is its name and nothing else."""
    return {"account": "south"}


def test_an_account_is_named_after_what_it_is(box: Sandbox) -> None:
    named = {
        "kommo": settings_for(box.kommo),
        "dashly": settings_for(box.dashly, app_id="4271"),
        "carrotquest": settings_for(box.carrotquest),
        "octanist": settings_for(box.octanist, name="ours"),
    }
    run = sync(named)
    names = {slot: {r["account"] for r in run.records(f"{slot}_leads")} for slot in named}
    assert names == {
        "kommo": {"acme"},
        "dashly": {"4271"},
        "carrotquest": {"default"},
        "octanist": {"ours"},
    }


def test_an_account_overrides_what_it_shares_with_the_others(box: Sandbox) -> None:
    won, lost = ({"status": status} for status in ("won", "lost"))
    accounts = [{"name": "a"}, {"name": "b", "filters": lost}]
    config = {"octanist": settings_for(box.octanist, filters=won, accounts=accounts)}
    found = {(r["account"], r["status"]) for r in sync(config).records("octanist_leads")}
    assert found == {("a", "won"), ("b", "lost")}
