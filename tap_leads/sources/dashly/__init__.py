"""Dashly and Carrot quest: one API under two brands.

https://developers.dashly.io/webapi/endpoints/apps/users/
https://developers.carrotquest.io/webapi/endpoints/apps/users
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tap_leads.rest.auth.token import HeaderToken
from tap_leads.rest.client import Wording
from tap_leads.sources.base import Source
from tap_leads.sources.dashly.api import DashlyApi
from tap_leads.sources.dashly.conversations import channels, conversations
from tap_leads.sources.dashly.details import lead_details
from tap_leads.sources.dashly.leads import leads
from tap_leads.sources.dashly.parts import conversation_parts
from tap_leads.sources.dashly.settings import settings_of

if TYPE_CHECKING:
    from tap_leads.rest.clock import Clock
    from tap_leads.sources.base import Settings


def _auth(_label: str, settings: Settings, _clock: Clock) -> HeaderToken:
    return HeaderToken("Authorization", f"Token {settings['auth_token']}")


def _brand(name: str, title: str, host: str) -> Source:
    return Source(
        settings=settings_of(name, title, host),
        api=partial(DashlyApi, host),
        streams=(
            leads(f"{name}_leads"),
            conversations(f"{name}_conversations"),
            conversation_parts(f"{name}_conversation_parts"),
            channels(f"{name}_channels"),
            lead_details(f"{name}_lead_details"),
        ),
        auth=_auth,
        wording=Wording(
            credential=f"`{name}.auth_token`",
            base_url=f"`{name}.app_id` and `{name}.api_url`",
            api=title,
        ),
    )


DASHLY = _brand("dashly", "Dashly", "https://api.dashly.app")
CARROT_QUEST = _brand("carrotquest", "Carrot quest", "https://api.carrotquest.io")
