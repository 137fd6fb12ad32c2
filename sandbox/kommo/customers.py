"""Customers, their statuses and segments, and their purchases ("transactions")."""
# ruff: noqa: PLR2004 - shares and sizes of generated data

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from typing_extensions import override

from sandbox.core.people import person
from sandbox.kommo.fields import CUSTOMER_FIELDS, Fields
from sandbox.kommo.leads import ACCOUNT_ID, FIRST_TAG, TAGS, USERS
from sandbox.kommo.people import PEOPLE_FILTERS, People
from sandbox.kommo.query import members, searching
from sandbox.kommo.resource import Resource
from sandbox.kommo.table import Context, Row, RowFactory, Table
from sandbox.kommo.values import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sandbox.core.store import Lead
    from sandbox.kommo.options import KommoOptions

FIRST_CUSTOMER = 1_299_000
_STATUSES = ((11_001, "Новый покупатель"), (11_003, "Buys again"), (11_005, "Verloren 🥲"))
_SEGMENTS = ((51, "VIP"), (53, "Оптовики"), (55, "Sleeping"))
_BEGAN = 1_712_141_714
CUSTOMER = Resource(
    key="customers",
    orders=("updated_at", "id"),
    filters=PEOPLE_FILTERS,
    search=searching,
    needs={"contacts": frozenset(), "companies": frozenset(), "catalog_elements": frozenset()},
)
STATUS = Resource(key="statuses", order="sort", paged=False)
SEGMENT = Resource(key="segments")
TRANSACTION = Resource(key="transactions", filters={"id": members})


class Customers(Table):
    """Customers with their custom fields and links."""

    fields: Fields

    @override
    def shown(self, row: Row, with_: frozenset[str], base: str) -> Row:
        current = self.fields.current(row["custom_fields_values"], row["id"])
        return super().shown({**row, "custom_fields_values": current}, with_, base)

    @override
    def embedded(self, row: Row, with_: frozenset[str], base: str) -> Row:
        links = row["_embedded"]
        found: Row = {"tags": links["tags"], "segments": [{"id": n} for n in links["segments"]]}
        for path in ("contacts", "companies"):
            if path in with_:
                found[path] = [
                    {"id": n, "_links": {"self": {"href": f"{base}/api/v4/{path}/{n}"}}}
                    for n in links[path]
                ]
        if "catalog_elements" in with_:
            found["catalog_elements"] = links["catalog_elements"]
        return found

    @override
    def happening(self, row: Row) -> Row:
        count = row["purchases_count"] + 1
        return {"purchases_count": count, "ltv": row["ltv"] + row["average_check"]}


class Transactions(Table):
    """Purchases; an edit without values changes the comment."""

    @override
    def embedded(self, row: Row, with_: frozenset[str], base: str) -> Row:
        return {"catalog_elements": row["_embedded"]["catalog_elements"]}

    @override
    def happening(self, row: Row) -> Row:
        return {"comment": f"{row['comment'] or ''} ✏️"}


def tables(
    context: Context,
    fields: Mapping[str, Table],
    people: Mapping[str, Table],
    leads: Callable[[], Mapping[int, Lead]],
    options: KommoOptions,
) -> dict[str, Table]:
    """Return the tables by path; contacts and companies then link to their customers."""
    factory = RowFactory(
        make=partial(_new_customer, context.seed),
        fill=lambda: _customers(context.seed, leads().values()),
        first_id=1_900_001,
    )
    customers = Customers(context, CUSTOMER, "customers", factory)
    own = fields["customers/custom_fields"]
    assert isinstance(own, Fields)  # noqa: S101 - so that the types are known
    customers.fields = own

    def known() -> Mapping[int, Row] | None:
        return customers.store.rows if options.has_customers else None

    for table in people.values():
        assert isinstance(table, People)  # noqa: S101 - so that the types are known
        table.customers = known
    statuses = RowFactory(make=_status, fill=_statuses, first_id=12_001)
    segments = RowFactory(make=_segment, fill=_segments, first_id=101)
    transactions = RowFactory(
        make=_transaction,
        fill=lambda: _transactions(customers.store.rows.values()),
        first_id=90_000_001,
    )
    return {
        "customers": customers,
        "customers/statuses": Table(context, STATUS, "customers/statuses", statuses),
        "customers/segments": Table(context, SEGMENT, "customers/segments", segments),
        "customers/transactions": Transactions(
            context, TRANSACTION, "customers/transactions", transactions
        ),
    }


