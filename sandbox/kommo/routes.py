"""Which of Kommo's paths is about what, and who may read it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from sandbox.core.wire import Reply, Request, json_reply
from sandbox.kommo import event_types, lead_wire
from sandbox.kommo.account import account
from sandbox.kommo.leads import USERS
from sandbox.kommo.lists import HAL, Listed, Lists, Resource, asked_with
from sandbox.kommo.query import LEAD_FILTERS, InvalidParameterError, nested, searching, several
from sandbox.kommo.work import Unsorted

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.core.store import Collection, Lead
    from sandbox.kommo.events import History
    from sandbox.kommo.fields import Fields
    from sandbox.kommo.oauth import OAuth
    from sandbox.kommo.query import Test
    from sandbox.kommo.table import Row, Table

_DAY = 86_400
_SCOPED = frozenset({"statuses", "elements"})
"""Tables whose rows are served under the row that they belong to."""
_WITH_NOTES = frozenset({"leads", "contacts", "companies"})
_EVENT_ORDERS = {
    "newest_first": ("created_at", True),
    "oldest_first": ("created_at", False),
    "shuffled": ("shuffle", False),
}
LEAD = Resource(
    key="leads",
    orders=("created_at", "updated_at", "id"),
    filters=LEAD_FILTERS,
    search=searching,
    noted=True,
)
Scope = tuple[Any, "Test"]


_EMPTY: Row = {"value_after": [], "value_before": []}
_ODD: Row = {"value_after": [["no object"], None, {"lead_status": "moved"}], "value_before": "none"}


class Routes(Lists):
    """Kommo's paths. What they are about is made by whoever inherits this."""

    oauth: OAuth
    tables: dict[str, Table]
    fields: Fields
    contacts: Table
    companies: Table
    _bin: Collection
    _history: History

    @override
    def _route(self, request: Request) -> Reply:  # noqa: PLR0911 - one a refusal
        if request.path.rstrip("/") == "/oauth2/access_token":
            return self._token(request)
        if not request.token or not self.oauth.accepts(request.token):
            return self._error(401)
        path = request.path.partition("/api/v4/")[2].rstrip("/")
        if any(f"{path}/".startswith(f"{each.strip('/')}/") for each in self.options.forbidden):
            return self._error(403)
        if request.method != "GET":
            return self._error(405)
        if path == "account":
            content = account(nested(request.pairs), request.base, self.options.timezone)
            return json_reply(200, content, HAL)
        produce = self._produce(path.split("/"))
        if produce is None:
            return self._problem(404, f"Cannot GET {request.path}")
        return produce(request)

    @override
    def _token_of(self, request: Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return self._error(405)
        fault = self.oauth.faults.take()
        reply = self._instead(fault, request)
        if reply is None and fault.kind == "reset":
            reply = Reply(500)
        reply = reply or self.oauth.answer(request.body)
        reply.fault = fault
        if fault.kind == "half_json200":
            reply.body = reply.body[: len(reply.body) // 2]
        return reply

    def _produce(self, parts: list[str]) -> Callable[[Request], Reply] | None:
        """What answers a request for that path; `None` if there is no such path."""
        lists = {
            "leads": self._leads_page,
            "leads/links": self._links_of,
            "events": self._events_page,
            "events/types": self._event_types,
        }
        path = "/".join(parts)
        if path in lists:
            return lambda request: self._listing(request, lists[path])
        match parts:
            case ["leads", number] if number.isdigit():
                return lambda request: self._one(request, self._leads(frozenset()), int(number))
            case ["leads", number, "links"] if number.isdigit():
                return lambda request: self._listing(request, self._links_of)
            case ["leads", "unsorted", "summary"]:
                return self._unsorted_summary
            case ["events", event_id]:
                return lambda request: self._one(request, self._events(request), event_id)
        return self._produce_rows(parts)

    def _produce_rows(self, parts: list[str]) -> Callable[[Request], Reply] | None:
        found = self._table(parts)
        if found is None:
            match parts:
                case ["catalogs", number, "custom_fields"] if number.isdigit():
                    known = int(number) in self.tables["catalogs"].store.rows
                    return (lambda _request: self._empty()) if known else None
            return None
        table, scope, row_id = found
        if table.resource.admin and not self.options.admin:
            return lambda _request: self._error(403)
        if row_id is None:
            return lambda request: self._listing(request, lambda r: self._rows(r, table, scope))
        return lambda request: self._one(request, self._listed(table, scope), row_id)

    def _table(self, parts: list[str]) -> tuple[Table, Scope | None, Any] | None:
        """The table that a path is about, which of its rows, and the id of a single one."""
        match parts:
            case ["leads", "pipelines", number, "statuses", *rest] if number.isdigit():
                row_id = (int(number), int(rest[0])) if rest and rest[0].isdigit() else None
                return self.tables["statuses"], _belongs("pipeline_id", number), row_id
            case ["catalogs", number, "elements", *rest] if number.isdigit():
                row_id = _id(rest[0]) if rest else None
                return self.tables["elements"], _belongs("catalog_id", number), row_id
            case [entity, number, "notes", *rest] if entity in _WITH_NOTES and number.isdigit():
                row_id = _id(rest[0]) if rest else None
                return self.tables[f"{entity}/notes"], _belongs("entity_id", number), row_id
        path = "/".join(parts)
        if path in self.tables and path not in _SCOPED:
            return self.tables[path], None, None
        path = "/".join(parts[:-1])
        if path in self.tables and path not in _SCOPED:
            return self.tables[path], None, _id(parts[-1])
        return None

    # -- lists ---------------------------------------------------------------------------------

    def _leads(self, with_: frozenset[str]) -> Listed:
        deleted, options = "only_deleted" in with_, self.options
        own: Scope = ("own", lambda lead: lead["responsible_user_id"] == USERS[0])
        store = self._ready()
        return Listed(
            resource=LEAD,
            store=self._bin if deleted else store,
            halves=self._lead_halves,
            kind=(*lead_wire.kind(options), self.fields.revision),
            scopes=(own,) if options.own_leads_only else (),
            filtered=not deleted or options.only_deleted_filters,
        )

    def _leads_page(self, request: Request) -> Reply:
        return self._list(request, self._leads(asked_with(nested(request.pairs))))

    def _lead_halves(self, lead: Lead, with_: frozenset[str], base: str) -> tuple[bytes, bytes]:
        return lead_wire.halves(self.current(lead), with_, base, self.options)

    def current(self, lead: Lead) -> Lead:
        """The lead with the values of its custom fields by the definitions as they are now."""
        customs = self.fields.current(lead["custom_fields_values"], lead["id"])
        same = customs is lead["custom_fields_values"]
        return lead if same else {**lead, "custom_fields_values": customs}

    def _listed(self, table: Table, scope: Scope | None, *, deleted: bool = False) -> Listed:
        scopes = [] if scope is None else [scope]
        if table is self.contacts and self.options.hidden_contacts:
            scopes.append(("accepted", lambda contact: not contact["is_unsorted"]))
        store = table.bin if deleted and table.resource.recycles else table.store
        others = [self.tables[name].revision for name in ("users", "roles", "statuses")]
        definitions = self.tables.get(f"{table.path}/custom_fields")
        revision = 0 if definitions is None else definitions.revision
        leads = len(self._ready().rows) if table in {self.contacts, self.companies} else 0
        return Listed(
            resource=table.resource,
            store=store,
            halves=table.halves,
            kind=(revision, leads, *others),
            scopes=tuple(scopes),
        )

    def _rows(self, request: Request, table: Table, scope: Scope | None) -> Reply:
        query = nested(request.pairs)
        if table is self.tables["elements"] and "id" in query:
            wanted = several(query["id"])
            elements = scope[1] if scope else None
            scope = (
                (scope, tuple(sorted(wanted))),
                lambda row: str(row["id"]) in wanted and (elements is None or elements(row)),
            )
        deleted = "only_deleted" in asked_with(query)
        return self._list(request, self._listed(table, scope, deleted=deleted))

    def _events(self, request: Request) -> Listed:
        options, scopes = self.options, []
        if options.events_retention_days is not None:
            oldest = int(self.clock.now() - options.events_retention_days * _DAY)
            kept: Scope = (oldest, lambda event: event["created_at"] >= oldest)
            scopes.append(kept)
        order, descending = _EVENT_ORDERS[options.events_order]
        return Listed(
            resource=replace(event_types.EVENT, order=order, descending=descending),
            store=self._history.events(),
            halves=self._event_halves,
            kind=(options.event_values, request.clock if "with" in request.query else None),
            scopes=tuple(scopes),
            shuffled=options.events_ties == "shuffled",
            max_limit=options.events_limit,
        )

    def _events_page(self, request: Request) -> Reply:
        try:
            event_types.check(nested(request.pairs).get("filter"))
        except InvalidParameterError as error:
            return self._invalid(error)
        return self._list(request, self._events(request))

    def _event_halves(self, event: Lead, with_: frozenset[str], base: str) -> tuple[bytes, bytes]:
        kind, entity_id = event["entity_type"], event["entity_id"]
        path = {"lead": "leads", "contact": "contacts", "company": "companies"}[kind]
        link = {"self": {"href": f"{base}/api/v4/{path}/{entity_id}"}}
        entity: Row = {"id": entity_id, "_links": link}
        if f"{kind}_name" in with_:
            rows = self._store.rows if kind == "lead" else self.tables[path].store.rows
            entity["name"] = rows.get(entity_id, {}).get("name")
        values = {"full": event, "empty": _EMPTY, "odd": _ODD}[self.options.event_values]
        own = {"self": {"href": f"{base}/api/v4/events/{event['id']}"}}
        return msgspec.json.encode(
            {**event, **values, "_links": own, "_embedded": {"entity": entity}}
        ), b""

    def _event_types(self, request: Request) -> Reply:
        types = [
            {"key": name, "type": number, "lang": name.replace("_", " ").capitalize()}
            for number, name in enumerate(event_types.TYPES, 1)
        ]
        return _bare(request, "events_types", types, _total_items=len(types))

    def _links_of(self, request: Request) -> Reply:
        """The links of a lead, or of those in `filter[entity_id]`."""
        query, parts = nested(request.pairs), request.path.rstrip("/").split("/")
        filters = query.get("filter")
        filters = filters if isinstance(filters, dict) else {}
        wanted = {parts[-2]} if parts[-2].isdigit() else several(filters.get("entity_id", ""))
        rows = self._ready().rows
        leads = [rows[int(each)] for each in sorted(wanted) if each.isdigit() and int(each) in rows]
        links = [link for lead in leads for link in lead_wire.links(lead)]
        for name in ("to_entity_id", "to_entity_type"):
            if name in filters:
                links = [link for link in links if str(link[name]) in several(filters[name])]
        return _bare(request, "links", links) if links else self._empty()

    def _unsorted_summary(self, request: Request) -> Reply:
        table = self.tables["leads/unsorted"]
        assert isinstance(table, Unsorted)  # noqa: S101 - so that the types are known
        link = {"self": {"href": f"{request.base}{request.path}"}}
        return json_reply(200, {**table.summary(), "_links": link}, HAL)


def _bare(request: Request, key: str, rows: list[Row], **meta: object) -> Reply:
    """A list that is not paged, of rows that are there for one answer."""
    links = {"self": {"href": f"{request.base}{request.path}"}}
    reply = json_reply(200, {**meta, "_links": links, "_embedded": {key: rows}}, HAL)
    reply.rows = len(rows)
    return reply


def _belongs(name: str, number: str) -> Scope:
    owner = int(number)
    return (name, owner), lambda row: row[name] == owner


def _id(text: str) -> Any:
    return int(text) if text.isdigit() else text
