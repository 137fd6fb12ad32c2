"""Answers requests for Kommo's lists and single rows."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from sandbox.core.paging import ends_early, page_of, reject_heavy
from sandbox.core.store import between
from sandbox.core.wire import Reply, Request, html_reply
from sandbox.kommo.problems import invalid
from sandbox.kommo.query import (
    Filters,
    InvalidParameterError,
    integer,
    nested,
    read_filters,
    within,
)

if TYPE_CHECKING:
    from sandbox.core.api import Api
    from sandbox.core.store import Entry
    from sandbox.kommo.options import KommoOptions
    from sandbox.kommo.resource import Listed, Resource

HAL = "application/hal+json"
_DEFAULT_LIMIT = 50
_RENDERINGS = 64
"""The number of renderings whose encoded rows are cached."""


class Window(NamedTuple):
    """The position of a page in its list."""

    page: int
    limit: int
    pages: int
    more: bool


class Lists:
    """The behavior that all lists of an account share.

    Args:
        api: The API, which supplies the clock, the faults and the changes between requests.
        options: The API's options.
    """

    def __init__(self, api: Api, options: KommoOptions) -> None:
        self._api = api
        self._options = options

    def page(self, request: Request, listed: Listed) -> Reply:
        """Answer a request for a page of a list."""
        query, resource, options = nested(request.pairs), listed.resource, self._options
        try:
            page, limit = self._page_and_limit(query, listed)
            filters = read_filters(query.get("filter"), resource.filters, options)
        except InvalidParameterError as error:
            return invalid(error)
        store = listed.store
        store.settle(self._api.clock.now())
        if not resource.paged:
            page, limit = 1, max(len(store.shown), 1)
        size = min(limit, options.page_cap or limit) if resource.paged else limit
        refused = self._beyond(page, limit) if resource.paged else None
        if refused is not None:
            return refused
        with_ = asked_with(query)
        name, descending = self._order(resource, query.get("order"))
        entries = self._find(listed, name, query, filters)
        entries = entries[::-1] if descending else entries
        start, total = (page - 1) * size, len(entries)
        shuffled = listed.shuffled
        if shuffled is None:
            shuffled = name != resource.order and options.ties == "shuffled"
        ids = page_of(entries, start, start + size, self._api.order_rng if shuffled else None)
        if not ids:
            return self._api.empty()
        is_full = len(ids) == size
        more = start + size < total or options.always_next or (options.last_page_next and is_full)
        ids = [n for place, n in enumerate(ids, start) if place not in options.hidden_places]
        ids = self._api.still_there(ids, store)
        window = Window(page, limit, ceil(total / size), more)
        meta: dict[str, Any] = {"_page": page} if resource.paged else {}
        if resource.totals:
            counted = {"_page_count": window.pages} if resource.paged else {}
            meta = {"_total_items": total, **meta, **counted}
        meta["_links"] = self._links(request, resource, window)
        junk = f"?page={page}&limit={limit}" if resource.noted else ""
        rows = self._fragments(listed, ids, with_, request.base, junk)
        head = msgspec.json.encode(meta)[:-1] + b',"_embedded":{"%s":[' % resource.key.encode()
        return Reply(200, head + b",".join(rows) + b"]}}", HAL, rows=len(ids))

    def _beyond(self, page: int, limit: int) -> Reply | None:
        """Return the reply to a request for a page that is not served, or `None`."""
        reject_heavy(self._options, limit)
        ceiling = self._options.page_ceiling
        if ceiling is not None and page > ceiling:
            status = self._options.page_ceiling_status
            return self._api.empty() if status == 204 else html_reply(status)  # noqa: PLR2004
        return self._api.empty() if ends_early(self._options, beyond_first=page > 1) else None

    def _page_and_limit(self, query: dict[str, Any], listed: Listed) -> tuple[int, int]:
        page = integer(query.get("page", "1"), "page")
        limit = integer(query.get("limit", str(_DEFAULT_LIMIT)), "limit")
        most = listed.max_limit
        if page < 1:
            raise InvalidParameterError("page", "This value should be greater than 0.")
        if limit == 0 and not self._options.limit_zero_error:
            limit = _DEFAULT_LIMIT
        if limit < 1 or (limit > most and self._options.limit_out_of_range == "error"):
            raise InvalidParameterError("limit", f"This value should be 1 to {most}.")
        return page, min(limit, most)

    def _order(self, resource: Resource, order: object) -> tuple[str, bool]:
        """Return the sort field and direction; only the first `order` key counts."""
        if isinstance(order, dict) and not self._options.ignore_order:
            for key, way in order.items():
                if key in resource.orders:
                    return key, str(way).lower() == "desc"
        return resource.order, resource.descending

    def _find(
        self, listed: Listed, name: str, query: dict[str, Any], filters: Filters
    ) -> list[Entry]:
        """Return the matching rows, sorted by a field."""
        entries = listed.store.sorted(name)
        if self._options.ignore_filters or not listed.filtered:
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

        settings = (self._options.strict_bounds, self._options.statuses_filter,
                    self._options.custom_fields_filter)  # fmt: skip
        scopes = tuple(token for token, _ in listed.scopes)
        asked = str(query.get("filter")), words, str(query.get("id"))
        return store.found((name, low, high, asked, settings, scopes), find)

    def _fragments(
        self, listed: Listed, ids: list[Any], with_: frozenset[str], base: str, junk: str
    ) -> list[bytes]:
        """Return the encoded rows; `junk` is the query of their `self` links."""
        store = listed.store
        kind = (with_, base, *listed.kind)
        if kind not in store.fragments and len(store.fragments) >= _RENDERINGS:
            store.fragments.clear()
        known = store.fragments.setdefault(kind, {})
        middle = junk.encode()
        rows = []
        for row_id in ids:
            row = store.shown[row_id]
            fragment = known.get(row_id)
            if fragment is None or fragment[0] is not row:
                fragment = known[row_id] = (row, *listed.encode(row, with_, base))
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
            if self._options.foreign_next is not None:
                base = f"{self._options.foreign_next.rstrip('/')}/{self._api.slot}"
            links["next"] = href(page if self._options.repeat_next else page + 1, base)
        if page > 1:
            links["prev"] = href(page - 1)
        if resource.totals:
            links |= {"first": href(1), "last": href(pages)}
        return links

    def row(self, request: Request, listed: Listed, row_id: Any) -> Reply:
        """Answer a request for a single row, regardless of the lag."""
        rows = listed.store.rows
        if row_id not in rows:
            missing = self._options.missing_lead
            return self._api.empty() if missing == 204 else self._api.error(404)  # noqa: PLR2004
        with_ = asked_with(nested(request.pairs))
        first, second = listed.encode(rows[row_id], with_, request.base)
        return Reply(200, first + second, HAL, rows=1)


def asked_with(query: dict[str, Any]) -> frozenset[str]:
    """Return the values of `with`."""
    return frozenset(str(query.get("with", "")).replace(" ", "").split(","))
