"""The events of the sandbox's Kommo follow from the actual changes of leads and contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import Sandbox
from tests.sandbox.client import NOON, Row, ask, everything, page

if TYPE_CHECKING:
    import random

    from sandbox import Api
    from sandbox.kommo.api import Kommo

SINCE = {"filter__created_at__from": int(NOON)}


def since(api: Kommo, **query: Any) -> list[Row]:
    return everything(api, "events", **SINCE, **query)


def types(events: list[Row]) -> list[str]:
    return [event["type"] for event in events]


def stages_told(events: list[Row]) -> dict[int, list[tuple[int, int, int]]]:
    """Return the stages of each lead according to its events, from the second on."""
    told: dict[int, list[tuple[int, int, int]]] = {}
    for event in sorted(events, key=lambda event: (event["created_at"], event["id"])):
        if event["type"] == "lead_status_changed":
            ((name, stage),) = event["value_after"][0].items()
            assert name == "lead_status"
            moved = event["created_at"], stage["pipeline_id"], stage["id"]
            told.setdefault(event["entity_id"], []).append(moved)
    return told


def test_an_event_has_the_shape_that_kommo_documents(kommo: Kommo) -> None:
    event = page(kommo, "events", filter__type="lead_status_changed", limit=1)[0]
    assert event.keys() == {
        "id", "type", "entity_id", "entity_type", "created_by", "created_at", "value_after",
        "value_before", "account_id", "oauth_client_uuid", "_links", "_embedded",
    }  # fmt: skip
    assert len(event["id"]) == 26
    assert event["entity_type"] == "lead"
    assert event["_embedded"]["entity"]["id"] == event["entity_id"]
    assert event["value_before"] != event["value_after"]
    assert ask(kommo, f"events/{event['id']}").json()["id"] == event["id"]


def test_the_history_leads_from_each_leads_creation_to_its_present_stage(kommo: Kommo) -> None:
    events = everything(kommo, "events")
    added = {event["entity_id"] for event in events if event["type"] == "lead_added"}
    assert added == set(kommo.leads)
    told, truth = stages_told(events), kommo.stage_history()
    assert any(len(past) > 2 for past in truth.values())
    for lead_id, lead in kommo.leads.items():
        first, *moves = truth[lead_id]
        assert first.at == lead["created_at"]
        assert told.get(lead_id, []) == [tuple(move) for move in moves]
        assert truth[lead_id][-1][1:] == (lead["pipeline_id"], lead["status_id"])
        assert all(move.at <= lead["updated_at"] for move in moves)
        if moves and lead["closed_at"]:
            assert moves[-1].at == lead["closed_at"]


def test_what_happens_to_a_lead_is_told_and_kept_as_truth(kommo: Kommo) -> None:
    lead_id = next(iter(kommo.leads))
    kommo.edit([lead_id], at=NOON + 1, pipeline_id=12480022, status_id=95100411)
    kommo.edit([lead_id], at=NOON + 2, status_id=142, price=7, name="New")
    kommo.edit([lead_id], at=NOON + 3, responsible_user_id=1)
    kommo.clock.freeze(NOON + 4)
    kommo.edit([lead_id], touch=False, price=8)
    (new,) = kommo.insert(at=NOON + 5)
    kommo.clock.freeze(NOON + 6)
    kommo.delete([lead_id])
    kommo.restore([lead_id])
    events = since(kommo)[::-1]
    assert [(event["type"], event["entity_id"]) for event in events] == [
        ("lead_status_changed", lead_id),
        ("lead_status_changed", lead_id),
        ("sale_field_changed", lead_id),
        ("name_field_changed", lead_id),
        ("entity_responsible_changed", lead_id),
        ("sale_field_changed", lead_id),
        ("lead_added", new),
        ("lead_deleted", lead_id),
        ("lead_restored", lead_id),
    ]
    assert events[4]["value_after"] == [{"responsible_user": {"id": 1}}]
    assert events[2]["value_after"] == [{"sale_field_value": {"sale": 7}}]
    assert kommo.stage_history()[lead_id][-2:] == [
        (NOON + 1, 12480022, 95100411),
        (NOON + 2, 12480022, 142),
    ]


def test_the_history_is_the_same_whether_or_not_it_is_asked_for_before_a_change() -> None:
    def told(*, early: bool) -> dict[int, list[Any]]:
        with Sandbox(leads=60, start=NOON) as box:
            if early:
                box.kommo.stage_history()
                box.kommo.events()
            box.kommo.edit(30, at=NOON + 1)
            return {lead_id: list(past) for lead_id, past in box.kommo.stage_history().items()}

    assert told(early=True) == told(early=False)


def test_changes_of_custom_fields_and_tags_are_told(kommo: Kommo) -> None:
    kommo.fill_field(1928052, [next(iter(kommo.leads))], at=NOON + 1)
    lead = next(iter(kommo.leads.values()))
    tags = {**lead["_embedded"], "tags": [{"id": 9, "name": "new", "color": None}]}
    kommo.edit([lead["id"]], at=NOON + 2, _embedded=tags)
    told = {event["type"]: event for event in since(kommo)}
    field = told["custom_field_1928052_value_changed"]["value_after"][0]["custom_field_value"]
    assert field["field_id"] == 1928052
    assert isinstance(field["field_type"], int)
    assert told["entity_tag_added"]["value_after"] == [{"tag": {"id": 9, "name": "new"}}]


def test_merged_leads_vanish_without_a_deletion_of_their_own(kommo: Kommo) -> None:
    into, *gone = list(kommo.leads)[:3]
    contacts = {n for i in (into, *gone) for n in kommo.leads[i]["_embedded"]["contacts"]}
    kommo.merge(gone, into, at=NOON + 1)
    assert not set(gone) & {lead["id"] for lead in everything(kommo, "leads")}
    assert ask(kommo, "leads", with_="only_deleted").status_code == 204
    merged = next(event for event in since(kommo) if event["type"] == "entity_merged")
    assert "lead_deleted" not in types(since(kommo))
    assert merged["entity_id"] == into
    assert merged["value_before"] == [{"link": {"entity": {"type": "lead", "id": n}}} for n in gone]
    assert merged["value_after"] == [{"link": {"entity": {"type": "lead", "id": into}}}]
    assert kommo.merged == dict.fromkeys(gone, into)
    assert kommo.leads[into]["updated_at"] == NOON + 1
    assert set(kommo.leads[into]["_embedded"]["contacts"]) == contacts


def test_a_merger_can_say_nothing_and_delete_what_it_merges(kommo: Kommo) -> None:
    into, gone = list(kommo.leads)[:2]
    kommo.options.merged_values = "empty"
    kommo.options.merge_deletes = True
    kommo.merge([gone], into, at=NOON + 1)
    events = {event["type"]: event for event in since(kommo)}
    assert events["entity_merged"]["value_before"] == []
    assert events["lead_deleted"]["entity_id"] == gone


def test_each_filter_narrows_the_events(kommo: Kommo) -> None:
    kommo.edit(20, at=NOON + 1, price=3, responsible_user_id=11087127)
    every = kommo.events()

    def found(**query: Any) -> list[str]:
        return sorted(event["id"] for event in everything(kommo, "events", **query))

    def where(**values: Any) -> list[str]:
        return sorted(event["id"] for event in every if values.items() <= event.items())

    price, owner = "sale_field_changed", "entity_responsible_changed"
    two = sorted(where(type=price) + where(type=owner))
    assert found(filter__type=f"{price},{owner}") == two
    assert found(filter__type__=[price, owner]) == two
    assert found(filter__entity="lead") == sorted(event["id"] for event in every)
    assert found(filter__entity="contact") == []
    some = next(event for event in every if event["type"] == price)
    one = {"filter__entity": "lead", "filter__entity_id": some["entity_id"]}
    assert found(**one) == where(entity_id=some["entity_id"])
    assert found(filter__id=some["id"]) == [some["id"]]
    assert found(filter__created_by=some["created_by"]) == where(created_by=some["created_by"])
    assert found(filter__created_at=int(NOON)) == where(created_at=NOON + 1)
    assert found(filter__created_at=f"{int(NOON)},{int(NOON) + 9}") == where(created_at=NOON + 1)
    assert found(filter__created_at__from=1, filter__created_at__to=int(NOON)) == sorted(
        event["id"] for event in every if event["created_at"] <= NOON
    )
    won = {"filter__value_after__leads_statuses__0__pipeline_id": 12215168}
    won["filter__value_after__leads_statuses__0__status_id"] = 142
    stage = [{"lead_status": {"id": 142, "pipeline_id": 12215168}}]
    assert found(**won) == where(value_after=stage)
    mine = found(filter__value_after__responsible_user_id=11087127)
    assert mine == where(value_after=[{"responsible_user": {"id": 11087127}}])


def test_several_entities_in_one_filter_are_an_option_and_so_is_a_filter_that_is_ignored(
    kommo: Kommo,
) -> None:
    kommo.contacts.edit(1, at=NOON, name="Renamed")
    kommo.tasks.edit(1, at=NOON)
    both = {"filter__entity": "contact,task"}
    assert ask(kommo, "events", **both).status_code == 400
    kommo.options.entity_filter = "several"
    found = [event["entity_type"] for event in everything(kommo, "events", **both)]
    assert sorted(found) == ["contact", "task"]
    kommo.options.entity_filter = "ignored"
    assert len(everything(kommo, "events", **both)) == len(kommo.events())


def test_ids_of_entities_need_the_kind_of_entity_and_are_ten_at_most(kommo: Kommo) -> None:
    many = ",".join(str(n) for n in range(11))
    assert ask(kommo, "events", filter__entity_id=1).status_code == 400
    both: dict[str, Any] = {"filter__entity": "lead,contact", "filter__entity_id": 1}
    assert ask(kommo, "events", **both).status_code == 400
    eleven: dict[str, Any] = {"filter__entity": "lead", "filter__entity_id": many}
    assert ask(kommo, "events", **eleven).status_code == 400
    assert ask(kommo, "events", filter__created_by=many).status_code == 400


def test_there_is_no_order_to_ask_for(kommo: Kommo) -> None:
    asked = [event["id"] for event in everything(kommo, "events", order__created_at="asc")]
    assert asked == [event["id"] for event in everything(kommo, "events")]
    times = [event["created_at"] for event in everything(kommo, "events")]
    assert times == sorted(times, reverse=True)
    kommo.options.events_order = "oldest_first"
    assert [event["created_at"] for event in everything(kommo, "events")] == sorted(times)
    kommo.options.events_order = "shuffled"
    shuffled = everything(kommo, "events")
    assert {event["id"] for event in shuffled} == set(asked)
    assert sorted(times) != [event["created_at"] for event in shuffled] != times


def test_events_of_one_second_keep_their_order_unless_they_are_not_to(kommo: Kommo) -> None:
    kommo.edit(100, at=NOON + 1, price=1)
    one, two = ([event["id"] for event in since(kommo)] for _ in range(2))
    assert one == two
    kommo.options.events_ties = "shuffled"
    one, two = ([event["id"] for event in since(kommo)] for _ in range(2))
    assert sorted(one) == sorted(two)
    assert one != two


def test_a_page_of_events_has_250_at_most_or_a_hundred(kommo: Kommo) -> None:
    body = ask(kommo, "events", limit=1000).json()
    assert len(body["_embedded"]["events"]) == 250
    assert body.keys() == {"_page", "_links", "_embedded"}
    kommo.options.events_limit = 100
    assert len(page(kommo, "events", limit=250)) == 100
    assert len(everything(kommo, "events")) == len(kommo.events())


def test_old_events_are_gone_and_late_ones_not_there_yet(kommo: Kommo) -> None:
    kommo.options.events_retention_days = 30
    assert all(e["created_at"] >= NOON - 30 * 86_400 for e in everything(kommo, "events"))
    kommo.options.events_retention_days = None
    kommo.clock.freeze(NOON + 1)
    kommo.options.events_lag = 300
    kommo.options.late_events = 0.5
    kommo.edit(100, price=1)
    kommo.options.events_lag = 0
    assert 20 < len(since(kommo)) < 80
    kommo.clock.advance(300)
    assert len(since(kommo)) == len([e for e in kommo.events() if e["created_at"] >= NOON])


def test_the_values_of_events_can_be_empty(kommo: Kommo) -> None:
    kommo.options.event_values = "empty"
    for event in page(kommo, "events", filter__type="lead_status_changed"):
        assert (event["value_before"], event["value_after"]) == ([], [])


def test_names_come_with_events_that_ask_for_them(kommo: Kommo) -> None:
    event = page(kommo, "events", with_="lead_name", limit=1)[0]
    assert event["_embedded"]["entity"]["name"] == kommo.leads[event["entity_id"]]["name"]


def test_what_happens_to_contacts_is_told(kommo: Kommo) -> None:
    (new,) = kommo.contacts.insert(at=NOON + 1)
    kommo.contacts.edit([new], at=NOON + 2, name="Renamed")
    kommo.contacts.delete([new])
    asked = {"filter__entity": "contact", "filter__entity_id": new}
    assert sorted(types(everything(kommo, "events", **asked))) == [
        "contact_added", "contact_deleted", "name_field_changed",
    ]  # fmt: skip


def test_the_types_of_events_are_listed(kommo: Kommo) -> None:
    body = ask(kommo, "events/types").json()
    kinds = {kind["key"] for kind in body["_embedded"]["events_types"]}
    assert body["_total_items"] == len(kinds) > 65
    assert {"lead_deleted", "entity_merged", "custom_field_value_changed"} <= kinds


def test_events_between_requests_and_faults_are_like_those_of_leads(kommo: Kommo) -> None:
    kommo.faults.plan(503, "early_204")
    assert [ask(kommo, "events").status_code for _ in range(3)] == [503, 204, 200]

    def change(api: Api, _rng: random.Random) -> None:
        api.edit(1, at=NOON + 5, price=1)

    kommo.after_request = change
    ask(kommo, "events", limit=1)
    kommo.after_request = None
    assert types(since(kommo)) == ["sale_field_changed"]
