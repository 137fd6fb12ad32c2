"""The sandbox's Kommo has the reference data of leads as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.client import ask, everything, page

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

PAGED_WITHOUT_TOTALS = (
    "leads/tags", "contacts/tags", "companies/tags", "contacts", "companies", "tasks",
    "leads/notes", "contacts/notes", "companies/notes", "leads/unsorted", "catalogs",
    "catalogs/1057/elements", "events", "talks", "website_buttons",
)  # fmt: skip
PAGED_WITH_TOTALS = (
    "users", "roles", "leads/custom_fields", "contacts/custom_fields", "companies/custom_fields",
    "catalogs/1057/custom_fields", "leads/custom_fields/groups",
)  # fmt: skip
UNPAGED = (
    "leads/pipelines", "leads/pipelines/12215168/statuses", "leads/loss_reasons", "sources",
    "events/types",
)  # fmt: skip
GROWING = (
    "users", "roles", "leads/tags", "leads/custom_fields", "contacts/custom_fields", "catalogs",
    "contacts", "companies", "tasks", "leads/notes", "leads/loss_reasons", "sources",
    "leads/pipelines", "leads/custom_fields/groups",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGED_WITHOUT_TOTALS)
def test_most_lists_have_pages_and_no_totals(kommo: Kommo, path: str) -> None:
    body = ask(kommo, path, limit=1).json()
    assert body.keys() == {"_page", "_links", "_embedded"}
    assert body["_links"].keys() == {"self", "next"}
    assert len(everything(kommo, path, limit=3)) == len(everything(kommo, path))
    assert ask(kommo, path, page=10_000).status_code == 204


@pytest.mark.parametrize("path", PAGED_WITH_TOTALS)
def test_users_and_fields_have_pages_and_totals(kommo: Kommo, path: str) -> None:
    body = ask(kommo, path, limit=1).json()
    total = len(everything(kommo, path))
    assert (body["_total_items"], body["_page"], body["_page_count"]) == (total, 1, total)
    assert body["_links"].keys() == {"self", "next", "first", "last"}
    assert f"page={total}&" in body["_links"]["last"]["href"]


@pytest.mark.parametrize("path", UNPAGED)
def test_some_lists_come_whole(kommo: Kommo, path: str) -> None:
    body = ask(kommo, path, limit=1, page=2).json()
    (rows,) = body["_embedded"].values()
    assert body["_total_items"] == len(rows) > 0
    assert "_page" not in body
    assert body["_links"].keys() == {"self"}


@pytest.mark.parametrize("path", GROWING)
def test_a_list_can_be_made_longer_than_a_page(kommo: Kommo, path: str) -> None:
    assert kommo.tables[path].grow(1000) == 1000
    rows = everything(kommo, path)
    hidden = sum(row.get("is_unsorted", False) for row in kommo.tables[path].rows.values())
    assert len(rows) == len({row["id"] for row in rows}) == 1000 - hidden


def test_a_list_without_rows_is_204(kommo: Kommo) -> None:
    kommo.sources.delete(list(kommo.sources.rows))
    assert ask(kommo, "sources").status_code == 204
    assert ask(kommo, "leads/tags", filter__name="nothing").status_code == 204


def test_won_and_lost_repeat_in_every_pipeline(kommo: Kommo) -> None:
    pipelines = page(kommo, "leads/pipelines")
    assert [pipeline["is_main"] for pipeline in pipelines] == [True, False, False]
    assert any(pipeline["is_archive"] for pipeline in pipelines)
    assert not all(pipeline["name"].isascii() for pipeline in pipelines)
    for pipeline in pipelines:
        stages = pipeline["_embedded"]["statuses"]
        assert [stage["id"] for stage in stages[-2:]] == [142, 143]
        assert [stage["type"] for stage in stages] == [1] + [0] * (len(stages) - 1)
        assert {stage["pipeline_id"] for stage in stages} == {pipeline["id"]}
        alone = page(kommo, f"leads/pipelines/{pipeline['id']}/statuses")
        assert [stage["id"] for stage in alone] == [stage["id"] for stage in stages]
    known = {(s["pipeline_id"], s["id"]) for p in pipelines for s in p["_embedded"]["statuses"]}
    used = {(lead["pipeline_id"], lead["status_id"]) for lead in kommo.leads.values()}
    assert used <= known


def test_pipelines_and_stages_change(kommo: Kommo) -> None:
    kommo.stages.edit([(12215168, 142)], name="Gewonnen")
    (new,) = kommo.stages.insert(pipeline_id=12480022, name="Fresh")
    kommo.pipelines.edit([12480022], is_archive=True)
    pipelines = {pipeline["id"]: pipeline for pipeline in page(kommo, "leads/pipelines")}
    stages = {s["id"]: s["name"] for s in pipelines[12215168]["_embedded"]["statuses"]}
    assert stages[142] == "Gewonnen"
    assert pipelines[12480022]["is_archive"] is True
    assert new[1] in {s["id"] for s in pipelines[12480022]["_embedded"]["statuses"]}
    described = page(kommo, "leads/pipelines/12215168/statuses", with_="descriptions")
    assert all(stage["descriptions"] == [] for stage in described)
    assert "descriptions" not in page(kommo, "leads/pipelines/12215168/statuses")[0]


def test_users_differ_as_kommos_do(kommo: Kommo) -> None:
    users = page(kommo, "users", with_="role,group,uuid,amojo_id,user_rank,phone_number")
    rights = [user["rights"] for user in users]
    assert {right["is_active"] for right in rights} == {True, False}
    assert {right["group_id"] for right in rights} == {None, 548770}
    assert None in [right["status_rights"] for right in rights]
    assert [] in [right["status_rights"] for right in rights]
    assert any(right["status_rights"] for right in rights)
    assert {type(right["companies"]) for right in rights} == {dict, list}
    assert users[1]["_embedded"]["groups"] == [{"id": 548770, "name": "Managers"}]
    assert users[1]["_embedded"]["roles"][0]["id"] == 3141
    assert "uuid" in users[0]
    plain = page(kommo, "users")[0]
    assert not {"uuid", "phone_number", "_embedded"} & plain.keys()
    known = {user["id"] for user in users} | {0}
    assert {lead["responsible_user_id"] for lead in kommo.leads.values()} <= known


def test_roles_say_whose_they_are_when_asked(kommo: Kommo) -> None:
    assert "_embedded" not in page(kommo, "roles")[0]
    assert [len(role["_embedded"]["users"]) for role in page(kommo, "roles", with_="users")] == [
        2, 1,
    ]  # fmt: skip


def test_users_and_roles_are_for_administrators(kommo: Kommo) -> None:
    kommo.options.admin = False
    for path in ("users", "roles", "users/11087123"):
        refused = ask(kommo, path)
        assert refused.status_code == 403
        assert refused.headers["Content-Type"] == "application/problem+json"
    assert ask(kommo, "leads").status_code == 200


def test_others_leads_can_be_left_out_silently(kommo: Kommo) -> None:
    kommo.options.own_leads_only = True
    rows = everything(kommo, "leads")
    assert {row["responsible_user_id"] for row in rows} == {11087123}
    assert len(rows) < len(kommo.leads)


def test_a_path_can_be_forbidden_with_all_that_is_under_it(kommo: Kommo) -> None:
    kommo.options.forbidden = ("leads/custom_fields", "tasks")
    for path in ("leads/custom_fields", "leads/custom_fields/groups", "tasks"):
        assert ask(kommo, path).json()["status"] == 403
    assert ask(kommo, "leads").status_code == 200


def test_loss_reasons_tags_and_sources_are_those_of_the_leads(kommo: Kommo) -> None:
    leads = kommo.rendered()
    reasons = {row["id"]: row["name"] for row in page(kommo, "leads/loss_reasons")}
    given = [reason for lead in leads for reason in lead["_embedded"]["loss_reason"]]
    assert given
    assert all(reasons[reason["id"]] == reason["name"] for reason in given)
    tags = {row["id"]: row for row in page(kommo, "leads/tags")}
    assert all(tags[tag["id"]] == tag for lead in leads for tag in lead["_embedded"]["tags"])
    some = next(iter(tags.values()))
    assert page(kommo, "leads/tags", filter__name=some["name"]) == [some]
    assert page(kommo, "leads/tags", filter__id__=some["id"]) == [some]
    assert some in page(kommo, "leads/tags", query=some["name"][:2].upper())


def test_only_the_integrations_own_sources_are_listed(kommo: Kommo) -> None:
    listed = {source["id"] for source in page(kommo, "sources")}
    used = {lead["source_id"] for lead in kommo.leads.values()} - {0, None}
    assert listed < used
    assert page(kommo, "sources", filter__external_id="kchat01")[0]["id"] in listed
    assert ask(kommo, "sources", filter__external_id="x").status_code == 204


def test_lists_have_the_elements_that_leads_point_to(kommo: Kommo) -> None:
    lists = {row["id"]: row["type"] for row in page(kommo, "catalogs")}
    assert lists == {1057: "products", 1001: "regular"}
    elements = {row["id"]: row for row in page(kommo, "catalogs/1057/elements")}
    linked = {
        e["id"] for lead in kommo.leads.values() for e in lead["_embedded"]["catalog_elements"]
    }
    assert linked <= elements.keys()
    assert {row["catalog_id"] for row in page(kommo, "catalogs/1001/elements")} == {1001}
    two = sorted(elements)[:2]
    for name in ("id__", "filter__id__"):
        assert [row["id"] for row in page(kommo, "catalogs/1057/elements", **{name: two})] == two
    assert ask(kommo, "catalogs/9/elements").status_code == 204
    (new,) = kommo.catalogs.insert(name="New")
    assert ask(kommo, f"catalogs/{new}/custom_fields").status_code == 204


def test_a_single_row_can_be_asked_for_and_a_missing_one_is_204_or_404(kommo: Kommo) -> None:
    contact = next(iter(kommo.contacts.rows))
    for path in ("users/11087123", "leads/loss_reasons/21403207", "leads/pipelines/12480022",
                 "leads/custom_fields/1928052", "catalogs/1057", f"contacts/{contact}",
                 "leads/custom_fields/groups/default"):  # fmt: skip
        assert str(ask(kommo, path).json()["id"]) == path.rpartition("/")[2]
    assert ask(kommo, "leads/pipelines/12480022/statuses/142").json()["pipeline_id"] == 12480022
    assert ask(kommo, "users/5").status_code == 204
    kommo.options.missing_lead = 404
    assert ask(kommo, "users/5").status_code == 404


def test_unknown_paths_filters_and_orders(kommo: Kommo) -> None:
    assert ask(kommo, "statuses").status_code == 404
    assert ask(kommo, "elements").status_code == 404
    assert ask(kommo, "catalogs/9/custom_fields").status_code == 404
    for path in ("leads/tags", "users", "contacts", "tasks", "leads/notes"):
        asked: dict[str, Any] = {"order__name": "desc", "filter__nonsense": 1}
        assert page(kommo, path, **asked) == page(kommo, path)


def test_ignored_filters_and_other_quirks_hold_for_every_list(kommo: Kommo) -> None:
    kommo.options.ignore_filters = True
    assert len(page(kommo, "leads/tags", filter__name="nothing")) == 7
    kommo.options.page_cap = 2
    assert len(page(kommo, "users")) == 2
    kommo.options.always_next = True
    assert "next" in ask(kommo, "roles").json()["_links"]
    kommo.options.foreign_next = "https://elsewhere.example.com"
    link = ask(kommo, "users").json()["_links"]["next"]["href"]
    assert link.startswith("https://elsewhere.example.com/kommo/api/v4/users?page=2")
    kommo.faults.plan(429, 503)
    assert [ask(kommo, path).status_code for path in ("users", "sources", "roles")] == [
        429, 503, 200,
    ]  # fmt: skip


def test_the_account_says_more_when_asked(kommo: Kommo) -> None:
    plain = ask(kommo, "account").json()
    assert "_embedded" not in plain
    full = ask(kommo, "account", with_="users_groups,task_types,datetime_settings,version").json()
    assert full["_embedded"].keys() == {"users_groups", "task_types", "datetime_settings"}
    assert full["version"]
    assert {task["task_type_id"] for task in page(kommo, "tasks")} <= {
        kind["id"] for kind in full["_embedded"]["task_types"]
    }


def test_links_of_leads_say_what_with_says(kommo: Kommo) -> None:
    lead = next(row for row in kommo.leads.values() if len(row["_embedded"]["contacts"]) == 2)
    links = page(kommo, f"leads/{lead['id']}/links")
    contacts = [link for link in links if link["to_entity_type"] == "contacts"]
    assert [link["to_entity_id"] for link in contacts] == lead["_embedded"]["contacts"]
    assert [link["metadata"]["main_contact"] for link in contacts] == [True, False]
    assert page(kommo, "leads/links", filter__entity_id__=lead["id"]) == links
