"""Values that no documentation promises: kept exactly, or null in their column and in `extra`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from sandbox import Sandbox
from sandbox.dashly.leads import EVENTS
from tests.support.hostile import HALF, KEPT, MISFITS, MIXED, THIRTY_DIGITS
from tests.support.run import sync
from tests.support.settings import CREDENTIALS, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Api
    from tests.support.run import Run

    Runner = Callable[..., Run]

Lead = dict[str, Any]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with few leads, beside which the ones that matter are inserted."""
    with Sandbox(leads=3, seed=7) as sandbox:
        sandbox.kommo.options.rate_limit = None
        yield sandbox


def insert(api: Api, **fields: str) -> str:
    """A lead with fields that stand in the answers exactly as given; its id."""
    raw = {name: msgspec.Raw(text.encode()) for name, text in fields.items()}
    (lead_id,) = api.insert(**raw)  # type: ignore[arg-type]  # `at` and `count` are not among them
    return str(lead_id)


def read_by_id(api: Api, form: str = "text", **others: Any) -> dict[str, Lead]:
    """The records of a run over one source, by id."""
    run = sync({api.slot: settings_for(api, **others), "nested_values": form})
    assert run.code == 0
    return {str(record["id"]): record for record in run.records(f"{api.slot}_leads")}


COLUMNS = {
    "$name": "name",
    "$email": "email",
    "$sessions": "sessions",
    "$last_contacted": "last_contacted",
    "googleAdsAdId": "google_ads_ad_id",
    "expiresAt": "expires_at",
}


@pytest.mark.parametrize(
    ("slot", "field", "sent", "kept"), KEPT, ids=[f"{x[0]}-{x[1]}={x[2][:40]}" for x in KEPT]
)
def test_a_value_is_kept(box: Sandbox, slot: str, field: str, sent: str, kept: Any) -> None:
    lead_id = insert(box.apis[slot], **{field: sent})
    record = read_by_id(box.apis[slot])[lead_id]
    value = record[COLUMNS.get(field, field)]
    assert value == kept
    assert type(value) is type(kept)
    assert str(value) == str(kept)  # 1499.90 keeps its last digit
    assert record["extra"] is None


