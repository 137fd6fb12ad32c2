"""Generates the values of Kommo's custom fields, by the field's type."""
# ruff: noqa: PLR2004, SIM905 - shares and sizes of generated data; word lists are easier to read as text

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from sandbox.core.people import Person


CHOICES = ("Diagnostic", "Surgery", "VIP", "Basic")
CHANNELS = ("E-mail", "Phone", "Chat")
ADDRESS = ("address_line_1", "address_line_2", "city", "state", "zip", "country")
FIRST_CHOICE, FIRST_CHANNEL = 1669868, 1670010
MOBILE, WORK, WORK_EMAIL = 1037745, 1037741, 1037755
PHONES = ("WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER")
KINDS = (
    "text numeric checkbox select multiselect multitext date url textarea radiobutton "
    "streetaddress smart_address birthday legal_entity date_time items category price "
    "tracking_data linked_entity org_legal_name monetary chained_list file payer supplier"
).split()
"""Every known type of custom field."""


def enums_of(kind: str, code: str | None = None) -> list[tuple[int, str]] | None:
    """Return the options of a generated field of that type: IDs and labels."""
    match kind:
        case "select" | "radiobutton" | "category":
            return list(enumerate(CHOICES, FIRST_CHOICE))
        case "multiselect":
            return list(enumerate(CHANNELS, FIRST_CHANNEL))
        case "smart_address":
            return list(enumerate(ADDRESS, 1))
        case "multitext" if code == "EMAIL":
            return [(WORK_EMAIL, "WORK"), (WORK_EMAIL + 2, "PRIV"), (WORK_EMAIL + 4, "OTHER")]
        case "multitext":
            return [(WORK + place * 2, name) for place, name in enumerate(PHONES)]
        case _:
            return None


def _enum(value: str, enum_id: int, code: str | None = None) -> dict[str, Any]:
    return {"value": value, "enum_id": enum_id, "enum_code": code}


def values_of(rng: random.Random, who: Person, kind: str, at: int) -> list[dict[str, Any]]:  # noqa: C901, PLR0912 - one case per type
    """Return generated `values` of a custom field of that type."""
    value: object
    match kind:
        case "numeric":
            value = rng.choice(("1", "25", "1.5", "120"))
        case "price" | "monetary":
            value = rng.choice(("250", "1499.90", 320))
        case "checkbox":
            value = rng.random() < 0.5
        case "select" | "radiobutton" | "category":
            choice = rng.randrange(4)
            return [_enum(CHOICES[choice], FIRST_CHOICE + choice)]
        case "multiselect":
            return [_enum(CHANNELS[n], FIRST_CHANNEL + n) for n in sorted(rng.sample(range(3), 2))]
        case "multitext":
            return [_enum(who.phone, MOBILE, "MOB"), _enum(who.phone[:-1] + "9", WORK, "WORK")]
        case "smart_address":
            words = ("1 Example Street", "", who.city, who.region, "00001", who.country)
            return [
                _enum(word, n, part)
                for n, (part, word) in enumerate(zip(ADDRESS, words, strict=True), 1)
                if word
            ]
        case "date" | "date_time":
            value = at - at % 86_400 if kind == "date" else at
            if rng.random() < 0.1:
                value = "2020-01-01" if kind == "date" else "2020-01-01T09:30:00+00:00"
        case "birthday":
            value = rng.choice((-126_230_400, 315_532_800, 631_152_000))
        case "legal_entity" | "payer" | "supplier":
            value = {
                "name": who.company,
                "entity_type": 2,
                "vat_id": "00000000",
                "address": who.city,
            }
            if kind != "legal_entity":
                value |= {"entity_id": 29610174, "type": "companies", "email": who.email}
        case "linked_entity":
            value = {"name": who.name, "entity_id": 406322, "entity_type": "contacts",
                     "catalog_id": None}  # fmt: skip
        case "chained_list":
            return [
                {"catalog_id": 1001, "catalog_element_id": 12235 + n}
                for n in range(rng.randrange(1, 4))
            ]
        case "file":
            value = {
                "file_uuid": f"{rng.getrandbits(64):016x}",
                "version_uuid": f"{rng.getrandbits(64):016x}",
                "file_name": "offer.pdf",
                "file_size": rng.randrange(10_000, 900_000),
            }
        case "items":
            value = {
                "sku": f"SKU-{rng.randrange(1000)}",
                "description": "Seat, monthly",
                "unit_price": 49.9,
                "quantity": 3,
                "unit_type": "pcs",
                "discount": {"type": "percentage", "value": 10},
                "total_sum": 134.73,
            }
        case "url":
            value = who.website + who.path
        case "tracking_data":
            value = who.utm_source or "direct"
        case "streetaddress":
            value = f"1 Example Street, {who.city}"
        case _:
            value = rng.choice((who.company, f"Asked about {who.path}", "Call back on Monday"))
    return [{"value": value}]
