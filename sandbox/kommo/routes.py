"""The paths of Kommo's API: what each one returns, and who may read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from sandbox.core.wire import Reply, Request, html_reply, json_reply
from sandbox.kommo import event_types, lead_wire, talks
from sandbox.kommo.account_info import account_info
from sandbox.kommo.leads import USERS
from sandbox.kommo.lists import HAL, Lists, asked_with
from sandbox.kommo.paths import table_of
from sandbox.kommo.problems import invalid, problem
from sandbox.kommo.query import LEAD_FILTERS, InvalidParameterError, nested, searching, several
from sandbox.kommo.resource import Listed, Resource
from sandbox.kommo.work import Unsorted

if TYPE_CHECKING:
    from sandbox.core.api import Api
    from sandbox.core.store import Lead
    from sandbox.kommo.account import Account
    from sandbox.kommo.paths import Scope
    from sandbox.kommo.table import Row, Table

_DAY = 86_400
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
_PATHS = {
    "lead": "leads",
    "contact": "contacts",
    "company": "companies",
    "task": "tasks",
    "customer": "customers",
}
"""The paths of the entities that events are about; the elements of a list have their own."""
Produce = Callable[[Request], Reply]
_EMPTY: Row = {"value_after": [], "value_before": []}
_ODD: Row = {"value_after": [["no object"], None, {"lead_status": "moved"}], "value_before": "none"}


class Routes:
    """The paths of an account.

    Args:
        api: The API, whose rows are the leads.
        account: The account's other data.
    """

    def __init__(self, api: Api, account: Account) -> None:
        self._api = api
        self._account = account
        self._options = account.options
        self._tables = account.tables
        self._lists = Lists(api, account.options)

    def answer(self, request: Request) -> Reply:  # noqa: PLR0911 - one return per rejection
        """Answer a request."""
        if self._options.subdomain == "missing":
            return html_reply(404)
        if self._options.subdomain == "redirect":
            return Reply(302, headers={"Location": self._options.start_page})
        if request.path.rstrip("/") == "/oauth2/access_token":
            return self._token(request)
        if not request.token or not self._account.oauth.accepts(request.token):
            return problem(401)
        path = request.path.partition("/api/v4/")[2].rstrip("/")
        for refused, status in self._refused().items():
            if f"{path}/".startswith(f"{refused.strip('/')}/".lstrip("/")):
                return problem(status)
        if request.method != "GET":
            return problem(405)
        if path == "account":
            content = account_info(nested(request.pairs), request.base, self._options)
            return json_reply(200, content, HAL)
        produce = self._produce(path.split("/"))
        if produce is None:
            return problem(404, f"Cannot GET {request.path}")
        return produce(request)

    def _refused(self) -> dict[str, int]:
        off = {} if self._options.has_customers else {"customers": 402}
        return {**off, **dict.fromkeys(self._options.forbidden, 403), **self._options.refused}

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return problem(405)
        oauth = self._account.oauth
        fault = oauth.faults.take()
        reply = self._api.failure(fault, request)
        if reply is None and fault.kind == "reset":
            reply = Reply(500)
        reply = reply or oauth.answer(request.body)
        reply.fault = fault
        if fault.kind == "half_json200":
            reply.body = reply.body[: len(reply.body) // 2]
        return reply

    def _produce(self, parts: list[str]) -> Produce | None:
        """Return the function that answers requests for a path, or `None` for unknown paths."""
        lists = {
            "leads": self._leads_page,
            "leads/links": self._links_of,
            "events": self._events_page,
            "events/types": _event_types,
        }
        path = "/".join(parts)
        if path in lists:
            return lambda request: self._api.listing(request, lists[path])
        rows = self._lists
        match parts:
            case ["leads", number] if number.isdigit():
                return lambda request: rows.row(request, self._leads(frozenset()), int(number))
            case ["leads", number, "links"] if number.isdigit():
                return lambda request: self._api.listing(request, self._links_of)
            case ["leads", "unsorted", "summary"]:
                return self._unsorted_summary
            case ["events", event_id]:
                return lambda request: rows.row(request, self._events(request), event_id)
        return self._produce_rows(parts)

    def _produce_rows(self, parts: list[str]) -> Produce | None:
        found = table_of(self._tables, parts)
        if found is None:
            match parts:
                case ["catalogs", number, "custom_fields"] if number.isdigit():
                    known = int(number) in self._tables["catalogs"].store.rows
                    return (lambda _request: self._api.empty()) if known else None
            return None
        table, scope, row_id = found
        refused = talks.refusal(parts, self._tables, self._options)
        if refused is not None:
            return lambda _request: refused
        if table.resource.admin and not self._options.admin:
            return lambda _request: problem(403)
        if row_id is None:
            return lambda request: self._api.listing(request, lambda r: self._rows(r, table, scope))
        return lambda request: self._lists.row(request, self._listed(table, scope), row_id)

    # -- leads and tables ------------------------------------------------------------------------

    def _leads(self, with_: frozenset[str]) -> Listed:
        deleted, options = "only_deleted" in with_, self._options
        own: Scope = ("own", lambda lead: lead["responsible_user_id"] == USERS[0])
        store = self._api.store
        return Listed(
            resource=LEAD,
            store=self._account.bin if deleted else store,
            encode=self._encode_lead,
            kind=(*lead_wire.kind(options), self._account.fields.revision),
            scopes=(own,) if options.own_leads_only else (),
            filtered=not deleted or options.only_deleted_filters,
        )

    def _leads_page(self, request: Request) -> Reply:
        return self._lists.page(request, self._leads(asked_with(nested(request.pairs))))

    def _encode_lead(self, lead: Lead, with_: frozenset[str], base: str) -> tuple[bytes, bytes]:
        return lead_wire.encode(self._account.current(lead), with_, base, self._options)

    def _listed(self, table: Table, scope: Scope | None, *, deleted: bool = False) -> Listed:
        scopes = [] if scope is None else [scope]
        if table.path == "talks" and self._options.talks_listed is not None:
            scopes.append(talks.recent(table, self._options.talks_listed))
        if table.path == "contacts" and self._options.hidden_contacts:
            scopes.append(("accepted", lambda contact: not contact["is_unsorted"]))
        store = table.bin if deleted and table.resource.recycles else table.store
        names = ("users", "roles", "statuses", "customers")
        others = [self._tables[name].revision for name in names]
        definitions = self._tables.get(f"{table.path}/custom_fields")
        revision = 0 if definitions is None else definitions.revision
        leads = len(self._api.store.rows) if table.path in {"contacts", "companies"} else 0
        resource, is_filtered = talks.ordered(table.resource, self._options), True
        if table.path == "customers" and not self._options.customers_filters:
            resource, is_filtered = replace(resource, orders=()), False
        return Listed(
            resource=resource,
            store=store,
            encode=table.encode,
            kind=(revision, leads, self._options.customers_mode, *others),
            scopes=tuple(scopes),
            filtered=is_filtered,
        )

    def _rows(self, request: Request, table: Table, scope: Scope | None) -> Reply:
        query = nested(request.pairs)
        if table is self._tables["elements"] and "id" in query:
            wanted = several(query["id"])
            elements = scope[1] if scope else None
            scope = (
                (scope, tuple(sorted(wanted))),
                lambda row: str(row["id"]) in wanted and (elements is None or elements(row)),
            )
        deleted = self._options.people_bin and "only_deleted" in asked_with(query)
        return self._lists.page(request, self._listed(table, scope, deleted=deleted))

    # -- events ----------------------------------------------------------------------------------

    def _events(self, request: Request) -> Listed:
        options, scopes = self._options, []
        if options.events_retention_days is not None:
            oldest = int(self._api.clock.now() - options.events_retention_days * _DAY)
            kept: Scope = (oldest, lambda event: event["created_at"] >= oldest)
            scopes.append(kept)
        order, descending = _EVENT_ORDERS[options.events_order]
        return Listed(
            resource=replace(event_types.EVENT, order=order, descending=descending),
            store=self._account.history.events(),
            encode=self._encode_event,
            kind=(options.event_values, request.clock if "with" in request.query else None),
            scopes=tuple(scopes),
            shuffled=options.events_ties == "shuffled",
            max_limit=options.events_limit,
        )

    def _events_page(self, request: Request) -> Reply:
        try:
            event_types.check(nested(request.pairs).get("filter"))
        except InvalidParameterError as error:
            return invalid(error)
        return self._lists.page(request, self._events(request))

    def _encode_event(self, event: Lead, with_: frozenset[str], base: str) -> tuple[bytes, bytes]:
        kind, entity_id = event["entity_type"], event["entity_id"]
        path = _PATHS.get(kind) or f"catalogs/{kind.removeprefix('catalog_')}/elements"
        link = {"self": {"href": f"{base}/api/v4/{path}/{entity_id}"}}
        entity: Row = {"id": entity_id, "_links": link}
        if f"{kind}_name" in with_ and kind in _PATHS:
            rows = (self._api if kind == "lead" else self._tables[path]).store.rows
            entity["name"] = rows.get(entity_id, {}).get("name")
        values = {"full": event, "empty": _EMPTY, "odd": _ODD}[self._options.event_values]
        own = {"self": {"href": f"{base}/api/v4/events/{event['id']}"}}
        return msgspec.json.encode(
            {**event, **values, "_links": own, "_embedded": {"entity": entity}}
        ), b""

    # -- other responses -------------------------------------------------------------------------

    def _links_of(self, request: Request) -> Reply:
        """Return the links of the lead in the path, or of those in `filter[entity_id]`."""
        query, parts = nested(request.pairs), request.path.rstrip("/").split("/")
        filters = query.get("filter")
        filters = filters if isinstance(filters, dict) else {}
        wanted = {parts[-2]} if parts[-2].isdigit() else several(filters.get("entity_id", ""))
        rows = self._api.store.rows
        leads = [rows[int(each)] for each in sorted(wanted) if each.isdigit() and int(each) in rows]
        links = [link for lead in leads for link in lead_wire.links(lead)]
        for name in ("to_entity_id", "to_entity_type"):
            if name in filters:
                links = [link for link in links if str(link[name]) in several(filters[name])]
        return _bare(request, "links", links) if links else self._api.empty()

    def _unsorted_summary(self, request: Request) -> Reply:
        table = self._tables["leads/unsorted"]
        assert isinstance(table, Unsorted)  # noqa: S101 - for the type checker
        link = {"self": {"href": f"{request.base}{request.path}"}}
        return json_reply(200, {**table.summary(), "_links": link}, HAL)


def _event_types(request: Request) -> Reply:
    types = [
        {"key": name, "type": number, "lang": name.replace("_", " ").capitalize()}
        for number, name in enumerate(event_types.TYPES, 1)
    ]
    return _bare(request, "events_types", types, _total_items=len(types))


def _bare(request: Request, key: str, rows: list[Row], **meta: object) -> Reply:
    """Return a list without pages."""
    links = {"self": {"href": f"{request.base}{request.path}"}}
    reply = json_reply(200, {**meta, "_links": links, "_embedded": {key: rows}}, HAL)
    reply.rows = len(rows)
    return reply
