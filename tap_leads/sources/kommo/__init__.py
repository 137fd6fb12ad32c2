"""Kommo, formerly amoCRM.

https://developers.kommo.com/docs/kommo-for-developers
"""

from __future__ import annotations

from tap_leads.rest.client import Wording
from tap_leads.sources.base import Source
from tap_leads.sources.kommo.account import ACCOUNT, TASK_TYPES, USER_GROUPS
from tap_leads.sources.kommo.api import KommoApi
from tap_leads.sources.kommo.auth import authenticate
from tap_leads.sources.kommo.custom_fields import discover
from tap_leads.sources.kommo.customers import (
    CUSTOMER_SEGMENTS,
    CUSTOMER_STATUSES,
    CUSTOMER_TRANSACTIONS,
    CUSTOMERS,
)
from tap_leads.sources.kommo.deleted import DELETED_COMPANIES, DELETED_CONTACTS, DELETED_LEADS
from tap_leads.sources.kommo.entity_events import EVENTS
from tap_leads.sources.kommo.events import LEAD_EVENTS, LEAD_STAGE_CHANGES
from tap_leads.sources.kommo.fields import (
    COMPANY_FIELDS,
    COMPANY_TAGS,
    CONTACT_FIELDS,
    CONTACT_TAGS,
    LEAD_FIELDS,
    LIST_FIELDS,
    TAGS,
)
from tap_leads.sources.kommo.leads import LEADS
from tap_leads.sources.kommo.lists import LIST_ELEMENTS, LISTS
from tap_leads.sources.kommo.messages import MESSAGES
from tap_leads.sources.kommo.notes import COMPANY_NOTES, CONTACT_NOTES, LEAD_NOTES
from tap_leads.sources.kommo.people import COMPANIES, CONTACTS
from tap_leads.sources.kommo.reference import (
    EVENT_TYPES,
    LEAD_SOURCES,
    LOSS_REASONS,
    PIPELINES,
    ROLES,
    STAGES,
    USERS,
    WEBSITE_BUTTONS,
)
from tap_leads.sources.kommo.settings import SETTINGS
from tap_leads.sources.kommo.talks import TALKS
from tap_leads.sources.kommo.work import INCOMING_LEADS, TASKS

KOMMO = Source(
    settings=SETTINGS,
    api=KommoApi,
    # Reference data comes before the leads that refer to it.
    streams=(
        ACCOUNT,
        USER_GROUPS,
        TASK_TYPES,
        PIPELINES,
        STAGES,
        USERS,
        ROLES,
        LEAD_FIELDS,
        CONTACT_FIELDS,
        COMPANY_FIELDS,
        LOSS_REASONS,
        TAGS,
        CONTACT_TAGS,
        COMPANY_TAGS,
        LEAD_SOURCES,
        WEBSITE_BUTTONS,
        EVENT_TYPES,
        LISTS,
        LIST_FIELDS,
        LIST_ELEMENTS,
        LEADS,
        DELETED_LEADS,
        LEAD_STAGE_CHANGES,
        LEAD_EVENTS,
        EVENTS,
        CONTACTS,
        COMPANIES,
        DELETED_CONTACTS,
        DELETED_COMPANIES,
        TALKS,
        MESSAGES,
        TASKS,
        LEAD_NOTES,
        CONTACT_NOTES,
        COMPANY_NOTES,
        INCOMING_LEADS,
        CUSTOMER_STATUSES,
        CUSTOMER_SEGMENTS,
        CUSTOMERS,
        CUSTOMER_TRANSACTIONS,
    ),
    auth=authenticate,
    wording=Wording(
        credential="`kommo.access_token`",
        base_url="`kommo.subdomain`, `kommo.domain` and `kommo.api_url`",
        api="Kommo",
    ),
    endpoint=ACCOUNT,
    discover=discover,
)
