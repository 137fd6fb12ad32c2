"""Generates people, companies and campaigns, and when leads were created and updated."""
# ruff: noqa: PLR2004, SIM905 - shares of generated data; word lists are easier to read as text

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

DAY = 86_400
YEARS = 2

_FIRST = (
    "Ada Aisha Alex Amelia Ana Andre Anja Arjun Ben Bianca Camille Carlos Chen Clara Daan Daniela "
    "David Elena Elif Emma Eric Eva Fatima Felix Freya Gabriel Grace Hana Hugo Ines Isaac Ivan "
    "Jana Jonas Julia Kai Karim Katya Lars Laura Leo Lina Luca Lucia Maria Marta Mateo Maya Mei "
    "Milan Mina Nadia Nina Noah Nora Olga Omar Oscar Petra Priya Rafael Rosa Ruben Sara Sofia Sven "
    "Tara Theo Tomas Vera Victor Wei Yara Yusuf Zoe"
).split()
_LAST = (
    "Abbott Adeyemi Almeida Andersen Bakker Bauer Becker Bianchi Bruno Castillo Chan Costa Cruz "
    "Dahl Diaz Dubois Eriksen Farah Ferrari Fischer Fontaine Garcia Gomez Gupta Haddad Hansen "
    "Hoffmann Ibrahim Ivanova Jansen Kaya Khan Kim Klein Kowalski Kumar Larsen Lefevre Lindqvist "
    "Lopez Martin Mendes Meyer Moreau Moretti Nakamura Novak Okafor Olsen Park Patel Pereira "
    "Petrov Popescu Quist Reyes Ricci Rossi Ruiz Sato Schmidt Silva Singh Smit Sokolova Suzuki "
    "Tanaka Torres Vargas Visser Wagner Walker Weber Wong Yilmaz Zhang"
).split()
_FIRM = (
    "Acorn Alder Anchor Atlas Aurora Beacon Birch Bluefin Canopy Cedar Compass Copper Delta Ember "
    "Fjord Foundry Glacier Granite Harbor Hazel Juniper Keystone Lantern Ledger Linden Maple "
    "Meridian Mosaic Nimbus Northwind Orchard Pebble Pinecone Quarry Ridge Saffron Signal Slate "
    "Sparrow Summit Tandem Thistle Tidewater Timber Vertex Willow Zephyr"
).split()
_TRADE = (
    "Analytics Bikes Clinics Coffee Consulting Dental Design Energy Fitness Foods Furniture Games "
    "Gardens Homes Hotels Interiors Labs Legal Logistics Media Motors Optics Outdoor Pharma "
    "Physio Print Robotics Schools Security Software Solar Studio Systems Textiles Travel Works"
).split()
_PLACES = (
    ("Austin", "Texas", "US"),
    ("Berlin", "Berlin", "DE"),
    ("Chicago", "Illinois", "US"),
    ("Denver", "Colorado", "US"),
    ("Lisbon", "Lisboa", "PT"),
    ("London", "England", "GB"),
    ("Madrid", "Madrid", "ES"),
    ("Munich", "Bavaria", "DE"),
    ("Paris", "Île-de-France", "FR"),
    ("Portland", "Oregon", "US"),
    ("Rotterdam", "Zuid-Holland", "NL"),
    ("San Francisco", "California", "US"),
    ("São Paulo", "São Paulo", "BR"),
    ("Toronto", "Ontario", "CA"),
    ("Utrecht", "Utrecht", "NL"),
    ("Vienna", "Vienna", "AT"),
)
_UTM = (
    ("google", "cpc"),
    ("google", "cpc"),
    ("google", "cpc"),
    ("facebook", "paid_social"),
    ("facebook", "paid_social"),
    ("instagram", "paid_social"),
    ("linkedin", "paid_social"),
    ("bing", "cpc"),
    ("newsletter", "email"),
    ("partner", "referral"),
    ("tiktok", "paid_social"),
)
_CAMPAIGNS = (
    "brand spring_sale autumn_launch retargeting_30d webinar_q1 webinar_q3 demo_request "
    "pricing_page competitors lookalike_2pct black_friday referral_program"
).split()
PATHS = ("/", "/pricing", "/demo", "/contact", "/blog/checklist", "/features", "/webinar")


@dataclass(frozen=True, slots=True)
class Person:
    """A generated person. The same number gives the same person in every API."""

    name: str
    email: str
    phone: str
    company: str
    city: str
    region: str
    country: str
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    website: str
    path: str


def person(seed: int, number: int) -> Person:
    """Return the person with that number; the same seed gives the same person."""
    rng = random.Random(seed * 1_000_003 + number)
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    firm = f"{rng.choice(_FIRM)} {rng.choice(_TRADE)}"
    city, region, country = rng.choice(_PLACES)
    source, medium, campaign = (
        (*rng.choice(_UTM), rng.choice(_CAMPAIGNS)) if rng.random() < 0.7 else (None, None, None)
    )
    address = "example.org" if rng.random() < 0.4 else "example.com"
    digits = rng.randrange(10**7)
    return Person(
        name=f"{first} {last}",
        email=f"{first}.{last}{number}@{address}".lower(),
        phone=f"+1555{digits:07d}",
        company=firm,
        city=city,
        region=region,
        country=country,
        utm_source=source,
        utm_medium=medium,
        utm_campaign=campaign,
        website=f"https://{firm.replace(' ', '-').lower()}.example.com",
        path=rng.choice(PATHS),
    )


class Arrival(NamedTuple):
    """A person who becomes a lead, and when the lead was created and last updated."""

    number: int
    who: Person
    created: float
    updated: float


def moments(rng: random.Random, count: int, now: float) -> list[tuple[float, float]]:
    """Return when each lead was created and last updated, in order of creation.

    Creation is spread over two years, with more leads in recent months, mostly during working
    hours. About one lead in 25 belongs to a bulk import, whose leads share one second.
    """
    imported = count // 25
    made = sorted(_working_moment(rng, now) for _ in range(count))
    pairs = [(at, _changed(rng, at, now)) for at in made]
    if imported > 1:
        first = count // 3
        at = float(int(made[first]))
        pairs[first : first + imported] = [(at, at)] * imported
        pairs.sort()
    return pairs


def _working_moment(rng: random.Random, now: float) -> float:
    midnight = (now - YEARS * 365 * DAY * rng.random() ** 1.3) // DAY * DAY
    hour = rng.triangular(7.5, 19.0, 11.0) if rng.random() < 0.92 else rng.uniform(0.0, 24.0)
    weekday = (int(midnight) // DAY + 3) % 7
    if weekday > 4 and rng.random() < 0.85:
        midnight -= (weekday - 4) * DAY
    at = midnight + hour * 3600
    return at if at < now else now - rng.uniform(60.0, 6 * 3600.0)


def _changed(rng: random.Random, created: float, now: float) -> float:
    chance = rng.random()
    if chance < 0.2:
        return created
    at = created + rng.expovariate(1 / (3 * DAY))
    if chance > 0.5:
        at = created + (now - created) * rng.random()
        at = at // DAY * DAY + rng.triangular(7.5, 19.0, 14.0) * 3600
    return at if created < at < now else created + (now - created) * rng.random()


def iso_ms(at: float) -> str:
    """Return epoch seconds as `YYYY-MM-DDTHH:MM:SS.sssZ`."""
    stamp = datetime.fromtimestamp(round(at * 1000) / 1000, UTC)
    return stamp.isoformat(timespec="milliseconds")[:-6] + "Z"
