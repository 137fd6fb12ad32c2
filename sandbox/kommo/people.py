"""The contacts and companies of Kommo's leads."""
# ruff: noqa: PLR2004 - shares and sizes of generated data

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sandbox.core.people import Person, person
from sandbox.core.store import pick
from sandbox.kommo.fields import COMPANY_FIELDS, CONTACT_FIELDS, Fields
from sandbox.kommo.leads import ACCOUNT_ID, FIRST_COMPANY, FIRST_CONTACT, FIRST_TAG, TAGS, USERS
from sandbox.kommo.query import LEAD_FILTERS, searching
from sandbox.kommo.reference import INCOMING
from sandbox.kommo.resource import Resource
from sandbox.kommo.table import Context, Row, RowFactory, Table
from sandbox.kommo.values import MOBILE, WORK_EMAIL, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sandbox.core.store import Lead

_SECOND = 5_000_000
"""Offset between the person numbers of a lead's first and second contact."""
PEOPLE_FILTERS = {
    name: LEAD_FILTERS[name]
    for name in ("id", "name", "created_by", "updated_by", "responsible_user_id", "created_at",
                 "updated_at", "closest_task_at")
}  # fmt: skip
CONTACT = Resource(
    key="contacts",
    orders=("updated_at", "id"),
    filters=PEOPLE_FILTERS,
    search=searching,
    recycles=True,
    needs=dict.fromkeys(("leads", "catalog_elements", "customers"), frozenset()),
)
COMPANY = Resource(
    key="companies",
    orders=("updated_at", "id"),
    filters=PEOPLE_FILTERS,
    search=searching,
    recycles=True,
    needs=dict.fromkeys(("contacts", "leads", "catalog_elements", "customers"), frozenset()),
)


