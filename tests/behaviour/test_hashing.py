"""`hash_fields`: what is personal leaves as a keyed hash, the same in every source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.hashing import KEY, sha
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run


def one_person(box: Sandbox, **hashing: Any) -> Run:
    """A run over one lead of each source, all of them the same person in other spellings."""
    for api in (box.octanist, box.dashly, box.kommo):
        api.delete(list(api.leads))
    box.octanist.insert(1, email=" Ann@Example.COM ", phone="+1 (555) 010-20-30", name="Ann")
    (ann,) = box.dashly.insert(1)
    props = {"$email": "ann@example.com", "$phone": "15550102030", "$name": "Ann "}
    box.dashly.leads[ann]["props"].update(props)
    box.kommo.insert(1, name="Ann", price=7)
    sources = {slot: settings_for(box.apis[slot]) for slot in ("octanist", "dashly", "kommo")}
    return sync({**sources, **hashing})


def test_one_person_has_one_hash_in_every_source(box: Sandbox) -> None:
    run = one_person(box, hash_fields=["email", "phone", "name"], hash_key=KEY)
    for stream in ("octanist_leads", "dashly_leads"):
        (row,) = run.records(stream)
        assert row["email"] == sha("ann@example.com")
        assert row["phone"] == sha("15550102030")
        assert row["name"] == sha("Ann")
    assert run.records("kommo_leads")[0]["name"] == sha("Ann")


def test_what_is_hashed_is_in_no_other_column_either(box: Sandbox) -> None:
    run = one_person(box, hash_fields=["email", "phone", "name"], hash_key=KEY)
    text = json.dumps(run.messages, default=str).lower()
    assert "ann@example.com" not in text
    assert "15550102030" not in text
    (row,) = run.records("dashly_leads")
    props = json.loads(row["props"])
    assert [props[f"${name}"] for name in ("email", "phone", "name")] == [
        row["email"],
        row["phone"],
        row["name"],
    ]


def test_a_column_may_be_hashed_in_one_stream_alone(box: Sandbox) -> None:
    run = one_person(box, hash_fields=["octanist_leads.email"], hash_key=KEY)
    assert run.records("octanist_leads")[0]["email"] == sha("ann@example.com")
    assert run.records("dashly_leads")[0]["email"] == "ann@example.com"


def test_another_key_gives_another_hash(box: Sandbox) -> None:
    run = one_person(box, hash_fields=["email"], hash_key="another")
    assert run.records("dashly_leads")[0]["email"] == sha("ann@example.com", "another")


def test_a_hashed_column_is_a_text_whatever_it_was(box: Sandbox) -> None:
    run = one_person(box, hash_fields=["price", "tags", "events"], hash_key=KEY)
    (row,) = run.records("kommo_leads")
    assert row["price"] == sha("7")
    properties = run.schemas["kommo_leads"]["schema"]["properties"]
    assert properties["price"]["type"] == properties["tags"]["type"] == ["null", "string"]


@pytest.mark.parametrize("value", [{"mail": "ann@example.com"}, ["ann@example.com"]])
def test_a_value_that_does_not_fit_its_column_is_hashed_and_not_told_in_extra(
    box: Sandbox, value: Any
) -> None:
    api = box.kommo
    api.delete(list(api.leads))
    api.insert(1, price=value)
    run = sync({"kommo": settings_for(api), "hash_fields": ["price"], "hash_key": KEY})
    (row,) = run.records("kommo_leads")
    assert row["price"] == sha(json.dumps(value, separators=(",", ":")))
    assert "ann@example.com" not in json.dumps(run.messages, default=str)


@pytest.mark.parametrize("value", [None, "", "  ", "n/a"])
def test_nothing_is_not_hashed(box: Sandbox, value: Any) -> None:
    api = box.octanist
    api.delete(list(api.leads))
    api.insert(1, phone=value)
    run = sync({"octanist": settings_for(api), "hash_fields": ["phone"], "hash_key": KEY})
    assert run.records("octanist_leads")[0]["phone"] is None


@pytest.mark.parametrize(
    ("hashing", "said"),
    [
        ({"hash_fields": ["emial"], "hash_key": KEY}, "did you mean email?"),
        ({"hash_fields": ["id"], "hash_key": KEY}, "or a key, which cannot be hashed"),
        ({"hash_fields": ["kommo_leads.updated_at"], "hash_key": KEY}, "or a key, which cannot be"),
        ({"hash_fields": ["email"]}, "hash_key: is required"),
        ({"hash_fields": [1], "hash_key": KEY}, "hash_fields[0]: must be a string"),
    ],
)
def test_a_mistake_in_the_settings_is_told(
    box: Sandbox, run_here: Callable[..., Run], hashing: dict[str, Any], said: str
) -> None:
    run = run_here({"kommo": settings_for(box.kommo), **hashing})
    assert run.code == 1
    assert said in run.stderr
    assert KEY not in run.stderr
    assert run_here({"kommo": settings_for(box.kommo), **hashing}, "--discover").code == 0


def test_what_is_deselected_is_not_in_props_either(box: Sandbox) -> None:
    catalog: dict[str, Any] = {
        "streams": [
            {
                "tap_stream_id": "dashly_leads",
                "schema": {"properties": {}},
                "metadata": [
                    {"breadcrumb": [], "metadata": {"selected": True}},
                    {"breadcrumb": ["properties", "email"], "metadata": {"selected": False}},
                ],
            }
        ]
    }
    run = sync({"dashly": settings_for(box.dashly)}, catalog=catalog)
    rows = run.records("dashly_leads")
    assert any("$phone" in row["props"] for row in rows)
    assert not any("$email" in row["props"] or "email" in row for row in rows)
