"""The sandbox's list of Kommo's leads follows the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.client import NOON, ask, ids_of, rows_of

if TYPE_CHECKING:
    from sandbox import Sandbox

EVERYTHING = "contacts,loss_reason,is_price_modified_by_robot,catalog_elements,source_id,source"


def unlinked(lead: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in lead.items() if name != "_links"}


def test_a_page_has_fifty_leads_by_default_and_never_more_than_250(box: Sandbox) -> None:
    assert len(rows_of(ask(box.kommo))) == 50
    assert len(rows_of(ask(box.kommo, limit=1000))) == 250


def test_the_envelope_is_hal_without_totals(box: Sandbox) -> None:
    response = ask(box.kommo, page=2, limit=100)
    assert response.headers["Content-Type"] == "application/hal+json"
    assert response.headers["X-Request-Id"]
    body = response.json()
    assert body.keys() == {"_page", "_links", "_embedded"}
    assert body["_page"] == 2
    assert body["_links"].keys() == {"self", "next", "prev"}


def test_next_repeats_the_whole_query_percent_encoded_and_leads_to_the_end(box: Sandbox) -> None:
    response = ask(box.kommo, limit=120, order__updated_at="asc", filter__updated_at__from=1)
    seen = ids_of(response)
    while "next" in response.json()["_links"]:
        href = response.json()["_links"]["next"]["href"]
        assert "filter%5Bupdated_at%5D%5Bfrom%5D=1" in href
        response = ask(box.kommo, href)
        seen += ids_of(response)
    assert sorted(seen) == sorted(box.kommo.leads)


def test_nothing_is_204_without_a_body(box: Sandbox) -> None:
    for response in (ask(box.kommo, page=99), ask(box.kommo, filter__updated_at__from=2**40)):
        assert response.status_code == 204
        assert response.content == b""


def test_bounds_are_inclusive_or_exclusive(box: Sandbox) -> None:
    box.kommo.edit(30, at=NOON + 10)
    bounds = {"filter__updated_at__from": int(NOON) + 10, "filter__updated_at__to": int(NOON) + 10}
    assert len(ids_of(ask(box.kommo, limit=250, **bounds))) == 30
    box.kommo.options.strict_bounds = "exclusive"
    assert ask(box.kommo, limit=250, **bounds).status_code == 204


def test_only_the_first_order_counts(box: Sandbox) -> None:
    asked = ask(box.kommo, limit=250, order__updated_at="desc", order__id="asc")
    times = [lead["updated_at"] for lead in rows_of(asked)]
    assert times == sorted(times, reverse=True)


def test_leads_of_one_second_come_in_another_order_at_each_call(box: Sandbox) -> None:
    same = box.kommo.edit(100, at=NOON + 5)
    one, two = (
        ids_of(
            ask(box.kommo, limit=250, order__updated_at="asc", filter__updated_at__from=int(NOON))
        )
        for _ in range(2)
    )
    assert sorted(one) == sorted(two) == sorted(same)
    assert one != two
    box.kommo.options.ties = "stable"
    one, two = (ids_of(ask(box.kommo, order__updated_at="desc")) for _ in range(2))
    assert one == two


def test_each_filter_narrows_the_list(box: Sandbox) -> None:
    rows = box.kommo.leads
    some = next(iter(rows.values()))

    def found(**params: object) -> set[int]:
        return set(ids_of(ask(box.kommo, limit=250, **params)))

    def where(**values: object) -> set[int]:
        return {i for i, row in rows.items() if values.items() <= row.items()}

    for name in ("id", "pipeline_id", "created_by", "updated_by", "responsible_user_id"):
        expected = where(**{name: some[name]})
        assert found(**{f"filter__{name}__": some[name]}) == expected
        assert found(**{f"filter__{name}__0": some[name]}) == expected
    assert found(filter__name__=some["name"]) == where(name=some["name"])
    assert found(filter__price=some["price"]) == where(price=some["price"])
    assert found(filter__price__from=10_000, filter__price__to=20_000) == {
        i for i, row in rows.items() if 10_000 <= row["price"] <= 20_000
    }
    stage = {"pipeline_id": some["pipeline_id"], "status_id": some["status_id"]}
    asked = {f"filter__statuses__0__{name}": value for name, value in stage.items()}
    assert found(**asked) == where(**stage)
    assert found(filter__closed_at__from=1) == {i for i, row in rows.items() if row["closed_at"]}
    assert some["id"] in found(query=some["name"][:12].upper())


def test_only_one_stage_is_filtered_for_unless_the_account_takes_more(box: Sandbox) -> None:
    two = {
        "filter__statuses__0__pipeline_id": 12215168,
        "filter__statuses__0__status_id": 142,
        "filter__statuses__1__pipeline_id": 12215168,
        "filter__statuses__1__status_id": 143,
    }
    assert {lead["status_id"] for lead in rows_of(ask(box.kommo, limit=250, **two))} == {142}
    box.kommo.options.statuses_filter = "all"
    assert {lead["status_id"] for lead in rows_of(ask(box.kommo, limit=250, **two))} == {142, 143}


def test_what_is_unknown_is_ignored_silently(box: Sandbox) -> None:
    everything = ids_of(ask(box.kommo, limit=250))
    for odd in (
        {"colour": "red"},
        {"filter__nonsense__from": 5},
        {"filter__pipeline_id": 1},
        {"filter__custom_fields_values__1928052__": "x"},
        {"order__price": "desc"},
        {"with": "nonsense"},
    ):
        assert ids_of(ask(box.kommo, limit=250, **odd)) == everything


def test_a_bare_time_matches_nothing(box: Sandbox) -> None:
    moment = next(iter(box.kommo.leads.values()))["updated_at"]
    assert ask(box.kommo, filter__updated_at=moment).status_code == 204


def test_a_bad_parameter_is_refused_with_validation_errors(box: Sandbox) -> None:
    for bad in ({"page": "x"}, {"page": 0}, {"limit": 0}, {"filter__updated_at__from": "1.5"}):
        response = ask(box.kommo, **bad)
        assert response.status_code == 400
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["validation-errors"][0]["errors"][0]["path"]


def test_fields_of_with_come_only_when_asked_for(box: Sandbox) -> None:
    plain, full = rows_of(ask(box.kommo))[0], rows_of(ask(box.kommo, with_=EVERYTHING))[0]
    assert full.keys() - plain.keys() == {"source_id", "is_price_modified_by_robot"}
    assert plain["_embedded"].keys() == {"tags", "companies"}
    assert full["_embedded"].keys() == {
        "tags", "companies", "contacts", "loss_reason", "catalog_elements", "source",
    }  # fmt: skip
    wanted = {lead["id"]: unlinked(lead) for lead in box.kommo.rendered()}
    for lead in rows_of(ask(box.kommo, limit=250, with_=EVERYTHING)):
        assert unlinked(lead) == wanted[lead["id"]]


def test_the_leads_have_every_awkward_value(box: Sandbox) -> None:
    rows = box.kommo.rendered()
    customs = [row["custom_fields_values"] for row in rows]
    assert None in customs
    assert [] in customs
    values = [(c["field_type"], v) for row in customs for c in row or () for v in c["values"]]
    kinds = {kind for kind, _ in values}
    assert {"chained_list", "numeric", "multitext", "legal_entity", "ai_summary"} <= kinds
    assert all("value" not in value for kind, value in values if kind == "chained_list")
    assert all(isinstance(v["value"], str) for kind, v in values if kind == "numeric")
    assert any(row["price"] != row["price_with_minor_units"] for row in rows)
    assert {0, None} <= {row["loss_reason_id"] for row in rows}
    assert {0, None} <= {row["closed_at"] for row in rows}
    names = "".join(row["name"] for row in rows)
    assert "\x00" in names
    assert "<b>" in names
    assert "\N{ROCKET}" in names


def test_only_deleted_lists_the_recycle_bin_with_nearly_every_field_null(box: Sandbox) -> None:
    gone = box.kommo.delete(3)
    assert not set(gone) & set(ids_of(ask(box.kommo, limit=250)))
    rows = rows_of(ask(box.kommo, with_="only_deleted,contacts"))
    assert sorted(row["id"] for row in rows) == sorted(gone)
    for row in rows:
        filled = {name for name, value in row.items() if value is not None}
        assert filled == {"id", "updated_at", "updated_by", "account_id", "is_deleted", "_links"}
    assert box.kommo.restore(gone[:1]) == gone[:1]
    assert gone[0] in box.kommo.leads
    box.kommo.purge(gone[1:])
    assert ask(box.kommo, with_="only_deleted").status_code == 204


def test_one_lead_and_the_account_can_be_asked_for(box: Sandbox) -> None:
    lead_id = next(iter(box.kommo.leads))
    assert ask(box.kommo, f"leads/{lead_id}").json()["id"] == lead_id
    assert ask(box.kommo, "leads/1").status_code == 204
    box.kommo.options.missing_lead = 404
    assert ask(box.kommo, "leads/1").status_code == 404
    account = ask(box.kommo, "account", with_="is_api_filter_enabled").json()
    assert account["is_api_filter_enabled"] is True
