"""Kommo's events of contacts, companies, tasks, customers and other entities.

https://developers.kommo.com/reference/events-list

Kommo documents `filter[entity]` for one entity, and the vendor's SDK sends a list. The tap requests
one entity at a time, which both support, and checks each event (apis/kommo.md 61).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tap_leads.replication.merged import MergedTimeSlices, Part
from tap_leads.replication.model import Page
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.rest.errors import PermanentError
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import CREATED_AT, UNSORTED, names_in
from tap_leads.sources.kommo.customers import has_customers
from tap_leads.sources.kommo.events import event_columns, event_params, event_types, is_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tap_leads.replication.model import AccountLists, Query, Record, Row
    from tap_leads.replication.pagination import Position
    from tap_leads.sources.base import Settings

ENTITIES = ("contact", "company", "task", "customer")
"""The entities whose events are read unless the settings have others."""
ENTITY = r"lead|contact|company|task|customer|catalog_\d+"
"""The entities whose events Kommo can list; `catalog_<id>` is a list, for its elements."""


def _entities(settings: Settings) -> Sequence[str]:
    return list(dict.fromkeys(names_in(settings.get("event_entities", ())))) or ENTITIES


def _is_about(event: Record, entity: str) -> bool:
    """Return True if an event is about an entity, or about an element of an unnamed list."""
    kind = event.get("entity_type")
    return kind == entity or (
        entity.startswith("catalog_")
        and isinstance(kind, str)
        and re.fullmatch(r"catalog(?!_\d).*", kind) is not None
    )


def _owns(row: Row, entity: str, entities: Sequence[str]) -> bool:
    """Return True unless an event is about another of the entities, which has its own request."""
    event = row.record
    return _is_about(event, entity) or not any(_is_about(event, each) for each in entities)


class _Events:
    """The events of one entity; none of customers if the account has none and Kommo refuses."""

    def __init__(self, account: AccountLists, entity: str, stream: StreamSpec) -> None:
        self._account, self._entity = account, entity
        self._collection = account.collection(stream)
        self.traits, self.paginator = self._collection.traits, self._collection.paginator
        self.now = self._collection.now

    def fetch(self, query: Query, at: Position | None = None) -> Page:
        try:
            return self._collection.fetch(query, at)
        except PermanentError as error:
            is_theirs = self._entity == "customer" and not error.fatal_for_account
            if not is_theirs or has_customers(self._account):
                raise
            return Page((), has_more=False)


def _parts(account: AccountLists) -> list[Part]:
    """Return the list of the events of each entity."""
    types, entities = event_types(account.settings), _entities(account.settings)
    lists = [(name, replace(EVENTS, params=event_params(types, name))) for name in entities]
    return [
        Part(_Events(account, name, stream), partial(_owns, entity=name, entities=entities))
        for name, stream in lists
    ]


def _params(settings: Settings, _deselected: Collection[str]) -> dict[str, str]:
    """Return the filter for the events of all entities; they are read so if filters are ignored."""
    types = event_types(settings)
    return {"filter[type]": ",".join(types)} if types else {}


def _is_wanted(event: Record, settings: Settings) -> bool:
    is_theirs = any(_is_about(event, entity) for entity in _entities(settings))
    return is_of(event_types(settings), event, event["entity_type"]) and is_theirs


EVENTS = StreamSpec(
    name="kommo_events",
    path="/events",
    replication_key=CREATED_AT,
    paginator=PageNumberPaginator,
    strategy=MergedTimeSlices(_parts),
    traits=UNSORTED,
    params=_params,
    wanted=_is_wanted,
    optional=True,
    selected_by_default=False,
    columns=event_columns(
        "record", "contact, company, task, customer, lead or catalog_<id>", "contact_added"
    ),
)
