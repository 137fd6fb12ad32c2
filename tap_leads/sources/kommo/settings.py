"""The settings of Kommo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_leads.settings import oauth
from tap_leads.settings.model import Defaults, SourceSettings, one_of, secret, source, text
from tap_leads.sources.kommo.api import names_in
from tap_leads.sources.kommo.entity_events import ENTITIES, ENTITY
from tap_leads.sources.kommo.filters import DATES, FILTERS, stages_without_pipeline, unix_seconds
from tap_leads.sources.kommo.leads import WITH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.settings.model import Config, Schema


def _label(settings: Config) -> str:
    return str(settings.get("subdomain", "default"))


_DOMAINS = ("kommo.com", "amocrm.ru", "amocrm.com")
# A single label: the subdomain determines the host that gets the token (apis/kommo.md 20).
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?:https?://)?({_LABEL})\.({'|'.join(map(re.escape, _DOMAINS))})(?:[/?#]\S*)?", re.IGNORECASE
)


def _normalize(settings: Config) -> Config:
    """Return subdomain and domain if `subdomain` is an address, such as of a page in Kommo."""
    subdomain = settings.get("subdomain")
    if not isinstance(subdomain, str):
        return {}
    address = _ADDRESS.fullmatch(subdomain.strip())
    if address is None:
        return {"subdomain": subdomain.strip()}
    label, domain = address[1].lower(), address[2].lower()
    if settings.get("domain", domain) != domain:
        return {}  # `_problems` reports it
    return {"subdomain": label, "domain": domain}


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    yield from oauth.problems(settings)
    subdomain = settings.get("subdomain")
    if subdomain is None:
        if "api_url" not in settings:
            yield "subdomain", "is required: mycompany if you sign in at mycompany.kommo.com"
    elif _ADDRESS.fullmatch(subdomain.strip()):
        yield "domain", "differs from the domain in `subdomain`; keep one of the two"
    elif not re.fullmatch(_LABEL, subdomain):
        yield "subdomain", "must be mycompany or an address such as mycompany.kommo.com"
    if not set(names_in(settings.get("with", ()))) <= set(WITH):
        yield "with", f"supports only {', '.join(WITH)}"
    entities = names_in(settings.get("event_entities", ()))
    if not all(re.fullmatch(ENTITY, entity) for entity in entities):
        allowed = "lead, contact, company, task, customer or catalog_<id>"
        yield "event_entities", f"supports only {allowed}"
    yield from _filter_problems(settings.get("filters", {}))


def _filter_problems(filters: Config) -> Iterator[tuple[str, str]]:
    for index in stages_without_pipeline(filters):
        what = "is required, unless `status_id` is 142 (won) or 143 (lost)"
        yield f"filters.statuses[{index}].pipeline_id", what
    for name in DATES:
        bounds = filters.get(name, {}).values()
        if not all(isinstance(unix_seconds(bound), int) for bound in bounds):
            yield f"filters.{name}", "must be a Unix timestamp in seconds or a date-time"


_STRINGS: Schema = {"type": ["array", "string"], "items": {"type": "string"}}

SETTINGS = SourceSettings(
    name="kommo",
    schema=source(
        "Kommo",
        "Leads of Kommo (formerly amoCRM).",
        {
            "subdomain": text(
                "Subdomain",
                "Your Kommo subdomain: `mycompany` if you sign in at mycompany.kommo.com, or the "
                "whole address, which sets `domain`, too. Required. The subdomain is also the "
                "account's name if `name` is not set.",
                examples=["mycompany"],
            ),
            "domain": one_of(
                "Domain",
                "Domain that you sign in at.",
                *_DOMAINS,
            ),
            "access_token": secret(
                "Access token",
                "Long-lived token. An administrator creates it: Settings > Integrations > Create "
                "integration > Private, with the scope for CRM data; then Keys and scopes > "
                "Generate long-lived token. Either this or `oauth` is required.",
            ),
            "oauth": oauth.setting(
                "An administrator creates a private integration as for `access_token`, with a "
                "redirect URI. Its tab Keys and scopes shows `client_id`, `client_secret` and "
                "`code`.",
                "Authorization code of the integration. It works once, within 20 minutes.",
            ),
            "with": {
                **_STRINGS,
                "title": "With",
                "description": "Related data that Kommo adds to each lead, as a list. Default: all "
                f"of it ({', '.join(WITH)}) except deselected columns.",
            },
            "custom_fields": one_of(
                "Custom fields",
                "`json`: emit custom fields in `custom_fields_values` only. `columns`: also emit a "
                "typed column `cf_<id>` for each custom field of leads, contacts, companies, "
                "customers and list elements; discovery then requests the lists of fields from "
                "the account.",
                "json",
                "columns",
            ),
            "event_types": {
                **_STRINGS,
                "title": "Event types",
                "description": "Event types to sync in `kommo_lead_events` and `kommo_events`, as "
                "a list. Default: all events.",
                "examples": [["lead_added", "entity_responsible_changed"]],
            },
            "event_entities": {
                **_STRINGS,
                "title": "Event entities",
                "description": "Entities whose events `kommo_events` has, as a list: lead, "
                "contact, company, task, customer, and catalog_<id> for the elements of a list. "
                f"Default: {', '.join(ENTITIES)}.",
                "examples": [["contact", "catalog_1057"]],
            },
            "note_types": {
                **_STRINGS,
                "title": "Note types",
                "description": "Note types to sync in `kommo_lead_notes`, `kommo_contact_notes` "
                "and `kommo_company_notes`, as a list. Default: all notes.",
                "examples": [["call_in", "call_out"]],
            },
            "query": text("Query", "Sync only leads with a field that matches this search text."),
        },
        filters=FILTERS,
        defaults=Defaults(
            "the account's own URL",
            "Default: the subdomain.",
            requests_per_second=6,
            lookback_seconds=600,
        ),
    ),
    label=_label,
    problems=_problems,
    normalize=_normalize,
    required=(("subdomain", "access_token"), *(("subdomain", *way) for way in oauth.WAYS)),
)
