"""Kommo, formerly amoCRM.

https://developers.kommo.com/docs/kommo-for-developers
"""

from __future__ import annotations

from tap_leads.rest.client import Wording
from tap_leads.sources.base import Source
from tap_leads.sources.kommo.api import KommoApi
from tap_leads.sources.kommo.auth import authenticate
from tap_leads.sources.kommo.custom_fields import discover
from tap_leads.sources.kommo.deleted import DELETED_COMPANIES, DELETED_CONTACTS, DELETED_LEADS
from tap_leads.sources.kommo.events import LEAD_EVENTS, LEAD_STAGE_CHANGES
from tap_leads.sources.kommo.leads import LEADS
from tap_leads.sources.kommo.people import COMPANIES, CONTACTS
from tap_leads.sources.kommo.reference import (
    ACCOUNT,
    LEAD_FIELDS,
    LEAD_SOURCES,
    LISTS,
    LOSS_REASONS,
    PIPELINES,
    ROLES,
    STAGES,
    TAGS,
    USERS,
)
from tap_leads.sources.kommo.settings import SETTINGS
from tap_leads.sources.kommo.work import INCOMING_LEADS, LEAD_NOTES, LIST_ELEMENTS, TASKS

KOMMO = Source(
    settings=SETTINGS,
    api=KommoApi,
    # Reference data comes before the leads that refer to it.
    streams=(
        ACCOUNT,
        PIPELINES,
        STAGES,
        USERS,
        ROLES,
        LEAD_FIELDS,
        LOSS_REASONS,
        TAGS,
        LEAD_SOURCES,
        LISTS,
        LIST_ELEMENTS,
        LEADS,
        DELETED_LEADS,
        LEAD_STAGE_CHANGES,
        LEAD_EVENTS,
        CONTACTS,
        COMPANIES,
        DELETED_CONTACTS,
        DELETED_COMPANIES,
        TASKS,
        LEAD_NOTES,
        INCOMING_LEADS,
    ),
    auth=authenticate,
    wording=Wording(
        credential="`kommo.access_token`",
        base_url="`kommo.subdomain`, `kommo.domain` and `kommo.api_url`",
        api="Kommo",
    ),
    account=ACCOUNT,
    discover=discover,
)
