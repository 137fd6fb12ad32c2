"""A NUL, raw or escaped, reaches no target: databases take it in no text and in no JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.run import sync
from tests.support.settings import SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Api
    from sandbox.kommo.api import Kommo
    from tests.support.run import Run

pytestmark = pytest.mark.usefixtures("no_waits")
FORMS = ["text", "native"]
DEEP: dict[str, Any] = {"l\x00ist": [{"in\x00ner": ["d\x00eep", {"\x00": "\x00\x00"}]}, "t\x00ext"]}
STREAMS = {
    "kommo": (
        "kommo_leads",
        "kommo_contacts",
        "kommo_lead_events",
        "kommo_users",
        "kommo_contact_notes",
        "kommo_events",
        "kommo_customers",
    ),
    "dashly": ("dashly_leads",),
    "octanist": ("octanist_leads",),
}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with a few leads, to which those with a NUL are added."""
    with Sandbox(leads=5, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        yield sandbox


def read_streams_with_text(api: Api, form: str, **settings: Any) -> Run:
    """Return a run over the streams of a source that ends well."""
    top = {name: settings.pop(name) for name in list(settings) if name.startswith("flattening")}
    config = {api.slot: settings_for(api, **settings), "nested_values": form, **top}
    run = sync(config, catalog=catalog_for(*STREAMS[api.slot]))
    assert run.code == 0
    return run


def texts_of(value: Any) -> Iterator[str]:
    """Return every text and every name in a value, also inside texts that are JSON."""
    if isinstance(value, str):
        yield value
        try:
            inner = json.loads(value)
        except ValueError:
            return
        if not isinstance(inner, (int, float)):
            yield from texts_of(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)


def assert_no_nul(run: Run) -> None:
    """Check every text of every message."""
    assert any(m["type"] == "RECORD" for m in run.messages)
    found = [text for message in run.messages for text in texts_of(message) if "\x00" in text]
    assert found == []


def fill_kommo(api: Kommo) -> None:
    """Put a NUL wherever a lead, a contact, an event or a user can have one."""
    custom = {
        "field_id": 77,
        "field_name": "Fi\x00eld",
        "field_code": "CO\x00DE",
        "field_type": "te\x00xt",
        "values": [{"value": "a\x00b", "enum_code": "\x00", "un\x00known": "x\x00"}, DEEP],
        "n\x00ew": DEEP,
    }
    odd: dict[str, Any] = {"odd\x00": DEEP}
    (lead,) = api.insert(1, name="na\x00me", custom_fields_values=[custom], **odd)
    (other,) = api.insert(1, name="\x00", custom_fields_values=None, unknown="a\x00b")
    for each in (lead, other):
        tags = [{"id": 1, "name": "t\x00ag", "color": None, "x\x00": DEEP}]
        api.edit([each], _embedded={**api.leads[each]["_embedded"], "tags": tags})
    contact = next(iter(api.contacts.rows))
    api.contacts.edit([contact], name="c\x00", custom_fields_values=[custom])
    api.edit([lead, other])
    events = [event["id"] for event in api.events()][:3]
    api.edit_events(events, value_after=[{"no\x00te": DEEP}], value_before=["t\x00"])
    api.options.customers_mode = "periodicity"
    api.tables["customers"].insert(1, name="c\x00", custom_fields_values=[custom])
    call = {"phone": "+1\x00", "link": DEEP, "te\x00xt": DEEP, "text": "a\x00", "call_result": DEEP}
    for params in (call, "no\x00te", [DEEP]):
        api.tables["contacts/notes"].insert(1, params=params)
    user = next(iter(api.users.rows.values()))
    rights = {**user["rights"], "le\x00ads": DEEP}
    api.users.edit([user["id"]], name="u\x00ser", rights=rights)


def fill(api: Any) -> None:
    """Put a NUL wherever a record of a source can have one."""
    if api.slot == "kommo":
        fill_kommo(api)
    elif api.slot == "dashly":
        props = {"n\x00k": "v", "k": "v\x00", "$na\x00me": "x", "deep": DEEP, "list": ["a\x00b"]}
        api.insert(1, **{"$name": "a\x00b", "$email": "\x00", "$event_1\x002_count": 3, **props})
        api.insert(1, text=json.dumps(DEEP), **{"$event_7_count": "now\x00"})
    else:
        api.insert(1, custom='{"company": "a\\u0000b", "n\\u0000": ["\\u0000"]}', name="a\x00b")
        api.insert(1, custom=json.dumps({"text": json.dumps(DEEP)}), note=json.dumps(DEEP))
        api.insert(1, custom=json.dumps(json.dumps(DEEP)), email="\x00", **{"odd\x00": DEEP})


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", FORMS)
def test_no_text_and_no_name_of_any_message_has_a_nul(box: Sandbox, source: str, form: str) -> None:
    api = box.apis[source]
    fill(api)
    assert_no_nul(read_streams_with_text(api, form))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("depth", [1, 3])
def test_flattened_records_have_no_nul_either(box: Sandbox, source: str, depth: int) -> None:
    api = box.apis[source]
    fill(api)
    assert_no_nul(
        read_streams_with_text(api, "native", flattening_enabled=True, flattening_max_depth=depth)
    )


@pytest.mark.parametrize("form", FORMS)
def test_custom_fields_as_columns_have_no_nul(box: Sandbox, form: str) -> None:
    api = box.kommo
    fields = list(api.fields.rows)[:3]
    for each in fields:
        api.fields.edit([each], name="Fi\x00eld")
        api.fill_field(each, 2)
    fill(api)
    assert_no_nul(read_streams_with_text(api, form, custom_fields="columns"))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_around_a_nul_is_kept(box: Sandbox, form: str) -> None:
    for source in SOURCES:
        fill(box.apis[source])
    (lead,) = (
        r
        for r in read_streams_with_text(box.kommo, form).records("kommo_leads")
        if r["name"] == "name"
    )
    (custom,) = loaded(lead["custom_fields_values"])
    assert custom["field_name"] == "Field"
    assert custom["values"][0]["value"] == "ab"
    (lead,) = (
        r
        for r in read_streams_with_text(box.dashly, form).records("dashly_leads")
        if r["name"] == "ab"
    )
    props = loaded(lead["props"])
    assert props["nk"] == props["k"] == "v"
    leads = read_streams_with_text(box.octanist, form).records("octanist_leads")
    (lead,) = (r for r in leads if r["name"] == "ab")
    assert loaded(lead["custom"]) == {"company": "ab", "n": [""]}


@pytest.mark.parametrize("form", FORMS)
def test_the_six_characters_of_an_escape_that_somebody_typed_are_kept(
    box: Sandbox, form: str
) -> None:
    typed = "C:\\u0000"
    assert "\x00" not in typed
    box.kommo.insert(1, name=typed)
    assert typed in {
        r["name"] for r in read_streams_with_text(box.kommo, form).records("kommo_leads")
    }
    box.dashly.insert(1, typed=typed)
    bags = [
        loaded(r["props"]) for r in read_streams_with_text(box.dashly, form).records("dashly_leads")
    ]
    assert typed in {bag.get("typed") for bag in bags}
    box.octanist.insert(1, custom=json.dumps({"company": typed}))
    leads = read_streams_with_text(box.octanist, form).records("octanist_leads")
    assert {"company": typed} in [json.loads(r["custom"] or "null") for r in leads]


def loaded(value: Any) -> Any:
    """Return a value as a target that reads JSON text has it."""
    return json.loads(value) if isinstance(value, str) else value
