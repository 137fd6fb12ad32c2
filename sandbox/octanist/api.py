"""Octanist's Get Leads: https://octanist.com/docs/api-reference/endpoint/get-leads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from sandbox.core.api import Api, World
from sandbox.core.paging import ends_early, reject_heavy
from sandbox.core.people import iso_ms
from sandbox.core.store import between
from sandbox.core.wire import Reply, Request, json_reply
from sandbox.octanist import leads as octanist_leads
from sandbox.octanist.leads import NEW_CLICK_IDS
from sandbox.octanist.options import OctanistOptions
from sandbox.octanist.query import Filters, InvalidError, read_filters, read_sort
from sandbox.octanist.stats import read_stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.core.people import Arrival
    from sandbox.core.store import Entry, Key, Lead

_MAX_LIMIT = 100
_DEFAULT_LIMIT = 50
_UNCHANGED = 97
"""One lead in this many was never edited and has no `updatedAt`."""
_ERRORS = {
    400: ("VALIDATION_ERROR", "Invalid parameters"),
    401: ("UNAUTHORIZED", "Invalid or missing API key"),
    403: ("FORBIDDEN", "Access denied"),
    404: ("NOT_FOUND", "Lead not found"),
    429: ("RATE_LIMITED", "Too many requests"),
    500: ("INTERNAL_ERROR", "Internal server error"),
}
_NULL = (True, 0)


def _of_one_kind(key: tuple[bool, Any]) -> tuple[bool, str, Any]:
    """Return a sort key that compares with keys of other types, since tests set any value."""
    is_null, value = key
    is_number = isinstance(value, (int, float)) or value is None
    return is_null, "" if is_number else "text", value if is_number else str(value)


class Octanist(Api):
    """Octanist: a list of leads, single leads, statistics and a check of the API key."""

    options: OctanistOptions

    def __init__(self, slot: str, world: World) -> None:
        super().__init__(slot, world)
        self.options = OctanistOptions()
        self.token = f"oct_{self.rng.getrandbits(160):040x}"
        self.tokens = {self.token}

    # -- leads ---------------------------------------------------------------------------------

    @override
    def _key(self, name: str) -> Key:
        def key(lead: Lead) -> tuple[bool, Any]:
            value = lead[name]
            return _NULL if value is None else (False, value)

        return key

    @override
    def _new(self, arrival: Arrival) -> tuple[Any, Lead]:
        lead_id = octanist_leads.new_id(self.rng)
        return lead_id, octanist_leads.new_lead(self.rng, arrival, lead_id)

    @override
    def _aged(self, arrival: Arrival, lead: Lead) -> Lead:
        never = arrival.number % _UNCHANGED == _UNCHANGED // 2
        return {**lead, "updatedAt": None} if never else lead

    @override
    def _changed(self, lead: Lead, at: float | None, fields: dict[str, Any]) -> Lead:
        changes = fields or octanist_leads.something_happens(self.rng, lead, at)
        moment = {} if at is None else {"updatedAt": iso_ms(at)}
        return {**lead, **moment, **changes}

    @override
    def _rendered(self, lead: Lead) -> Lead:
        left_out = () if self.options.new_click_ids else NEW_CLICK_IDS
        return {
            name: value
            for name, value in lead.items()
            if name not in left_out and (value is not None or self.options.null_keys)
        }

    # -- answering -----------------------------------------------------------------------------

    @override
    def _token_of(self, request: Request) -> str:
        return request.headers.get("X-API-KEY", "")

    @override
    def _route(self, request: Request) -> Reply:
        if request.token not in self.tokens:
            return self.error(401)
        match (request.method, request.path.rstrip("/").split("/")[1:]):
            case ("GET", ["api", "leads"]):
                return self.listing(request, self._list)
            case ("GET", ["api", "leads", lead_id]):
                return self._one(lead_id)
            case ("POST", ["api", "stats"]):
                return self.listing(request, self._stats)
            case ("POST", ["api", "check"]):
                return json_reply(200, {"success": True})
            case _:
                return self._refusal(404, "NOT_FOUND", "Not found")

    def _one(self, lead_id: str) -> Reply:
        lead = self.store.rows.get(lead_id)
        if lead is None:
            return self.error(404)
        content = {"success": True, "data": self._rendered(lead), "meta": self._meta()}
        return json_reply(200, content)

    def _stats(self, request: Request) -> Reply:
        try:
            stats = read_stats(
                request.body, self.store.shown.values(), self.clock.now(), self.options
            )
        except InvalidError as error:
            return self._refusal(400, error.code, error.message)
        return json_reply(200, {"success": True, "data": stats, "meta": self._meta()})

    def _list(self, request: Request) -> Reply:
        values = {name: found[-1] for name, found in request.query.items()}
        try:
            page, limit = self._page_and_limit(values)
            sort = read_sort(values.get("sort", "createdAt:desc"))
            fields = self._fields(values)
            filters = read_filters(request.pairs, self.options)
        except InvalidError as error:
            return self._refusal(400, error.code, error.message)
        reject_heavy(self.options, limit)
        size = min(limit, self.options.page_cap or limit)
        if self.options.ignore_order:
            sort = [("createdAt", True)]
        if self.options.ignore_filters:
            filters, values["search"] = Filters(), ""
        search = values.get("search", "")
        options = self.options
        asked = [pair for pair in request.pairs if pair[0] not in {"page", "limit", "fields"}]
        matching = self.store.found(
            (tuple(sort), str(asked), options.ignore_filters, options.combine_operators),
            lambda: self._find(sort, filters, search),
        )
        start, total = (page - 1) * size, len(matching)
        is_empty = ends_early(options, beyond_first=page > 1)
        ids = [] if is_empty else self._page_of(matching, start, start + size)
        meta = self._meta(
            pagination={
                "limit": size if self.options.echo_cap else limit,
                "page": page,
                "totalPages": -(-total // size),
                "total": total,
                "hasMore": bool(ids) and start + size < total,
            }
        )
        ids = self.still_there(ids, self.store)
        rows = b"[" + b",".join(self._fragments(ids, fields)) + b"]"
        if self.options.bare_array:
            return Reply(200, rows, rows=len(ids))
        body = b'{"success":true,"data":%s,"meta":%s}' % (rows, msgspec.json.encode(meta))
        return Reply(200, body, rows=len(ids))

    def _page_and_limit(self, values: dict[str, str]) -> tuple[int, int]:
        numbers = []
        for name, default in (("page", 1), ("limit", _DEFAULT_LIMIT)):
            text = values.get(name, str(default))
            if re.fullmatch(r"\d{1,9}", text) is None:
                raise InvalidError("VALIDATION_ERROR", f"{name} must be a number")
            numbers.append(int(text))
        page, limit = numbers
        if limit == 0 and not self.options.limit_zero_error:
            limit = _DEFAULT_LIMIT
        if limit > _MAX_LIMIT and self.options.limit_out_of_range == "clamp":
            limit = _MAX_LIMIT
        if page < 1:
            raise InvalidError("VALIDATION_ERROR", "page must be at least 1")
        if not 1 <= limit <= _MAX_LIMIT:
            raise InvalidError("VALIDATION_ERROR", f"limit must be from 1 to {_MAX_LIMIT}")
        return page, limit

    def _fields(self, values: dict[str, str]) -> frozenset[str] | None:
        if "fields" not in values:
            return None
        fields = frozenset(values["fields"].split(","))
        known = next(iter(self.store.rows.values()), {}).keys()
        unknown = fields - known
        if unknown and known:
            raise InvalidError("VALIDATION_ERROR", f"Unknown fields: {', '.join(sorted(unknown))}")
        return fields | {"id"}

    def _find(self, sort: list[tuple[str, bool]], filters: Filters, search: str) -> list[Entry]:
        """Return the matching leads in the requested order; nulls sort as the largest value."""
        store = self.store
        first, descending = sort[0]
        entries = store.sorted(first)
        tests = list(filters.tests)
        for name in {*filters.low, *filters.high}:
            low, high = filters.low.get(name), filters.high.get(name)
            if name == first:
                entries = between(
                    entries,
                    None if low is None else (False, low),
                    (False, "~" if high is None else high),
                )
            else:
                tests.append(_between(name, low, high))
        if search:
            tests.append(_searching(search))
        if tests:
            shown = store.shown
            entries = [entry for entry in entries if all(test(shown[entry[1]]) for test in tests)]
        if len(sort) == 1:
            return entries[::-1] if descending else entries
        return self._sorted(entries, sort)

    def _sorted(self, entries: list[Entry], sort: list[tuple[str, bool]]) -> list[Entry]:
        shown = self.store.shown
        keys = [self._key(name) for name, _ in sort]
        several = [
            (tuple(_of_one_kind(key(shown[lead_id])) for key in keys), lead_id)
            for _, lead_id in entries
        ]
        for place in reversed(range(len(sort))):
            several.sort(key=lambda entry, p=place: entry[0][p], reverse=sort[place][1])  # type: ignore[misc]
        return several

    def _fragments(self, ids: list[Any], fields: frozenset[str] | None) -> list[bytes]:
        options = self.options
        kind = (fields, options.null_keys, options.new_click_ids)
        store = self.store
        known = store.fragments.setdefault(kind, {})
        rows = []
        for lead_id in ids:
            lead = store.shown[lead_id]
            fragment = known.get(lead_id)
            if fragment is None or fragment[0] is not lead:
                content = self._rendered(lead)
                if fields is not None:
                    content = {name: content[name] for name in content if name in fields}
                fragment = known[lead_id] = (lead, msgspec.json.encode(content))
            rows.append(fragment[1])
        return rows

    def _meta(self, **more: object) -> dict[str, object]:
        number = f"req_{self.order_rng.getrandbits(48):012x}"
        return {**more, "requestId": number, "timestamp": iso_ms(self.clock.now())}

    # -- errors --------------------------------------------------------------------------------

    @override
    def error(self, status: int) -> Reply:
        return self._refusal(status, *_ERRORS.get(status, _ERRORS[500]))

    def _refusal(self, status: int, code: str, message: str) -> Reply:
        if self.options.error_shape == "text":
            return json_reply(status, {"error": message})
        error = {"code": code, "message": message, "details": {}}
        return json_reply(status, {"success": False, "error": error, "meta": self._meta()})

    @override
    def empty(self, total: int = 0) -> Reply:
        pages = -(-total // _DEFAULT_LIMIT)
        pagination = {"limit": _DEFAULT_LIMIT, "page": 1, "totalPages": pages, "total": total,
                      "hasMore": False}  # fmt: skip
        meta = self._meta(pagination=pagination)
        return json_reply(200, {"success": True, "data": [], "meta": meta})


def _between(name: str, low: str | None, high: str | None) -> Callable[[Lead], bool]:
    def test(lead: Lead) -> bool:
        value = lead[name]
        if value is None:
            return False
        return (low is None or value >= low) and (high is None or value <= high)

    return test


def _searching(search: str) -> Callable[[Lead], bool]:
    words = search.casefold()

    def test(lead: Lead) -> bool:
        return any(words in (lead[name] or "").casefold() for name in ("name", "email", "phone"))

    return test
