"""Kommo's account: what `/api/v4/account` says of it, and a token for it."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from sandbox.kommo_leads import ACCOUNT_ID, USERS


def account(query: dict[str, Any], base: str) -> dict[str, Any]:
    """The account: https://developers.kommo.com/reference/account-parameters."""
    with_ = str(query.get("with", "")).split(",")
    content: dict[str, Any] = {
        "id": ACCOUNT_ID,
        "name": "Example Company",
        "subdomain": "example",
        "created_at": 1739794993,
        "created_by": 0,
        "updated_at": 1739794993,
        "updated_by": 0,
        "current_user_id": USERS[0],
        "country": "US",
        "currency": "USD",
        "currency_symbol": "$",
        "customers_mode": "disabled",
        "is_unsorted_on": True,
        "mobile_feature_version": 0,
        "is_loss_reason_enabled": True,
        "is_helpbot_enabled": False,
        "is_technical_account": True,
        "contact_name_display_order": 1,
        "_links": {"self": {"href": f"{base}/api/v4/account"}},
    }
    if "is_api_filter_enabled" in with_:
        content["is_api_filter_enabled"] = True
    if "drive_url" in with_:
        content["drive_url"] = f"{base}/drive"
    if "datetime_settings" in with_:
        zone = {"timezone": "UTC", "timezone_offset": "+00:00", "date_pattern": "d.m.Y H:i"}
        content["_embedded"] = {"datetime_settings": zone}
    return content


def long_lived_token(seed: int) -> str:
    """A token of the shape of Kommo's: a JWT, good until 2035, signed by nobody."""
    claims = {
        "aud": "6f1d3c2e-0000-4000-8000-000000000000",
        "jti": f"{seed:080x}",
        "iat": 1735689600,
        "nbf": 1735689600,
        "exp": 2051222400,
        "sub": str(USERS[0]),
        "grant_type": "",
        "account_id": ACCOUNT_ID,
        "base_domain": "kommo.com",
        "version": 2,
        "scopes": ["crm", "files", "notifications"],
    }
    parts = [msgspec.json.encode(part) for part in ({"typ": "JWT", "alg": "RS256"}, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2FuZGJveC1zaWduYXR1cmU"])
