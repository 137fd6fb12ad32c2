"""The sandbox's Kommo has customers, if the account does, as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.client import NOON, ask, everything, page

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

PATHS = ("customers", "customers/statuses", "customers/segments", "customers/transactions")


@pytest.fixture(autouse=True)
def _has_customers(kommo: Kommo) -> None:
    kommo.options.customers_mode = "periodicity"


@pytest.mark.parametrize("mode", ["unavailable", "disabled"])
@pytest.mark.parametrize("path", [*PATHS, "customers/custom_fields"])
def test_an_account_without_customers_says_so_and_refuses_them(
    kommo: Kommo, path: str, mode: Any
) -> None:
    kommo.options.customers_mode = mode
    assert ask(kommo, "account").json()["customers_mode"] == mode
    assert ask(kommo, path).status_code == 402
    embedded = page(kommo, "contacts", with_="customers")[0]["_embedded"]
    assert "customers" not in embedded


def test_a_customer_has_the_keys_that_are_documented(kommo: Kommo) -> None:
    customer = page(kommo, "customers", with_="contacts,companies,catalog_elements")[0]
    assert customer.keys() == {
        "id", "name", "next_price", "next_date", "responsible_user_id", "status_id", "periodicity",
        "created_by", "updated_by", "created_at", "updated_at", "closest_task_at", "is_deleted",
        "ltv", "purchases_count", "average_check", "custom_fields_values", "account_id", "_links",
        "_embedded",
    }  # fmt: skip
    every = {"tags", "segments", "contacts", "companies", "catalog_elements"}
    assert customer["_embedded"].keys() == every
    assert page(kommo, "customers")[0]["_embedded"].keys() == {"tags", "segments"}


def test_contacts_link_to_the_customers_that_link_to_them(kommo: Kommo) -> None:
    kommo.options.hidden_contacts = False
    contacts = {row["id"]: row for row in everything(kommo, "contacts", with_="customers")}
    customers = everything(kommo, "customers", with_="contacts")
    for customer in customers:
        for link in customer["_embedded"]["contacts"]:
            theirs = contacts[link["id"]]["_embedded"]["customers"]
            assert customer["id"] in {each["id"] for each in theirs}


def test_customers_are_filtered_and_sorted_by_the_time_of_their_change_or_not(
    kommo: Kommo,
) -> None:
    table = kommo.tables["customers"]
    seen = [row["id"] for row in everything(kommo, "customers")]
    table.edit(seen[:3], at=NOON + 10)
    asked: dict[str, Any] = {"filter__updated_at__from": int(NOON), "order__updated_at": "asc"}
    assert sorted(row["id"] for row in everything(kommo, "customers", **asked)) == seen[:3]
    kommo.options.customers_filters = False
    assert [row["id"] for row in everything(kommo, "customers", **asked)] == seen


def test_purchases_belong_to_customers_and_can_only_be_filtered_by_id(kommo: Kommo) -> None:
    purchases = everything(kommo, "customers/transactions")
    customers = {row["id"]: row for row in everything(kommo, "customers")}
    assert {row["customer_id"] for row in purchases} <= set(customers)
    counted = sum(row["purchases_count"] for row in customers.values())
    assert len(purchases) == counted
    later = everything(kommo, "customers/transactions", filter__updated_at__from=int(NOON))
    assert len(later) == counted
    one = page(kommo, "customers/transactions", filter__id__=purchases[0]["id"])
    assert one == purchases[:1]


def test_statuses_come_whole_and_segments_count_their_customers(kommo: Kommo) -> None:
    assert len(page(kommo, "customers/statuses", limit=1)) == 3
    assert len(page(kommo, "customers/segments", limit=1)) == 1
    assert "customers_count" in page(kommo, "customers/segments")[0]


def test_a_change_of_a_customer_is_an_event(kommo: Kommo) -> None:
    (new,) = kommo.tables["customers"].insert(1, at=NOON)
    kommo.tables["customers"].edit([new], at=NOON, name="Renamed")
    events = everything(kommo, "events", filter__entity="customer")
    assert [(event["type"], event["entity_id"]) for event in events] == [
        ("name_field_changed", new),
        ("customer_added", new),
    ]
