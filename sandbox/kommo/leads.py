"""Generates and changes Kommo's leads: https://developers.kommo.com/reference/leads-list."""
# ruff: noqa: PLR2004 - shares and sizes of generated data

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.kommo.values import values_of

if TYPE_CHECKING:
    import random

    from sandbox.core.people import Arrival, Person
    from sandbox.core.store import Lead

ACCOUNT_ID = 35379952
USERS = (11087123, 11087127, 11102345, 11230871, 0)
PIPELINES = {12215168: (94386183, 94386187, 94386191, 94386195), 12480022: (95100411, 95100415)}
WON, LOST = 142, 143
FIRST_CONTACT, FIRST_COMPANY = 406322, 29610174
WITH = ("contacts", "loss_reason", "is_price_modified_by_robot", "catalog_elements", "source_id",
        "source")  # fmt: skip
REASONS = ("Insufficient budget", "No answer", "Chose a competitor", "Not a fit", "Duplicate")
TAGS = ("hot", "vip", "returning", "webinar", "partner", "needs call", "Ex")
SOURCES = ((17619939, "chat"), (17619941, "Website form"), (17620022, "Instagram"))
FIELDS: tuple[tuple[str, str, str | None], ...] = (
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
FIRST_FIELD, FIRST_REASON, FIRST_TAG = 1928052, 21403207, 2164


def new_lead(rng: random.Random, arrival: Arrival, lead_id: int) -> Lead:
    """Return a lead with all its fields, including those of `with` and `_embedded`."""
    number, who, created, updated = arrival
    pipeline = rng.choice(tuple(PIPELINES))
    status = rng.choice((*PIPELINES[pipeline], WON, LOST))
    closed = status in {WON, LOST}
    reason = rng.randrange(len(REASONS)) if status == LOST and rng.random() < 0.8 else None
    price, minor = _price(rng)
    source = rng.choice(SOURCES) if rng.random() < 0.6 else None
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
        "loss_reason_id": none if reason is None else FIRST_REASON + reason,
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
                {"id": FIRST_TAG + tag, "name": TAGS[tag], "color": None if tag % 2 else "F2DDF7"}
                for tag in sorted(rng.sample(range(len(TAGS)), rng.choice((0, 0, 1, 1, 2, 3))))
            ],
            "companies": [FIRST_COMPANY + number] if rng.random() < 0.7 else [],
            "contacts": [FIRST_CONTACT + number * 2, FIRST_CONTACT + 1 + number * 2][
                : rng.choice((0, 1, 1, 1, 2))
            ],
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
    """Return a typical change of a lead: its stage, price or responsible user."""
    chance = rng.random()
    if chance < 0.5:
        return {"status_id": rng.choice(PIPELINES[lead["pipeline_id"]])}
    if chance < 0.8:
        price, minor = _price(rng)
        return {"price": price, "price_with_minor_units": minor}
    return {"responsible_user_id": rng.choice(USERS[:4])}


def loss_reason(number: int, base: str) -> dict[str, Any]:
    """Return an embedded loss reason."""
    reason_id = FIRST_REASON + number
    return {
        "id": reason_id,
        "name": REASONS[number],
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
    chosen = sorted({number % len(FIELDS), *rng.sample(range(len(FIELDS)), rng.randrange(5))})
    return [
        {
            "field_id": FIRST_FIELD + index * 2,
            "field_name": FIELDS[index][0],
            "field_code": FIELDS[index][2],
            "field_type": FIELDS[index][1],
            "values": values_of(rng, who, FIELDS[index][1], at),
            "is_computed": False,
        }
        for index in chosen
    ]
