"""Kommo's leads: how they are made up, change, and look on the wire.

The shape is that of https://developers.kommo.com/reference/leads-list.
"""
# ruff: noqa: PLR2004 - shares and sizes of made-up data

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from sandbox.people import Arrival, Person
    from sandbox.store import Lead

ACCOUNT_ID = 35379952
USERS = (11087123, 11087127, 11102345, 11230871, 0)
PIPELINES = {12215168: (94386183, 94386187, 94386191, 94386195), 12480022: (95100411, 95100415)}
WON, LOST = 142, 143
WITH = ("contacts", "loss_reason", "is_price_modified_by_robot", "catalog_elements", "source_id",
        "source")  # fmt: skip
_REASONS = ("Insufficient budget", "No answer", "Chose a competitor", "Not a fit", "Duplicate")
_TAGS = ("hot", "vip", "returning", "webinar", "partner", "needs call", "Ex")
_SOURCES = ((17619939, "chat"), (17619941, "Website form"), (17620022, "Instagram"))
_FIELDS: tuple[tuple[str, str, str | None], ...] = (
    ("Product interest", "text", None),
    ("Seats", "numeric", None),
    ("Consent", "checkbox", None),
    ("Specialty", "select", None),
    ("Channels", "multiselect", None),
    ("Phone", "multitext", "PHONE"),
    ("Contract date", "date", None),
    ("Landing page", "url", None),
    ("Notes", "textarea", None),
    ("Plan", "radiobutton", None),
    ("Street", "streetaddress", None),
    ("Address", "smart_address", None),
    ("Birthday", "birthday", None),
    ("Company details", "legal_entity", None),
    ("Demo at", "date_time", None),
    ("Items", "items", None),
    ("Group", "category", None),
    ("List price", "price", None),
    ("utm_source", "tracking_data", "UTM_SOURCE"),
    ("Referred by", "linked_entity", None),
    ("Legal name", "org_legal_name", None),
    ("Budget", "monetary", None),
    ("Products", "chained_list", None),
    ("Offer", "file", None),
    ("Payer", "payer", None),
    ("Supplier", "supplier", None),
    ("Summary", "ai_summary", None),
)
_FIRST_FIELD = 1928052


def new_lead(rng: random.Random, arrival: Arrival, lead_id: int) -> Lead:
    """A lead as it is stored: the API's fields, those of `with` and `_embedded` in full."""
    number, who, created, updated = arrival
    pipeline = rng.choice(tuple(PIPELINES))
    status = rng.choice((*PIPELINES[pipeline], WON, LOST))
    closed = status in {WON, LOST}
    reason = rng.randrange(len(_REASONS)) if status == LOST and rng.random() < 0.8 else None
    price, minor = _price(rng)
    source = rng.choice(_SOURCES) if rng.random() < 0.6 else None
    none = 0 if number % 9 == 4 else None
    task = int(updated + rng.uniform(0, 20) * 86_400) if rng.random() < 0.3 else none
    return {
        "id": lead_id,
        "name": _name(rng, who, number),
        "price": price,
        "price_with_minor_units": minor,
        "responsible_user_id": rng.choice(USERS[:4]),
        "group_id": rng.choice((0, 0, 0, 548770)),
        "status_id": status,
        "pipeline_id": pipeline,
        "loss_reason_id": none if reason is None else 21403207 + reason,
        "created_by": rng.choice(USERS),
        "updated_by": rng.choice(USERS),
        "created_at": int(created),
        "updated_at": int(updated),
        "closed_at": int(updated) if closed else none,
        "closest_task_at": task,
        "is_deleted": False,
        "custom_fields_values": _custom_fields(rng, who, number, int(created)),
        "score": none,
        "account_id": ACCOUNT_ID,
        "labor_cost": rng.randrange(60, 90_000) if rng.random() < 0.1 else None,
        "is_price_computed": rng.random() < 0.1,
        "source_id": source[0] if source else none,
        "is_price_modified_by_robot": rng.random() < 0.05,
        "_embedded": {
            "tags": [
                {"id": 2164 + tag, "name": _TAGS[tag], "color": None if tag % 2 else "F2DDF7"}
                for tag in sorted(rng.sample(range(len(_TAGS)), rng.choice((0, 0, 1, 1, 2, 3))))
            ],
            "companies": [29610174 + number] if rng.random() < 0.7 else [],
            "contacts": [406322 + number * 2, 406323 + number * 2][: rng.choice((0, 1, 1, 1, 2))],
            "loss_reason": reason,
            "catalog_elements": [
                {
                    "id": 525439 + element,
                    "quantity": rng.choice((1, 2, 5, 1.5)),
                    "catalog_id": 1057,
                    "price_id": rng.choice((139685, None)),
                }
                for element in rng.sample(range(8), rng.choice((0, 0, 0, 1, 2)))
            ],
            "source": {"id": source[0], "name": source[1]} if source else None,
        },
    }