def _customer(seed: int, row_id: int, times: tuple[int, int]) -> Row:
    rng = random.Random(f"{seed} customer {row_id}")
    who, (created, updated) = person(seed, row_id), times
    customs = [
        {
            "field_id": field_id,
            "field_name": name,
            "field_code": code,
            "field_type": kind,
            "values": values_of(rng, who, kind, created),
        }
        for field_id, name, kind, code in CUSTOMER_FIELDS
        if rng.random() < 0.6
    ]
    count, check = rng.randrange(6), rng.choice((40, 99.5, 1250))
    return {
        "id": row_id,
        "name": who.name,
        "next_price": rng.choice((None, 0, 120)),
        "next_date": created + 90 * 86_400 if row_id % 8 else None,
        "responsible_user_id": rng.choice(USERS[:4]),
        "status_id": _STATUSES[row_id % 3][0],
        "periodicity": rng.choice((0, 30, 90)),
        "created_by": rng.choice(USERS),
        "updated_by": rng.choice(USERS),
        "created_at": created,
        "updated_at": updated,
        "closest_task_at": 0 if row_id % 9 == 4 else None,
        "is_deleted": False,
        "ltv": round(count * check, 2),
        "purchases_count": count,
        "average_check": check,
        "custom_fields_values": customs or None,
        "account_id": ACCOUNT_ID,
    }


def _customers(seed: int, leads: Iterable[Lead]) -> Iterator[Row]:
    """Return a customer for each fourth lead that has contacts, linked to these."""
    tag = {"id": FIRST_TAG, "name": TAGS[0], "color": None}
    for place, lead in enumerate(leads):
        links = lead["_embedded"]
        if place % 4 == 0 and links["contacts"]:
            row_id = FIRST_CUSTOMER + place
            element = {"id": 525439 + place % 8, "metadata": {"quantity": 1, "catalog_id": 1057}}
            yield _customer(seed, row_id, (lead["created_at"], lead["updated_at"])) | {
                "_embedded": {
                    "tags": [tag] if place % 3 else [],
                    "segments": [_SEGMENTS[place % 3][0]] if place % 5 else [],
                    "contacts": links["contacts"],
                    "companies": links["companies"],
                    "catalog_elements": [element] if place % 8 else [],
                }
            }


def _new_customer(seed: int, _number: int, row_id: int, at: int) -> Row:
    names = ("tags", "segments", "contacts", "companies", "catalog_elements")
    return _customer(seed, row_id, (at, at)) | {"_embedded": {name: [] for name in names}}


def _status(number: int, row_id: int, _at: int) -> Row:
    return {
        "id": row_id,
        "name": f"Status {number}",
        "sort": 10 + number * 10,
        "is_default": False,
        "conditions": [],
        "color": "#fffeb2",
        "type": 0,
        "account_id": ACCOUNT_ID,
    }


def _statuses() -> Iterator[Row]:
    for number, (row_id, name) in enumerate(_STATUSES):
        yield {**_status(number, row_id, 0), "name": name, "is_default": number == 0}


def _segment(number: int, row_id: int, at: int) -> Row:
    return {
        "id": row_id,
        "name": f"Segment {number}",
        "color": "#10599d",
        "created_at": at,
        "updated_at": at,
        "customers_count": number,
        "available_products_price_types": [],
        "custom_fields_values": None,
        "account_id": ACCOUNT_ID,
    }


def _segments() -> Iterator[Row]:
    for number, (row_id, name) in enumerate(_SEGMENTS):
        prices = [139685] if number == 0 else []
        row = _segment(number, row_id, _BEGAN)
        yield {**row, "name": name, "available_products_price_types": prices}


def _transaction(number: int, row_id: int, at: int) -> Row:
    return {
        "id": row_id,
        "price": 40 + number,
        "comment": None if number % 3 else "Оплата картой 💳",
        "completed_at": at,
        "customer_id": FIRST_CUSTOMER,
        "created_by": USERS[number % len(USERS)],
        "updated_by": USERS[0],
        "created_at": at,
        "updated_at": at,
        "is_deleted": False,
        "account_id": ACCOUNT_ID,
        "_embedded": {"catalog_elements": []},
    }


def _transactions(customers: Iterable[Row]) -> Iterator[Row]:
    """Return the purchases that customers have made so far."""
    for customer in customers:
        for number in range(customer["purchases_count"]):
            row_id = customer["id"] * 10 + number
            row = _transaction(number, row_id, customer["created_at"] + number)
            bought = customer["_embedded"]["catalog_elements"]
            price = {"customer_id": customer["id"], "price": customer["average_check"]}
            yield row | price | {"_embedded": {"catalog_elements": bought}}
