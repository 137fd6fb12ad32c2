"""The sandbox's Kommo has contacts, companies, tasks, notes and incoming leads as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.client import NOON, ask, everything, page

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo


def test_a_contact_has_the_keys_that_kommo_documents(kommo: Kommo) -> None:
    contact = page(kommo, "contacts", with_="leads,catalog_elements")[0]
    assert contact.keys() == {
        "id", "name", "first_name", "last_name", "responsible_user_id", "group_id", "created_by",
        "updated_by", "created_at", "updated_at", "closest_task_at", "is_deleted", "is_unsorted",
        "custom_fields_values", "account_id", "_links", "_embedded",
    }  # fmt: skip
    assert contact["_embedded"].keys() == {"tags", "companies", "leads", "catalog_elements"}
    assert page(kommo, "contacts")[0]["_embedded"].keys() == {"tags", "companies"}


def test_a_company_has_no_first_or_last_name(kommo: Kommo) -> None:
    company = page(kommo, "companies", with_="contacts,leads,catalog_elements")[0]
    assert not {"first_name", "last_name", "is_unsorted"} & company.keys()
    assert company["_embedded"].keys() == {"tags", "contacts", "leads", "catalog_elements"}


def test_contacts_and_companies_are_those_that_leads_point_to(kommo: Kommo) -> None:
    kommo.options.hidden_contacts = False
    for path in ("contacts", "companies"):
        rows = {row["id"]: row for row in everything(kommo, path, with_="leads")}
        for lead in kommo.leads.values():
            for row_id in lead["_embedded"][path]:
                assert lead["id"] in {link["id"] for link in rows[row_id]["_embedded"]["leads"]}


def test_contacts_of_leads_that_nobody_has_accepted_are_hidden(kommo: Kommo) -> None:
    waiting = [row["_embedded"] for row in everything(kommo, "leads/unsorted")]
    lead_id, hidden = next(
        (each["leads"][0]["id"], each["contacts"][0]["id"]) for each in waiting if each["contacts"]
    )
    assert hidden not in {contact["id"] for contact in everything(kommo, "contacts")}
    assert hidden in kommo.leads[lead_id]["_embedded"]["contacts"]
    kommo.edit([lead_id], status_id=142)
    assert hidden in {contact["id"] for contact in everything(kommo, "contacts")}
    assert lead_id not in {
        lead["id"]
        for row in everything(kommo, "leads/unsorted")
        for lead in row["_embedded"]["leads"]
    }


def test_contacts_have_phones_and_addresses_and_awkward_values(kommo: Kommo) -> None:
    contacts = everything(kommo, "contacts")
    codes = {c["field_code"] for row in contacts for c in row["custom_fields_values"] or ()}
    assert {"PHONE", "EMAIL", None} <= codes
    assert None in [contact["custom_fields_values"] for contact in contacts]
    assert "" in [contact["last_name"] for contact in contacts]
    assert {0, None} <= {contact["closest_task_at"] for contact in contacts}
    companies = everything(kommo, "companies")
    values = [c["values"] for row in companies for c in row["custom_fields_values"]]
    assert None in values
    assert [] in values


@pytest.mark.parametrize("path", ["contacts", "companies"])
def test_contacts_are_read_by_the_time_of_their_change(kommo: Kommo, path: str) -> None:
    table = kommo.tables[path]
    seen = [row["id"] for row in everything(kommo, path)]
    table.edit(seen[:20], at=NOON + 10)
    (new,) = table.insert(at=NOON + 20, name="New ☕")
    asked: dict[str, Any] = {"filter__updated_at__from": int(NOON), "order__updated_at": "asc"}
    found = everything(kommo, path, **asked)
    assert sorted(row["id"] for row in found[:-1]) == sorted(seen[:20])
    assert (found[-1]["id"], found[-1]["name"]) == (new, "New ☕")
    assert ask(kommo, path, filter__updated_at=int(NOON) + 20).status_code == 204
    down = [row["id"] for row in everything(kommo, path, order__id="desc")]
    assert down == sorted(down, reverse=True)
    assert page(kommo, path, order__created_at="desc") == page(kommo, path)
    assert [row["id"] for row in page(kommo, path, filter__id__=seen[:2])] == seen[:2]
    owner = page(kommo, path, limit=250, filter__responsible_user_id__=11087127)
    assert {row["responsible_user_id"] for row in owner} == {11087127}


def test_deleted_contacts_are_in_the_recycle_bin(kommo: Kommo) -> None:
    seen = [contact["id"] for contact in page(kommo, "contacts")]
    kommo.contacts.delete(seen[:3])
    assert not set(seen[:3]) & {contact["id"] for contact in everything(kommo, "contacts")}
    gone = page(kommo, "contacts", with_="only_deleted")
    assert [contact["id"] for contact in gone] == seen[:3]
    assert {(contact["is_deleted"], contact["name"]) for contact in gone} == {(True, None)}


@pytest.mark.parametrize("path", ["contacts", "companies"])
def test_people_are_restored_purged_and_merged_with_events(kommo: Kommo, path: str) -> None:
    table = kommo.contacts if path == "contacts" else kommo.companies
    word = {"contacts": "contact", "companies": "company"}[path]
    one, two, three, four = [row["id"] for row in page(kommo, path)][:4]
    table.delete([one, two])
    assert table.restore([one]) == [one]
    assert table.purge(5) == [two]
    kommo.options.merge_deletes = True
    table.merge([three], four)
    listed = {row["id"] for row in everything(kommo, path)}
    assert {one, four} <= listed
    assert not {two, three} & listed
    assert ask(kommo, path, with_="only_deleted").status_code == 204
    assert (table.merged, table.purged) == ({three: four}, {two})
    events = everything(kommo, "events", filter__entity=word)
    told = sorted((event["type"].removeprefix(f"{word}_"), event["entity_id"]) for event in events)
    expected = [("deleted", one), ("deleted", two), ("deleted", three), ("restored", one)]
    assert told == sorted([*expected, ("entity_merged", four)])


@pytest.mark.parametrize("path", ["contacts", "companies"])
def test_an_account_without_a_bin_of_people_lists_those_that_exist(kommo: Kommo, path: str) -> None:
    kommo.options.people_bin = False
    kommo.tables[path].delete(3)
    assert page(kommo, path, with_="only_deleted") == page(kommo, path)


def test_a_new_leads_contacts_come_with_it(kommo: Kommo) -> None:
    kommo.options.hidden_contacts = False
    before = len(everything(kommo, "contacts"))
    ids = kommo.insert(10)
    added = {n for lead_id in ids for n in kommo.leads[lead_id]["_embedded"]["contacts"]}
    after = {contact["id"] for contact in everything(kommo, "contacts")}
    assert added <= after
    assert len(after) == before + len(added)


def test_a_change_of_a_contact_shows_after_the_lag(kommo: Kommo) -> None:
    kommo.clock.freeze(NOON + 1)
    kommo.options.lag = 60
    (new,) = kommo.contacts.insert()
    asked: dict[str, Any] = {"filter__updated_at__from": int(NOON)}
    assert ask(kommo, "contacts", **asked).status_code == 204
    kommo.clock.advance(60)
    assert [contact["id"] for contact in page(kommo, "contacts", **asked)] == [new]


def test_tasks_have_an_empty_list_where_they_have_no_result(kommo: Kommo) -> None:
    tasks = everything(kommo, "tasks")
    assert {task["result"] == [] for task in tasks if not task["is_completed"]} == {True}
    assert {type(task["result"]) for task in tasks if task["is_completed"]} == {dict}
    free = [task for task in tasks if task["entity_id"] is None]
    assert free
    assert {task["entity_type"] for task in free} == {None}
    due = {(task["entity_id"], task["complete_till"]) for task in tasks}
    for lead in kommo.leads.values():
        assert not lead["closest_task_at"] or (lead["id"], lead["closest_task_at"]) in due


def test_tasks_are_filtered_and_sorted_as_kommo_documents(kommo: Kommo) -> None:
    some = next(task for task in everything(kommo, "tasks") if task["entity_id"])

    def found(**query: Any) -> list[int]:
        return [task["id"] for task in everything(kommo, "tasks", **query)]

    def where(**values: Any) -> list[int]:
        rows = kommo.tasks.rows
        return sorted(n for n, row in rows.items() if values.items() <= row.items())

    assert found(filter__is_completed=1) == where(is_completed=True)
    assert found(filter__is_completed=0) == where(is_completed=False)
    assert found(filter__task_type__=2) == where(task_type_id=2)
    assert found(filter__entity_type="leads") == where(entity_type="leads")
    assert found(filter__entity_id__=some["entity_id"]) == where(entity_id=some["entity_id"])
    kommo.tasks.edit([some["id"]], at=NOON + 5)
    assert found(filter__updated_at=int(NOON)) == [some["id"]]
    assert found(filter__updated_at__from=int(NOON), filter__updated_at__to=int(NOON) + 4) == []
    assert found(order__updated_at="desc") == found()
    till = [
        task["complete_till"] for task in everything(kommo, "tasks", order__complete_till="asc")
    ]
    assert till == sorted(till)


def test_what_happens_to_a_task_is_that_it_gets_done(kommo: Kommo) -> None:
    open_task = page(kommo, "tasks", filter__is_completed=0)[0]["id"]
    kommo.tasks.edit([open_task])
    assert ask(kommo, f"tasks/{open_task}").json()["result"] == {"text": "Done"}


def test_notes_have_parameters_that_vary_with_their_type(kommo: Kommo) -> None:
    notes = everything(kommo, "leads/notes")
    kinds = {note["note_type"]: note["params"] for note in notes}
    assert kinds["common"].keys() == {"text"}
    assert {"uniq", "duration", "source", "link", "phone"} <= kinds["call_in"].keys()
    assert kinds["link_followed"] == []
    assert "hologram_shown" in kinds
    assert "is_pinned" not in notes[0]
    assert "is_pinned" in page(kommo, "leads/notes", with_="is_pinned")[0]
    calls = page(kommo, "leads/notes", limit=250, filter__note_type__=["call_in", "call_out"])
    assert {note["note_type"] for note in calls} == {"call_in", "call_out"}
    lead_id = notes[0]["entity_id"]
    assert {note["entity_id"] for note in page(kommo, f"leads/{lead_id}/notes")} == {lead_id}
    (new,) = kommo.tables["contacts/notes"].insert(at=NOON + 1, entity_id=406322)
    assert [n["id"] for n in page(kommo, "contacts/notes", filter__updated_at=int(NOON))] == [new]


def test_incoming_leads_are_the_leads_in_the_first_stages(kommo: Kommo) -> None:
    rows = everything(kommo, "leads/unsorted")
    waiting = {lead["id"] for row in rows for lead in row["_embedded"]["leads"]}
    first = {94386183, 95100411}
    assert waiting == {n for n, lead in kommo.leads.items() if lead["status_id"] in first}
    forms = [row["metadata"] for row in rows if row["category"] == "forms"]
    assert all(isinstance(form["form_sent_at"], str) for form in forms)
    asked = page(kommo, "leads/unsorted", filter__category="mail", filter__pipeline_id=12480022)
    assert {(row["category"], row["pipeline_id"]) for row in asked} == {("mail", 12480022)}
    one = ask(kommo, f"leads/unsorted/{rows[0]['uid']}").json()
    assert one["uid"] == rows[0]["uid"]
    assert page(kommo, "leads/unsorted", filter__uid=rows[0]["uid"])[0]["uid"] == one["uid"]
    summary = ask(kommo, "leads/unsorted/summary").json()
    assert summary["total"] == len(rows)
    assert sum(kind["total"] for kind in summary["categories"].values()) == len(rows)


def test_nothing_but_leads_is_made_before_somebody_asks(kommo: Kommo) -> None:
    everything(kommo, "leads")
    kommo.insert(3)
    kommo.edit(3)
    assert not any(table.filled for name, table in kommo.tables.items() if name != "leads/unsorted")
