"""Kommo's API v4: https://developers.kommo.com/reference/leads-list."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from typing_extensions import override

from sandbox import kommo_leads
from sandbox.api import Api, World
from sandbox.kommo_account import account, long_lived_token
from sandbox.kommo_query import (
    Filters,
    InvalidParameterError,
    integer,
    nested,
    read_filters,
    searching,
    within,
)
from sandbox.options import KommoOptions
from sandbox.store import Collection, Entry, Key, Lead, between, pick
from sandbox.wire import Reply, Request, html_reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.people import Arrival

_HAL = "application/hal+json"
_PROBLEM = "application/problem+json"
_MAX_LIMIT = 250
_DEFAULT_LIMIT = 50
_ORDERS = ("created_at", "updated_at", "id")
_ERRORS = {
    400: ("Bad Request", "Request validation failed"),
    401: ("Unauthorized", "Invalid user name or password"),
    402: ("Payment Required", "Account is not paid"),
    403: ("Forbidden", "Client doesn't have the required scope"),
    404: ("Not Found", "Cannot find the requested resource"),
    405: ("Method Not Allowed", "Method not allowed"),
    429: ("Too Many Requests", "Too many requests"),
    500: ("Internal Server Error", "Internal server error"),
}
_ALWAYS = frozenset({"id", "updated_by", "updated_at", "account_id"})


class Kommo(Api):
    """Kommo. A deleted lead goes to the recycle bin, which `with=only_deleted` lists."""

    options: KommoOptions

    def __init__(self, slot: str, world: World) -> None:
        super().__init__(slot, world)
        self.options = KommoOptions()
        self.token = long_lived_token(world.seed)
        self.tokens = {self.token}
        self._bin = Collection(self._key)
        self._next_id = 20_024_930

    @property
    def bin(self) -> dict[Any, Lead]:
        """The leads in the recycle bin by id, as they were."""
        with self.lock:
            self._ready()
            self._bin.doubt()
            return self._bin.rows

    def restore(self, which: int | Iterable[Any]) -> list[Any]:
        """Take leads out of the recycle bin; returns their ids."""
        with self.lock:
            ids = pick(self._bin.rows, which, self.rng)
            for lead_id in ids:
                lead = self._bin.remove(lead_id, self._visible_at())
                lead = {**lead, "is_deleted": False, "updated_at": int(self.clock.now())}
                self._store.put(lead_id, lead, self._visible_at())
            return ids

    def purge(self, which: int | Iterable[Any]) -> list[Any]:
        """Empty the recycle bin of these leads; returns their ids."""
        with self.lock:
            ids = pick(self._bin.rows, which, self.rng)
            for lead_id in ids:
                self._bin.remove(lead_id, self._visible_at())
            return ids

    # -- leads ---------------------------------------------------------------------------------

    @override
    def _key(self, name: str) -> Key:
        return itemgetter(name)

    @override
    def _new(self, arrival: Arrival) -> tuple[Any, Lead]:
        self._next_id += self.rng.choice((2, 2, 4, 6, 14))
        return self._next_id, kommo_leads.new_lead(self.rng, arrival, self._next_id)

    @override
    def _changed(self, lead: Lead, at: float | None, fields: dict[str, object]) -> Lead:
        changes = fields or kommo_leads.something_happens(self.rng, lead)
        moment = {} if at is None else {"updated_at": int(at)}
        return {**lead, **moment, **changes}

    @override
    def _deleted(self, lead: Lead) -> None:
        gone = {**lead, "is_deleted": True, "updated_at": int(self.clock.now())}
        self._bin.put(lead["id"], gone, self._visible_at())

    @override
    def _rendered(self, lead: Lead) -> Lead:
        fields, embedded = self._parts(lead, frozenset(kommo_leads.WITH), self.url)
        link = {"self": {"href": f"{self.url}/api/v4/leads/{lead['id']}"}}
        return {**fields, "_links": link, "_embedded": embedded}

    def _parts(self, lead: Lead, with_: frozenset[str], base: str) -> tuple[Lead, Lead]:
        """The lead's own fields and its `_embedded`, with what was asked for and no more."""
        options = self.options
        left_out = {"_embedded"} | ({"source_id", "is_price_modified_by_robot"} - with_)
        if not options.minor_units:
            left_out.add("price_with_minor_units")
        fields = {name: value for name, value in lead.items() if name not in left_out}
        stored = lead["_embedded"]
        root = f"{base}/api/v4"
        embedded = {
            "tags": stored["tags"],
            "companies": [_linked(f"{root}/companies", number) for number in stored["companies"]],
        }
        if "contacts" in with_:
            embedded["contacts"] = [
                {"id": number, "is_main": place == 0, **_linked(f"{root}/contacts", number)}
                for place, number in enumerate(stored["contacts"])
            ]
        if "loss_reason" in with_:
            number = stored["loss_reason"]
            reasons = [] if number is None else [kommo_leads.loss_reason(number, base)]
            as_object = options.loss_reason == "object"
            embedded["loss_reason"] = next(iter(reasons), None) if as_object else reasons
        if "catalog_elements" in with_:
            embedded["catalog_elements"] = [
                _element(element, options.quantity) for element in stored["catalog_elements"]
            ]
        if "source" in with_ and options.with_source:
            embedded["source"] = stored["source"]
        return fields, embedded

    # -- answers -------------------------------------------------------------------------------

    @override
    def _route(self, request: Request) -> Reply:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token.strip() not in self.tokens:
            return self._error(401)
        match (request.method, request.path.partition("/api/v4/")[2].rstrip("/").split("/")):
            case ("GET", ["leads"]):
                return self._listing(request, self._list)
            case ("GET", ["leads", number]) if number.isdigit():
                return self._one(request, int(number))
            case ("GET", ["account"]):
                return json_reply(200, account(nested(request.pairs), request.base), _HAL)
            case ("GET", _):
                return self._problem(404, f"Cannot GET {request.path}")
            case _:
                return self._error(405)

    def _list(self, request: Request) -> Reply:
        query = nested(request.pairs)
        try:
            page, limit = self._page_and_limit(query)
            filters = read_filters(query.get("filter"), self.options)
        except InvalidParameterError as error:
            return self._invalid(error)
        size = min(limit, self.options.page_cap or limit)
        self._refuse_heavy(limit)
        ceiling = self.options.page_ceiling
        if ceiling is not None and page > ceiling and self.options.page_ceiling_status == 504:  # noqa: PLR2004
            return html_reply(504)
        if (ceiling is not None and page > ceiling) or self._starved(beyond_first=page > 1):
            return self._empty()
        with_ = frozenset(str(query.get("with", "")).replace(" ", "").split(","))
        store = self._bin if "only_deleted" in with_ else self._store
        store.settle(self.clock.now())
        entries = self._find(store, query, filters)
        start = (page - 1) * size
        ids = self._page(entries, start, start + size)
        if not ids:
            return self._empty()
        more = start + size < len(entries)
        more = (
            more or (self.options.last_page_next and len(ids) == size) or self.options.always_next
        )
        links = self._links(request, page, limit, more=more)
        rows = self._fragments(store, ids, with_, request.base, f"?page={page}&limit={limit}")
        head = b'{"_page":%d,"_links":%s,"_embedded":{"leads":[' % (
            page,
            msgspec.json.encode(links),
        )
        return Reply(200, head + b",".join(rows) + b"]}}", _HAL, rows=len(ids))

    def _page_and_limit(self, query: dict[str, Any]) -> tuple[int, int]:
        page = integer(query.get("page", "1"), "page")
        limit = integer(query.get("limit", str(_DEFAULT_LIMIT)), "limit")
        if page < 1:
            raise InvalidParameterError("page", "This value should be greater than 0.")
        if limit == 0 and not self.options.limit_zero_error:
            limit = _DEFAULT_LIMIT
        if limit < 1 or (limit > _MAX_LIMIT and self.options.limit_out_of_range == "error"):
            raise InvalidParameterError("limit", f"This value should be 1 to {_MAX_LIMIT}.")
        return page, min(limit, _MAX_LIMIT)

    def _find(self, store: Collection, query: dict[str, Any], filters: Filters) -> list[Entry]:
        """The list in the order asked for; only the first `order` key counts."""
        name, descending = "id", False
        order = query.get("order")
        if isinstance(order, dict) and not self.options.ignore_order:
            asked = next(((key, way) for key, way in order.items() if key in _ORDERS), None)
            if asked is not None:
                name, descending = asked[0], str(asked[1]).lower() == "desc"
        ignored = self.options.ignore_filters or (
            store is self._bin and not self.options.only_deleted_filters
        )
        entries = store.sorted(name)
        if not ignored:
            entries = self._narrow(store, name, filters, query)
        return entries[::-1] if descending else entries

    def _narrow(
        self, store: Collection, name: str, filters: Filters, query: dict[str, Any]
    ) -> list[Entry]:
        words = query.get("query")
        if isinstance(words, str) and words:
            filters.tests.append(searching(words))
        entries = store.sorted(name)
        low, high = filters.ranges.pop(name, (None, None))
        if low is not None or high is not None:
            entries = between(entries, low, high)
        if not filters.ranges and not filters.tests:
            return entries

        def find() -> list[Entry]:
            return [
                entry
                for entry in entries
                if within(lead := store.shown[entry[1]], filters.ranges)
                and all(test(lead) for test in filters.tests)
            ]

        settings = (self.options.strict_bounds, self.options.statuses_filter,
                    self.options.custom_fields_filter)  # fmt: skip
        return store.found((name, str(query.get("filter")), words, settings), find)

    def _fragments(
        self, store: Collection, ids: list[Any], with_: frozenset[str], base: str, junk: str
    ) -> list[bytes]:
        """The leads in JSON; their `self` links repeat the page, as Kommo's do."""
        options = self.options
        kind = (with_, base, options.with_source, options.minor_units, options.loss_reason,
                options.quantity)  # fmt: skip
        known = store.fragments.setdefault(kind, {})
        middle = junk.encode()
        rows = []
        for lead_id in ids:
            lead = store.shown[lead_id]
            fragment = known.get(lead_id)
            if fragment is None or fragment[0] is not lead:
                fragment = known[lead_id] = (lead, *self._halves(lead, with_, base))
            rows.append(fragment[1] + middle + fragment[2])
        return rows

    def _halves(self, lead: Lead, with_: frozenset[str], base: str) -> tuple[bytes, bytes]:
        """A lead in JSON, cut where the query of its `self` link goes."""
        link = f',"_links":{{"self":{{"href":"{base}/api/v4/leads/{lead["id"]}'.encode()
        if lead["is_deleted"]:
            bare = {name: lead[name] if name in _ALWAYS else None for name in lead}
            bare["is_deleted"] = True
            for name in ("price_with_minor_units", "source_id", "is_price_modified_by_robot",
                         "is_price_computed", "labor_cost", "_embedded"):  # fmt: skip
                del bare[name]
            return msgspec.json.encode(bare)[:-1] + link, b'"}}}'
        fields, embedded = self._parts(lead, with_, base)
        tail = b'"}},"_embedded":' + msgspec.json.encode(embedded) + b"}"
        return msgspec.json.encode(fields)[:-1] + link, tail

    def _links(self, request: Request, page: int, limit: int, *, more: bool) -> dict[str, Any]:
        rest = [pair for pair in request.pairs if pair[0] not in {"page", "limit"}]

        def href(number: int, base: str = request.base) -> dict[str, str]:
            pairs = [("page", str(number)), ("limit", str(limit)), *rest]
            return {"href": f"{base}{request.path}?{urlencode(pairs, quote_via=quote)}"}

        links = {"self": href(page)}
        if more:
            base = request.base
            if self.options.foreign_next is not None:
                base = f"{self.options.foreign_next.rstrip('/')}/{self.slot}"
            links["next"] = href(page if self.options.repeat_next else page + 1, base)
        if page > 1:
            links["prev"] = href(page - 1)
        return links

    def _one(self, request: Request, lead_id: int) -> Reply:
        store = self._ready()
        store.settle(self.clock.now())
        if lead_id not in store.rows:
            missing = self.options.missing_lead
            return self._empty() if missing == 204 else self._problem(404, "Lead not found")  # noqa: PLR2004
        with_ = frozenset(str(nested(request.pairs).get("with", "")).split(","))
        first, second = self._halves(store.rows[lead_id], with_, request.base)
        return Reply(200, first + second, _HAL, rows=1)

    # -- errors --------------------------------------------------------------------------------

    @override
    def _error(self, status: int) -> Reply:
        return self._problem(status, _ERRORS.get(status, ("", "Internal server error"))[1])

    def _problem(self, status: int, detail: str, **more: object) -> Reply:
        title = _ERRORS.get(status, ("Internal Server Error", ""))[0]
        content = {"title": title, "type": f"https://httpstatus.es/{status}", "status": status}
        return json_reply(status, {**more, **content, "detail": detail}, _PROBLEM)

    def _invalid(self, error: InvalidParameterError) -> Reply:
        fault = {"code": "InvalidType", "path": error.path, "detail": error.detail}
        errors = [{"request_id": "0", "errors": [fault]}]
        return self._problem(400, _ERRORS[400][1], **{"validation-errors": errors})

    @override
    def _empty(self) -> Reply:
        return Reply(204)

    @override
    def _finish(self, reply: Reply) -> None:
        reply.headers["X-Request-Id"] = f"{self._order_rng.getrandbits(128):032x}"


def _linked(path: str, number: int) -> dict[str, Any]:
    return {"id": number, "_links": {"self": {"href": f"{path}/{number}"}}}


def _element(element: dict[str, Any], quantity: str) -> dict[str, Any]:
    metadata = {name: element[name] for name in ("quantity", "catalog_id", "price_id")}
    if quantity == "metadata":
        return {"id": element["id"], "metadata": metadata}
    return {"id": element["id"], "quantity": metadata.pop("quantity"), "metadata": metadata}
