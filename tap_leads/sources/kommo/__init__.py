"""Kommo, which is amoCRM by another name: its settings and its streams.

https://developers.kommo.com/docs/kommo-for-developers
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_leads import oauth
from tap_leads.settings import Defaults, list_of, object_of, one_of, secret, source, text
from tap_leads.source import Source
from tap_leads.sources.kommo.api import base_of
from tap_leads.sources.kommo.events import KommoDeletedLeads, KommoLeadEvents, KommoLeadStageChanges
from tap_leads.sources.kommo.leads import SPANS, WITH, KommoLeads, seconds
from tap_leads.sources.kommo.people import KommoCompanies, KommoContacts
from tap_leads.sources.kommo.reference import (
    KommoAccount,
    KommoLeadFields,
    KommoLists,
    KommoLossReasons,
    KommoPipelines,
    KommoRoles,
    KommoSources,
    KommoStages,
    KommoTags,
    KommoUsers,
)
from tap_leads.sources.kommo.work import (
    KommoIncomingLeads,
    KommoLeadNotes,
    KommoListElements,
    KommoTasks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.auth import Auth
    from tap_leads.leads import LeadsStream
    from tap_leads.settings import Config, Schema


# What the ids in leads mean comes before the leads.
STREAMS: Sequence[type[LeadsStream]] = (
    KommoAccount,
    KommoPipelines,
    KommoStages,
    KommoUsers,
    KommoRoles,
    KommoLeadFields,
    KommoLossReasons,
    KommoTags,
    KommoSources,
    KommoLists,
    KommoListElements,
    KommoLeads,
    KommoDeletedLeads,
    KommoLeadStageChanges,
    KommoLeadEvents,
    KommoContacts,
    KommoCompanies,
    KommoTasks,
    KommoLeadNotes,
    KommoIncomingLeads,
)


def _label(settings: Config) -> str:
    return str(settings.get("subdomain", "default"))


def _auth(label: str, settings: Config) -> Auth:
    # At the root of the account's address, not under /api/v4.
    url = base_of(settings).removesuffix("/api/v4") + "/oauth2/access_token"
    return oauth.auth_of("kommo", label, settings, url)


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    yield from oauth.problems(settings)
    subdomain = settings.get("subdomain")
    if subdomain is None:
        if "api_url" not in settings:
            yield "subdomain", "must be set"
    elif not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", subdomain):
        yield "subdomain", "must be the one word before the domain, such as mycompany"
    wanted = settings.get("with", [])
    names = wanted.split(",") if isinstance(wanted, str) else wanted
    if not set(names) <= set(WITH):
        yield "with", f"may only have {', '.join(WITH)}"
    filters = settings.get("filters", {})
    for name in SPANS:
        if not all(isinstance(seconds(bound), int) for bound in filters.get(name, {}).values()):
            yield f"filters.{name}", "must be Unix seconds or a date-time"


_STRINGS: Schema = {"type": ["array", "string"], "items": {"type": "string"}}
_IDS: Schema = {"type": ["array", "integer"], "items": {"type": "integer"}, "minItems": 1}
_MOMENT: Schema = {"type": ["integer", "string"], "description": "Unix seconds or a date-time."}
_SPAN = object_of({"from": _MOMENT, "to": _MOMENT}, minProperties=1)
_BUDGET: Schema = {"type": "integer", "description": "A budget."}
_PRICE: Schema = {
    **object_of({"from": _BUDGET, "to": _BUDGET}, minProperties=1),
    "type": ["integer", "object"],
}
_STAGE = object_of(
    {"pipeline_id": {"type": "integer"}, "status_id": {"type": "integer"}},
    required=["pipeline_id", "status_id"],
)
_FILTERS = object_of(
    {
        "id": {**_IDS, "description": "Ids of leads, as a list."},
        "name": {**_STRINGS, "minItems": 1, "description": "Names of leads, as a list."},
        "price": {**_PRICE, "description": "A budget, or `from` and `to`."},
        "statuses": list_of(
            _STAGE,
            description="Stages, as a list of objects with `pipeline_id` and `status_id`.",
            minItems=1,
        ),
        "pipeline_id": {**_IDS, "description": "Ids of pipelines, as a list."},
        **{
            name: {**_IDS, "description": "Ids of users, as a list."}
            for name in ("created_by", "updated_by", "responsible_user_id")
        },
        **{
            name: {**_SPAN, "description": "`from` and `to`, in Unix seconds or as date-times."}
            for name in SPANS
        },
    },
    description="Kommo's `filter[...]` by its names; they are combined with the bookmark's bounds.",
    examples=[{"pipeline_id": [12215168], "created_at": {"from": "2026-01-01"}}],
)

Kommo = Source(
    name="kommo",
    settings=source(
        "Kommo",
        "Leads of Kommo (amoCRM).",
        {
            "subdomain": text(
                "Subdomain",
                "The account's own word in its address: mycompany of mycompany.kommo.com. Needed;"
                " it is also the account's name where `name` is not set.",
                examples=["mycompany"],
            ),
            "domain": one_of(
                "Domain",
                "The domain of the account's address.",
                "kommo.com",
                "amocrm.ru",
                "amocrm.com",
            ),
            "access_token": secret(
                "Access token",
                "A long-lived token. An administrator makes one: Settings, Integrations, Create "
                "integration, Private, with the scope for CRM data; then Keys and scopes, Generate "
                "long-lived token. This, or `oauth`, is needed.",
            ),
            "oauth": oauth.setting(
                "An administrator creates a private integration as for `access_token`, with a "
                "redirect address; its Keys and scopes has what `client_id`, `client_secret` and "
                "`code` are.",
                "The integration's Authorization code, good once and for 20 minutes.",
            ),
            "with": {
                **_STRINGS,
                "title": "With",
                "description": "What Kommo adds to each lead, as a list. Default: everything "
                f"({', '.join(WITH)}), less the columns that are deselected.",
            },
            "custom_fields": one_of(
                "Custom fields",
                "`json`: all of them in `custom_fields_values`. `columns`: beside that a column "
                "`cf_<id>` of its own type for each of leads, contacts and companies; the account "
                "is asked which there are, in discovery too.",
                "json",
                "columns",
            ),
            "event_types": {
                **_STRINGS,
                "title": "Event types",
                "description": "The types of events in `kommo_lead_events`, as a list. Default: "
                "all that happens to leads.",
                "examples": [["lead_added", "entity_responsible_changed"]],
            },
            "query": text("Query", "Only leads in whose filled fields Kommo finds this text."),
        },
        filters=_FILTERS,
        defaults=Defaults(
            "the account's address",
            "Default: the subdomain.",
            requests_per_second=6,
            lookback_seconds=600,
        ),
    ),
    streams=STREAMS,
    label=_label,
    problems=_problems,
    auth=_auth,
)