@pytest.mark.parametrize("form", ["text", "native"])
@pytest.mark.parametrize(
    ("slot", "field", "sent", "kept"), MISFITS, ids=[f"{x[0]}-{x[1]}={x[2]}" for x in MISFITS]
)
def test_what_does_not_fit_a_column_is_null_there_and_kept_in_extra(
    box: Sandbox, slot: str, field: str, sent: str, kept: str, form: str
) -> None:
    api = box.apis[slot]
    whole, lead_id = api.insert()[0], insert(api, **{field: sent})
    records = read_by_id(api, form)
    record = records[lead_id]
    assert record["extra"] == f'{{"{field}":{kept}}}'
    assert records[str(whole)]["extra"] is None
    column = {"qualifiedAt": "qualified_at"}.get(field, COLUMNS.get(field, field))
    assert record.get(column) is None
    assert record.keys() == records[str(whole)].keys()


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_half_a_character_is_dropped_and_nothing_else(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    field = "name" if slot in {"kommo", "octanist"} else "$name"
    sent = {"half": rf'"a {HALF}\u0000b"', "whole": r'"\ud83d\ude00 é"', "text": '"Лид"'}
    ids = {kind: insert(api, **{field: text}) for kind, text in sent.items()}
    for form in ("text", "native"):
        records = read_by_id(api, form)
        names = {kind: records[lead_id]["name"] for kind, lead_id in ids.items()}
        assert names == {"half": "a b", "whole": "😀 é", "text": "Лид"}
        assert len(records) == api.count
        for record in records.values():
            json.dumps(record, default=str, ensure_ascii=False).encode()  # half has no encoding


def test_a_number_is_exact_beside_half_a_character(box: Sandbox) -> None:
    (lead_id,) = box.octanist.insert(
        name=msgspec.Raw(f'"{HALF}"'.encode()),
        value=msgspec.Raw(f"{THIRTY_DIGITS}.10".encode()),
        custom=msgspec.Raw(f"[0.10, {THIRTY_DIGITS}]".encode()),
    )
    record = read_by_id(box.octanist)[lead_id]
    assert str(record["value"]) == f"{THIRTY_DIGITS}.10"
    assert record["custom"] == f"[0.10,{THIRTY_DIGITS}]"
    assert record["name"] == ""


def test_money_is_exact_down_to_the_bytes_that_are_printed(box: Sandbox, run_tap: Runner) -> None:
    numbers = ["1499.90", "0.10", f"{THIRTY_DIGITS}.05", f"{THIRTY_DIGITS}.0"]
    ids = [insert(box.kommo, price_with_minor_units=number) for number in numbers]
    run = run_tap({"kommo": settings_for(box.kommo)})
    records = {str(record["id"]): record for record in run.records("kommo_leads")}
    assert [str(records[lead_id]["price_with_minor_units"]) for lead_id in ids] == numbers


@pytest.mark.parametrize("form", ["text", "native"])
@pytest.mark.parametrize("slot", ["kommo", "octanist"])
def test_fields_that_are_named_like_our_own_columns_are_kept_apart(
    box: Sandbox, slot: str, form: str
) -> None:
    api = box.apis[slot]
    lead_id = insert(api, account='"theirs"', extra='"more"', other="1")
    record = read_by_id(api, form, name="north")[lead_id]
    assert record["account"] == "north"
    assert json.loads(record["extra"]) == {"account": "theirs", "extra": "more", "other": 1}


def test_fields_that_are_named_like_a_column_of_another_name_are_kept(box: Sandbox) -> None:
    lead_id = insert(box.kommo, tags='"loose"')
    assert read_by_id(box.kommo)[lead_id]["extra"] == '{"tags":"loose"}'
    lead_id = insert(box.octanist, updated_at='"loose"', label_id="1")
    assert read_by_id(box.octanist)[lead_id]["extra"] == '{"updated_at":"loose","label_id":1}'


def test_several_fields_are_kept_together(box: Sandbox) -> None:
    lead_id = insert(box.kommo, price="1.50", score='"high"', region='"EU"')
    record = read_by_id(box.kommo)[lead_id]
    assert json.loads(record["extra"]) == {"price": 1.5, "score": "high", "region": "EU"}
    assert record["price"] is None
    assert record["score"] is None


@pytest.mark.parametrize("slot", ["dashly", "carrotquest"])
def test_a_property_may_be_of_any_kind(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    lead_id = insert(api, **{name: sent for name, (sent, _) in MIXED.items()})
    bag = read_by_id(api)[lead_id]["props"]
    for name, (sent, _) in MIXED.items():
        assert f'"{name}":{sent.replace(", ", ",")}' in bag
    native = read_by_id(api, "native")[lead_id]["props"]
    assert {name: native[name] for name in MIXED} == {name: x for name, (_, x) in MIXED.items()}


@pytest.mark.parametrize("slot", ["dashly", "carrotquest"])
def test_events_are_gathered_from_the_properties(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    fields: Lead = {
        f"$event_{event}_{what}": None for event in EVENTS for what in ("first", "last", "count")
    }
    fields |= {
        "$event_7_last": "2024-05-02T10:00:00",
        "$event_18_count": 4,
        "$event_7_first": "2024-05-01T10:00:00",
        "$event_7_count": 2,
        "$event_of_a_kind_first": "2024-05-01T10:00:00",
        "$eventually": 1,
    }
    (lead_id,) = api.insert(**fields)
    day = "2024-05-0{}T10:00:00.000000Z"
    expected = [
        {"event_id": "7", "first": day.format(1), "last": day.format(2), "count": 2},
        {"event_id": "18", "first": None, "last": None, "count": 4},
        {"event_id": "of_a_kind", "first": day.format(1), "last": None, "count": None},
    ]
    events = read_by_id(api, "native")[str(lead_id)]["events"]
    assert sorted(events, key=expected.index) == expected
    assert json.loads(read_by_id(api)[str(lead_id)]["events"]) == events


@pytest.mark.parametrize("form", ["text", "native"])
def test_an_event_that_is_none_is_not_lost(box: Sandbox, form: str) -> None:
    lead_id = insert(box.dashly, **{"$event_18_count": '"many"', "$event_18_last": '"never"'})
    record = read_by_id(box.dashly, form)[lead_id]
    everywhere = json.dumps([record["events"], record["extra"], record["props"]])
    assert everywhere.count("many") >= 2
    assert everywhere.count("never") >= 2


def texts(value: Any) -> list[str]:
    """Every text in a value, the names of an object's keys among them."""
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("form", ["text", "native"])
def test_no_text_has_a_nul_however_deep(box: Sandbox, form: str) -> None:
    nul = r'"a\u0000b"'
    field = f'{{"field_name": {nul}, "values": [{{"value": [{nul}]}}], "x": {{{nul}: [{nul}]}}}}'
    ids = {
        "kommo": insert(box.kommo, custom_fields_values=f"[{field}]", unknown=nul),
        "dashly": insert(box.dashly, note=nul, of=f"[{nul}]"),
        "octanist": insert(box.octanist, custom=f"{{{nul}: {nul}}}"),
    }
    for slot, lead_id in ids.items():
        found = texts(read_by_id(box.apis[slot], form)[lead_id])
        assert any("a" in text and "b" in text for text in found)
        assert [text for text in found if "\x00" in text] == []


def test_nested_values_that_fit_no_declaration_are_null_and_in_extra(box: Sandbox) -> None:
    lead_id = insert(box.kommo, custom_fields_values='["loose", {"field_id": "one"}]')
    record = read_by_id(box.kommo, "native")[lead_id]
    assert record["custom_fields_values"] is None
    kept = json.loads(record["extra"])["custom_fields_values"]
    assert kept == ["loose", {"field_id": "one"}]
