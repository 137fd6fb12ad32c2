"""How Kommo answers: any list, any single row, and every refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from typing_extensions import override

from sandbox.core.api import Api
from sandbox.core.store import between, page_of
from sandbox.core.wire import Reply, Request, html_reply, json_reply
from sandbox.kommo.query import (
    Filters,
    InvalidParameterError,
    Reader,
    Test,
    integer,
    nested,
    read_filters,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from sandbox.core.options import KommoOptions
    from sandbox.core.store import Collection, Entry, Key, Lead

HAL = "application/hal+json"
_PROBLEM = "application/problem+json"
MAX_LIMIT = 250
_DEFAULT_LIMIT = 50
_LOOKS = 64
"""Rows are remembered as they look in so many ways; more is memory without use."""
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


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of list, as Kommo's pages describe it."""

    key: str
    """Its name in `_embedded`."""
    orders: tuple[str, ...] = ()
    """What `order[...]` knows; anything else is passed over."""
    filters: Mapping[str, Reader] = field(default_factory=dict)
    order: str = "id"
    """What a list is sorted by when nothing is asked for."""
    descending: bool = False
    totals: bool = False
    """The envelope says how many rows and pages there are."""
    paged: bool = True
    search: Callable[[str], Test] | None = None
    """The test of `query`, where there is one."""
    noted: bool = False
    """Whether the `self` links of rows repeat the page that they are on."""
    admin: bool = False
    """For administrators alone."""
    linked: bool = True
    """Rows have a `self` link."""
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Parts of a row that come only for a value of `with`, by that value."""
    recycles: bool = False
    """Deleted rows are there with `with=only_deleted`."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What a request is about: the rows, and how they look."""

    resource: Resource
    store: Collection
    halves: Callable[[Lead, frozenset[str], str], tuple[bytes, bytes]]
    """A row in JSON, cut where the query of its `self` link goes."""
    kind: tuple[Hashable, ...] = ()
    """What the look of a row depends on, besides the row and `with`."""
    scopes: tuple[tuple[Hashable, Test], ...] = ()
    """What holds for every row, each with what tells it from other such conditions."""
    filtered: bool = True
    """Whether filters have an effect."""
    shuffled: bool | None = None
    """Whether rows equal in the sort key have no order; `None` is as the options say, where an
    order was asked for."""
    max_limit: int = MAX_LIMIT


class Window(NamedTuple):
    """Where in a list a page is."""

    page: int
    limit: int
    pages: int
    more: bool


