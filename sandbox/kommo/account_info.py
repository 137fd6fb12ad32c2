"""The response of `GET /api/v4/account`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.kommo.leads import ACCOUNT_ID, USERS
from sandbox.kommo.users import GROUPS

if TYPE_CHECKING:
    from sandbox.kommo.options import KommoOptions

_PLAIN: dict[str, Any] = {
    "amojo_id": "f3c6340d-0000-4000-8000-000000000000",
    "uuid": "9c3f2c1b-0000-4000-8000-000000000000",
    "version": 12,
    "entity_names": {"leads": {"ru": {}, "en": []}},
    "invoices_settings": {"lang": "en", "currency": "USD"},
}
_EMBEDDED: dict[str, Any] = {
    "amojo_rights": {"can_direct": True, "can_create_groups": True},
    "users_groups": [{**group, "uuid": None} for group in GROUPS],
    "task_types": [
        {"id": 1, "name": "Follow-up", "color": None, "icon_id": None, "code": "FOLLOW_UP"},
        {"id": 2, "name": "Meeting", "color": None, "icon_id": None, "code": "MEETING"},
        {"id": 3, "name": "Отправить образец 📦", "color": "468F95", "icon_id": 5, "code": ""},
    ],
    "datetime_settings": {
        "timezone": "UTC",
        "timezone_offset": "+00:00",
        "date_pattern": "d.m.Y H:i",
    },
}


def account_info(query: dict[str, Any], base: str, options: KommoOptions) -> dict[str, Any]:
    """Return the account: https://developers.kommo.com/reference/account-parameters."""
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
        "currency": options.currency,
        "currency_symbol": "$",
        "customers_mode": options.customers_mode,
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
    content |= {name: value for name, value in _PLAIN.items() if name in with_}
    embedded = {name: value for name, value in _EMBEDDED.items() if name in with_}
    if "datetime_settings" in embedded:
        settings = embedded["datetime_settings"]
        embedded["datetime_settings"] = {**settings, "timezone": options.timezone}
    if embedded:
        content["_embedded"] = embedded
    return content
