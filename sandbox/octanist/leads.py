"""Generates and changes leads: https://octanist.com/docs/api-reference/endpoint/get-leads."""
# ruff: noqa: PLR2004 - shares of generated data

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.core.people import DAY, iso_ms

if TYPE_CHECKING:
    import random

    from sandbox.core.people import Arrival
    from sandbox.core.store import Lead

STATUSES = ("open", "qualified", "won", "lost")
SOURCES = ("inbound", "gtm", "api", "manual", "wordpress", "import")
CLICK_IDS = ("gclid", "dclid", "wbraid", "gbraid", "ga4cid", "ga4sid", "fbc", "fbp", "msclkid",
             "ttclid", "twclid", "rdt_cid", "sccid", "epik", "li_fat_id")  # fmt: skip
NEW_CLICK_IDS = ("dclid", "wbraid", "gbraid", "epik")
_BY_SOURCE = {
    "google": ("gclid", "wbraid"),
    "facebook": ("fbc", "fbp"),
    "instagram": ("fbc", "fbp"),
    "bing": ("msclkid",),
    "tiktok": ("ttclid",),
    "linkedin": ("li_fat_id",),
}
_ALPHABET = string.ascii_lowercase + string.digits
_NOTES = ("Asked for a call", "Wants a quote for 25 seats", "Звонить после 18:00", "Great fit 🎯")
_REASONS = ("Too expensive", "No budget", "Competitor", "Unreachable")


def new_id(rng: random.Random) -> str:
    """Return an opaque ID."""
    return "lead_" + "".join(rng.choices(_ALPHABET, k=12))


def new_lead(rng: random.Random, arrival: Arrival, lead_id: str) -> Lead:
    """Return a new lead with every key of the API."""
    _, who, created, updated = arrival
    status = rng.choices(STATUSES, (50, 20, 18, 12))[0]
    qualified = status in {"qualified", "won"} or rng.random() < 0.1
    clicks: dict[str, Any] = dict.fromkeys(CLICK_IDS)
    for name in _BY_SOURCE.get(who.utm_source or "", ()):
        if rng.random() < 0.8:
            clicks[name] = f"{name[:2]}-{rng.getrandbits(60):015x}"
    if rng.random() < 0.6:
        clicks["ga4cid"] = f"GA1.1.{rng.randrange(10**9)}.{int(created)}"
        clicks["ga4sid"] = str(int(created))
    google = who.utm_source == "google" and rng.random() < 0.9
    ads = rng.randrange(100, 110)
    custom = {"company": who.company, "seats": rng.randrange(1, 200)}
    consent = rng.random()
    return {
        "id": lead_id,
        "name": who.name if rng.random() < 0.93 else None,
        "email": who.email,
        "phone": who.phone if rng.random() < 0.6 else None,
        "status": status,
        "value": rng.choice((250, 1250, 99.5, 4800, 0)) if qualified else None,
        "note": rng.choice(_NOTES) if rng.random() < 0.2 else None,
        "custom": msgspec.json.encode(custom).decode() if rng.random() < 0.5 else None,
        "lossReason": rng.choice(_REASONS) if status == "lost" else None,
        "conversionName": "Purchase" if status == "won" else "Lead" if qualified else None,
        "source": rng.choices(SOURCES, (40, 30, 10, 8, 8, 4))[0],
        "website": who.website,
        "path": who.path,
        **clicks,
        "utm_source": who.utm_source,
        "utm_medium": who.utm_medium,
        "utm_campaign": who.utm_campaign,
        "ad_storage": None if consent < 0.1 else consent < 0.8,
        "ad_user_data": None if consent < 0.1 else consent < 0.8,
        "analytics_storage": None if consent < 0.1 else consent < 0.9,
        "ad_personalization": None if consent < 0.1 else consent < 0.6,
        "googleAdsCampaignId": f"1774{ads}0042{ads}" if google else None,
        "googleAdsCampaignName": who.utm_campaign if google else None,
        "googleAdsAdGroupId": f"1402{ads}77" if google else None,
        "googleAdsAdGroupName": "Exact" if google else None,
        "googleAdsAdId": f"0067{ads}3" if google else None,
        "labelId": f"label_{rng.choice('abcd')}" if rng.random() < 0.3 else None,
        "selectedConversionEventId": "conv_1" if status == "won" else None,
        "createdAt": iso_ms(created),
        "updatedAt": iso_ms(updated),
        "qualifiedAt": iso_ms((created + updated) / 2) if qualified else None,
        "expiresAt": iso_ms(created + 90 * DAY),
    }


def something_happens(rng: random.Random, lead: Lead, at: float | None) -> dict[str, Any]:
    """Return a typical change of a lead: its status, value or note."""
    status = rng.choice(STATUSES[1:])
    changes: dict[str, Any] = {"status": status}
    if status == "lost":
        changes["lossReason"] = rng.choice(_REASONS)
    else:
        changes["value"] = rng.choice((250, 1250, 99.5, 4800))
        if lead["qualifiedAt"] is None and at is not None:
            changes["qualifiedAt"] = iso_ms(at)
    if rng.random() < 0.3:
        changes["note"] = rng.choice(_NOTES)
    return changes