def something_happens(rng: random.Random, lead: Lead) -> dict[str, Any]:
    """What people do to a lead: another stage, another price, another owner."""
    chance = rng.random()
    if chance < 0.5:
        return {"status_id": rng.choice(PIPELINES[lead["pipeline_id"]])}
    if chance < 0.8:
        price, minor = _price(rng)
        return {"price": price, "price_with_minor_units": minor}
    return {"responsible_user_id": rng.choice(USERS[:4])}


def loss_reason(number: int, base: str) -> dict[str, Any]:
    """An embedded loss reason."""
    reason_id = 21403207 + number
    return {
        "id": reason_id,
        "name": _REASONS[number],
        "sort": number * 100,
        "created_at": 1712141714,
        "updated_at": 1712142518,
        "_links": {"self": {"href": f"{base}/api/v4/leads/loss_reasons/{reason_id}"}},
    }


def _price(rng: random.Random) -> tuple[int, float]:
    if rng.random() < 0.2:
        return 0, 0
    cents = rng.randrange(5_000, 4_000_000)
    if rng.random() < 0.25:
        return cents // 100, cents / 100
    return cents // 100, cents // 100


def _name(rng: random.Random, who: Person, number: int) -> str:
    plain = rng.choice((f"{who.company}: {who.name}", f"Lead from {who.name}", who.company))
    if number % 307 == 29:
        return f"{plain}\x00imported"
    if number % 211 == 17:
        return f"<b>{plain}</b> & partners"
    if number % 97 == 13:
        return f"{plain} 🚀👩🏽‍💻"
    return "" if number % 401 == 200 else plain


def _custom_fields(
    rng: random.Random, who: Person, number: int, at: int
) -> list[dict[str, Any]] | None:
    chance = rng.random()
    if chance < 0.16:
        return None if chance < 0.08 else []
    chosen = sorted({number % len(_FIELDS), *rng.sample(range(len(_FIELDS)), rng.randrange(5))})
    return [
        {
            "field_id": _FIRST_FIELD + index * 2,
            "field_name": _FIELDS[index][0],
            "field_code": _FIELDS[index][2],
            "field_type": _FIELDS[index][1],
            "values": _values(rng, who, _FIELDS[index][1], at),
            "is_computed": False,
        }
        for index in chosen
    ]


def _enum(value: str, enum_id: int, code: str | None = None) -> dict[str, Any]:
    return {"value": value, "enum_id": enum_id, "enum_code": code}


def _values(rng: random.Random, who: Person, kind: str, at: int) -> list[dict[str, Any]]:  # noqa: C901, PLR0912 - one case for each type
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
            return [_enum(("Diagnostic", "Surgery", "VIP", "Basic")[choice], 1669868 + choice)]
        case "multiselect":
            names = ("E-mail", "Phone", "Chat")
            return [_enum(names[n], 1670010 + n) for n in sorted(rng.sample(range(3), 2))]
        case "multitext":
            return [_enum(who.phone, 1037745, "MOB"), _enum(who.phone[:-1] + "9", 1037741, "WORK")]
        case "smart_address":
            parts = ("address_line_1", "address_line_2", "city", "state", "zip", "country")
            words = ("1 Example Street", "", who.city, who.region, "00001", who.country)
            return [
                _enum(word, n, part)
                for n, (part, word) in enumerate(zip(parts, words, strict=True), 1)
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