class People(Table):
    """Contacts or companies, with their custom fields and links."""

    fields: Fields
    leads: Callable[[], Mapping[int, Lead]]
    customers: Callable[[], Mapping[int, Row] | None]
    merge_deletes: Callable[[], bool]
    """Returns True if a merged row also gets an event of its deletion."""
    merged: dict[int, int]
    """The row that each merged row became part of."""
    purged: set[int]
    """The rows that were deleted from the recycle bin."""

    def restore(self, which: int | Iterable[Any]) -> list[Any]:
        """Restore rows from the recycle bin; return their IDs."""
        with self.lock:
            ids = pick(self.bin.rows, which, self.rng)
            for row_id in ids:
                gone = self.bin.remove(row_id, self._visible_at())
                row = {**gone, "is_deleted": False, "updated_at": int(self.clock.now())}
                self.store.put(row_id, row, self._visible_at())
                self._context.on_change(self.path, "restored", row["updated_at"], gone, row)
            return ids

    def purge(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete rows from the recycle bin; return their IDs."""
        with self.lock:
            ids = pick(self.bin.rows, which, self.rng)
            for row_id in ids:
                self.bin.remove(row_id, self._visible_at())
            self.purged.update(ids)
            return ids

    def merge(self, ids: Iterable[int], into: int, *, at: float | None = None) -> None:
        """Merge rows into another row. They are in no list afterwards."""
        with self.lock:
            moment = self._moment(at)
            old = self.store.rows[into]
            gone = [self.store.remove(row_id, self._visible_at()) for row_id in ids]
            self.merged |= {row["id"]: into for row in gone}
            row = {**old, "updated_at": int(moment)}
            self.store.put(into, row, self._visible_at())
            for each in gone if self.merge_deletes() else ():
                self._context.on_change(self.path, "deleted", moment, each, None)
            merged = tuple(each["id"] for each in gone)
            self._context.on_change(self.path, "merged", moment, old, row, merged)

    @override
    def shown(self, row: Row, with_: frozenset[str], base: str) -> Row:
        current = self.fields.current(row["custom_fields_values"], row["id"])
        return super().shown({**row, "custom_fields_values": current}, with_, base)

    @override
    def embedded(self, row: Row, with_: frozenset[str], base: str) -> Row:
        links = row["_embedded"]
        found: Row = {"tags": links["tags"]}
        if "companies" in links:
            found["companies"] = _linked(links["companies"], "companies", base)
        if "contacts" in links and "contacts" in with_:
            found["contacts"] = _linked(links["contacts"], "contacts", base)
        if "leads" in with_:
            alive = self.leads()
            found["leads"] = _linked([n for n in links["leads"] if n in alive], "leads", base)
        if "catalog_elements" in with_:
            found["catalog_elements"] = []
        customers = self.customers() if "customers" in with_ else None
        if customers is not None:
            own = [n for n, each in customers.items() if row["id"] in each["_embedded"][self.path]]
            found["customers"] = _linked(own, "customers", base)
        return found

    @override
    def happening(self, row: Row) -> Row:
        who = person(self.rng.randrange(1000), row["id"] % 1_000_000)
        chance = self.rng.random()
        if chance < 0.4:
            return {"responsible_user_id": self.rng.choice(USERS[:4])}
        if chance < 0.7:
            kept = [c for c in row["custom_fields_values"] or () if c["field_code"] != "PHONE"]
            return {"custom_fields_values": [_phone(who, 1), *kept]}
        return {"name": row["name"] + " ✏️"}


def tables(
    context: Context,
    fields: Mapping[str, Table],
    leads: Callable[[], Mapping[int, Lead]],
    merge_deletes: Callable[[], bool],
) -> dict[str, People]:
    """Return the tables by path."""
    found: dict[str, People] = {}
    for path, resource, make, of in (
        ("contacts", CONTACT, _new_contact, contacts_of),
        ("companies", COMPANY, _new_company, companies_of),
    ):
        factory = RowFactory(
            make=partial(make, context.seed), fill=partial(_filled, of, context.seed, leads)
        )
        table = People(context, resource, path, factory)
        own = fields[f"{path}/custom_fields"]
        assert isinstance(own, Fields)  # noqa: S101 - so that the types are known
        table.fields, table.leads, table.merge_deletes = own, leads, merge_deletes
        table.merged, table.purged = {}, set()
        found[path] = table
    return found


def _filled(
    of: Callable[[int, Lead], Iterator[Row]], seed: int, leads: Callable[[], Mapping[int, Lead]]
) -> Iterator[Row]:
    """Return each row once, linked to all its leads."""
    found: dict[int, Row] = {}
    for lead in leads().values():
        for row in of(seed, lead):
            first = found.setdefault(row["id"], row)
            if first is not row:
                first["_embedded"]["leads"] += row["_embedded"]["leads"]
    yield from found.values()


def contacts_of(seed: int, lead: Lead) -> Iterator[Row]:
    """Return the contacts of a lead."""
    for contact_id in lead["_embedded"]["contacts"]:
        number, second = divmod(contact_id - FIRST_CONTACT, 2)
        who = person(seed, number + _SECOND * second)
        times = lead["created_at"], lead["updated_at"]
        yield _contact(seed, who, contact_id, times) | {
            "is_unsorted": lead["status_id"] in INCOMING,
            "responsible_user_id": lead["responsible_user_id"],
            "_embedded": {
                "tags": _tags(contact_id),
                "companies": lead["_embedded"]["companies"],
                "leads": [lead["id"]],
            },
        }


def companies_of(seed: int, lead: Lead) -> Iterator[Row]:
    """Return the company of a lead, if it has one."""
    for company_id in lead["_embedded"]["companies"]:
        who = person(seed, company_id - FIRST_COMPANY)
        times = lead["created_at"], lead["updated_at"]
        yield _company(seed, who, company_id, times) | {
            "_embedded": {
                "tags": _tags(company_id),
                "contacts": lead["_embedded"]["contacts"],
                "leads": [lead["id"]],
            }
        }


def _new_contact(seed: int, number: int, row_id: int, at: int) -> Row:
    embedded: Row = {"tags": [], "companies": [], "leads": []}
    who = person(seed, 8_000_000 + number)
    return {**_contact(seed, who, row_id, (at, at)), "_embedded": embedded}


def _new_company(seed: int, number: int, row_id: int, at: int) -> Row:
    embedded: Row = {"tags": [], "contacts": [], "leads": []}
    who = person(seed, 8_000_000 + number)
    return {**_company(seed, who, row_id, (at, at)), "_embedded": embedded}


def _tags(row_id: int) -> list[Row]:
    if row_id % 3:
        return []
    number = row_id % len(TAGS)
    return [{"id": FIRST_TAG + number, "name": TAGS[number], "color": None}]


def _linked(ids: Iterable[int], path: str, base: str) -> list[Row]:
    root = f"{base}/api/v4/{path}"
    return [{"id": n, "_links": {"self": {"href": f"{root}/{n}"}}} for n in ids]


def _common(rng: random.Random, row_id: int, name: str, times: tuple[int, int]) -> Row:
    created, updated = times
    return {
        "id": row_id,
        "name": name,
        "responsible_user_id": rng.choice(USERS[:4]),
        "group_id": 0,
        "created_by": rng.choice(USERS),
        "updated_by": rng.choice(USERS),
        "created_at": created,
        "updated_at": created + int((updated - created) * rng.random()),
        "closest_task_at": 0 if row_id % 9 == 4 else None,
        "is_deleted": False,
    }


def _contact(seed: int, who: Person, row_id: int, times: tuple[int, int]) -> Row:
    rng = random.Random(f"{seed} contact {row_id}")
    first, _, last = who.name.partition(" ")
    if rng.random() < 0.1:
        first, last = f"{who.name} 🙂", ""
    row = _common(rng, row_id, f"{first} {last}".strip(), times)
    created = times[0]
    customs = [_phone(who, rng.choice((1, 1, 2))), _email(who)]
    for field_id, name, kind, code in CONTACT_FIELDS[2:]:
        if rng.random() < 0.4:
            customs.append(_entry(field_id, name, kind, code, values_of(rng, who, kind, created)))
    return row | {
        "first_name": first,
        "last_name": last,
        "is_unsorted": False,
        "custom_fields_values": None if rng.random() < 0.05 else customs,
        "account_id": ACCOUNT_ID,
    }


def _company(seed: int, who: Person, row_id: int, times: tuple[int, int]) -> Row:
    rng = random.Random(f"{seed} company {row_id}")
    row = _common(rng, row_id, who.company, times)
    customs: list[Row] = [_phone(who, 1)] if rng.random() < 0.5 else []
    for field_id, name, kind, code in COMPANY_FIELDS[2:]:
        if rng.random() < 0.5:
            nothing: list[Row] | None = [] if row_id % 2 else None
            values = nothing if row_id % 17 == 3 else values_of(rng, who, kind, times[0])
            customs.append(_entry(field_id, name, kind, code, values))
    return row | {"custom_fields_values": customs, "account_id": ACCOUNT_ID}


def _entry(field_id: int, name: str, kind: str, code: str | None, values: list[Row] | None) -> Row:
    return {
        "field_id": field_id,
        "field_name": name,
        "field_code": code,
        "field_type": kind,
        "values": values,
    }


def _phone(who: Person, count: int) -> Row:
    values = [
        {"value": who.phone[: len(who.phone) - n] + "7" * n, "enum_id": MOBILE, "enum_code": "MOB"}
        for n in range(count)
    ]
    field_id, name, kind, code = CONTACT_FIELDS[0]
    return _entry(field_id, name, kind, code, values)


def _email(who: Person) -> Row:
    field_id, name, kind, code = CONTACT_FIELDS[1]
    value = {"value": who.email, "enum_id": WORK_EMAIL, "enum_code": "WORK"}
    return _entry(field_id, name, kind, code, [value])