class Lists(Api):
    """What all of Kommo's lists have in common."""

    options: KommoOptions

    @override
    def _key(self, name: str) -> Key:
        return itemgetter(name)

    def _list(self, request: Request, listed: Listed) -> Reply:
        query, resource = nested(request.pairs), listed.resource
        try:
            page, limit = self._page_and_limit(query, listed)
            filters = read_filters(query.get("filter"), resource.filters, self.options)
        except InvalidParameterError as error:
            return self._invalid(error)
        store = listed.store
        store.settle(self.clock.now())
        if not resource.paged:
            page, limit = 1, max(len(store.shown), 1)
        size = min(limit, self.options.page_cap or limit) if resource.paged else limit
        refused = self._beyond(page, limit) if resource.paged else None
        if refused is not None:
            return refused
        with_ = asked_with(query)
        name, descending = self._order(resource, query.get("order"))
        entries = self._find(listed, name, query, filters)
        entries = entries[::-1] if descending else entries
        start = (page - 1) * size
        shuffled = listed.shuffled
        if shuffled is None:
            shuffled = name != resource.order and self.options.ties == "shuffled"
        ids = page_of(entries, start, start + size, self._order_rng if shuffled else None)
        if not ids:
            return self._empty()
        more = start + size < len(entries)
        more = (
            more or (self.options.last_page_next and len(ids) == size) or self.options.always_next
        )
        hidden = self.options.hidden_places
        ids = [each for place, each in enumerate(ids, start) if place not in hidden]
        chosen_of = len(entries)
        ids = self._left_of(ids, store)
        meta: dict[str, Any] = {"_page": page} if resource.paged else {}
        pages = ceil(chosen_of / size)
        if resource.totals:
            counted = {"_page_count": pages} if resource.paged else {}
            meta = {"_total_items": chosen_of, **meta, **counted}
        window = Window(page, limit, pages, more)
        meta["_links"] = self._links(request, resource, window)
        junk = f"?page={page}&limit={limit}" if resource.noted else ""
        rows = self._fragments(listed, ids, with_, request.base, junk)
        head = msgspec.json.encode(meta)[:-1] + b',"_embedded":{"%s":[' % resource.key.encode()
        return Reply(200, head + b",".join(rows) + b"]}}", HAL, rows=len(ids))

    def _beyond(self, page: int, limit: int) -> Reply | None:
        """What is served instead of a page that is out of reach."""
        self._refuse_heavy(limit)
        ceiling = self.options.page_ceiling
        if ceiling is not None and page > ceiling and self.options.page_ceiling_status == 504:  # noqa: PLR2004
            return html_reply(504)
        if (ceiling is not None and page > ceiling) or self._starved(beyond_first=page > 1):
            return self._empty()
        return None

    def _page_and_limit(self, query: dict[str, Any], listed: Listed) -> tuple[int, int]:
        page = integer(query.get("page", "1"), "page")
        limit = integer(query.get("limit", str(_DEFAULT_LIMIT)), "limit")
        most = listed.max_limit
        if page < 1:
            raise InvalidParameterError("page", "This value should be greater than 0.")
        if limit == 0 and not self.options.limit_zero_error:
            limit = _DEFAULT_LIMIT
        if limit < 1 or (limit > most and self.options.limit_out_of_range == "error"):
            raise InvalidParameterError("limit", f"This value should be 1 to {most}.")
        return page, min(limit, most)

    def _order(self, resource: Resource, order: object) -> tuple[str, bool]:
        """What to sort by, and whether downwards; only the first `order` key counts."""
        if isinstance(order, dict) and not self.options.ignore_order:
            for key, way in order.items():
                if key in resource.orders:
                    return key, str(way).lower() == "desc"
        return resource.order, resource.descending

    def _find(
        self, listed: Listed, name: str, query: dict[str, Any], filters: Filters
    ) -> list[Entry]:
        """The rows of the list, sorted by a field."""
        entries = listed.store.sorted(name)
        if self.options.ignore_filters or not listed.filtered:
            filters = Filters()
            query = {}
        if listed.scopes or filters.ranges or filters.tests or query.get("query"):
            return self._narrow(listed, name, filters, query)
        return entries

    def _narrow(
        self, listed: Listed, name: str, filters: Filters, query: dict[str, Any]
    ) -> list[Entry]:
        store, words = listed.store, query.get("query")
        if isinstance(words, str) and words and listed.resource.search is not None:
            filters.tests.append(listed.resource.search(words))
        filters.tests += [test for _, test in listed.scopes]
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
                if within(row := store.shown[entry[1]], filters.ranges)
                and all(test(row) for test in filters.tests)
            ]

        settings = (self.options.strict_bounds, self.options.statuses_filter,
                    self.options.custom_fields_filter)  # fmt: skip
        scopes = tuple(token for token, _ in listed.scopes)
        asked = str(query.get("filter")), words, str(query.get("id"))
        return store.found((name, low, high, asked, settings, scopes), find)

    def _fragments(
        self, listed: Listed, ids: list[Any], with_: frozenset[str], base: str, junk: str
    ) -> list[bytes]:
        """The rows in JSON; the `self` links of some repeat the page, as Kommo's do."""
        store = listed.store
        kind = (with_, base, *listed.kind)
        if kind not in store.fragments and len(store.fragments) >= _LOOKS:
            store.fragments.clear()
        known = store.fragments.setdefault(kind, {})
        middle = junk.encode()
        rows = []
        for row_id in ids:
            row = store.shown[row_id]
            fragment = known.get(row_id)
            if fragment is None or fragment[0] is not row:
                fragment = known[row_id] = (row, *listed.halves(row, with_, base))
            rows.append(fragment[1] + middle + fragment[2])
        return rows

    def _links(self, request: Request, resource: Resource, window: Window) -> dict[str, Any]:
        page, limit, pages, more = window
        rest = [pair for pair in request.pairs if pair[0] not in {"page", "limit"}]

        def href(number: int, base: str = request.base) -> dict[str, str]:
            pairs = [("page", str(number)), ("limit", str(limit)), *rest]
            pairs = pairs if resource.paged else request.pairs
            query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
            return {"href": f"{base}{request.path}{query}"}

        links = {"self": href(page)}
        if not resource.paged:
            return links
        if more:
            base = request.base
            if self.options.foreign_next is not None:
                base = f"{self.options.foreign_next.rstrip('/')}/{self.slot}"
            links["next"] = href(page if self.options.repeat_next else page + 1, base)
        if page > 1:
            links["prev"] = href(page - 1)
        if resource.totals:
            links |= {"first": href(1), "last": href(pages)}
        return links

    def _one(self, request: Request, listed: Listed, row_id: Any) -> Reply:
        """A single row, whatever the lag."""
        rows = listed.store.rows
        if row_id not in rows:
            missing = self.options.missing_lead
            return self._empty() if missing == 204 else self._error(404)  # noqa: PLR2004
        with_ = asked_with(nested(request.pairs))
        first, second = listed.halves(rows[row_id], with_, request.base)
        return Reply(200, first + second, HAL, rows=1)

    # -- errors --------------------------------------------------------------------------------

    @override
    def _error(self, status: int) -> Reply:
        return self._problem(status, _ERRORS.get(status, ("", "Internal server error"))[1])

    def _problem(self, status: int, detail: str, **more: object) -> Reply:
        title = _ERRORS.get(status, ("Internal Server Error", ""))[0]
        content = {"title": title, "type": f"https://httpstatus.es/{status}", "status": status}
        return json_reply(status, {**content, "detail": detail, **more}, _PROBLEM)

    def _invalid(self, error: InvalidParameterError) -> Reply:
        fault = {"code": "InvalidType", "path": error.path, "detail": error.detail}
        errors = [{"request_id": "0", "errors": [fault]}]
        return self._problem(400, _ERRORS[400][1], **{"validation-errors": errors})

    @override
    def _empty(self, total: int = 0) -> Reply:
        return Reply(204)

    @override
    def _finish(self, reply: Reply) -> None:
        reply.headers["X-Request-Id"] = f"{self._order_rng.getrandbits(128):032x}"


def asked_with(query: dict[str, Any]) -> frozenset[str]:
    """The values of `with`."""
    return frozenset(str(query.get("with", "")).replace(" ", "").split(","))
