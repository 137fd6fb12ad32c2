"""The lead list of Dashly and Carrot quest: https://developers.dashly.io/webapi."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from sandbox.core.api import Api, World
from sandbox.core.paging import ends_early, reject_heavy
from sandbox.core.store import between
from sandbox.core.wire import RejectedError, Reply, Request, json_reply
from sandbox.dashly import leads as dashly_leads
from sandbox.dashly.filters import Filters, InvalidFilterError, as_moment, read_filters
from sandbox.dashly.options import DashlyOptions
from sandbox.dashly.related import Related

if TYPE_CHECKING:
    from sandbox.core.people import Arrival
    from sandbox.core.store import Entry, Key, Lead
    from sandbox.dashly.conversations import Conversations

_MAX_LIMIT = 50
_DEFAULT_LIMIT = 20
_IMPORTED = 33
"""One lead in this many was imported and has no `$last_seen`."""
_PATH = re.compile(r"(?:/v(?P<version>[12]))?/apps/(?P<app>[^/]+)/(?P<method>[^/]+)/?")
_ERRORS = {
    400: ("BadRequest", "The request could not be understood due to malformed syntax"),
    401: ("NotAuthenticated", "Authentication credentials were not provided or are invalid"),
    403: ("PermissionDeniedError", "You do not have permission to perform this action"),
    404: ("Error404", "There is no such API method"),
    405: ("MethodNotAllowed", "The method is not allowed"),
    429: ("TooManyRequests", "The request quota is exceeded"),
    500: ("Error500", "Internal error"),
}
_DATE, _MISSING = 1, 9


class Dashly(Api):
    """Dashly, or Carrot quest, which is the same API with another app and token."""

    options: DashlyOptions

    def __init__(self, slot: str, world: World) -> None:
        super().__init__(slot, world)
        self.options = DashlyOptions()
        self.app_id = "4271" if slot == "dashly" else "38112"
        key, secret = (f"{self.rng.getrandbits(bits):0{bits // 4}x}" for bits in (128, 256))
        self.token = f"app.{key}.{secret}"
        self.tokens = {self.token}
        self.related = Related(self)

    @property
    def conversations(self) -> Conversations:
        """The conversations of the app."""
        return self.related.conversations

    def visible_at(self) -> float | None:
        """Return when lists show a change made now; `None` is at once."""
        return self._visible_at()

    # -- leads ---------------------------------------------------------------------------------

    @override
    def _key(self, name: str) -> Key:
        def key(lead: Lead) -> tuple[int, Any]:
            value = lead["props"].get(name)
            if value is None:
                return _MISSING, 0
            moment = as_moment(value)
            if moment is not None:
                return _DATE, moment
            if isinstance(value, int | float):
                return 0, value
            return (3, value) if isinstance(value, list) else (2, str(value))

        return key

    @override
    def _new(self, arrival: Arrival) -> tuple[Any, Lead]:
        lead_id = (int(arrival.created * 1000) << 20) + self.rng.getrandbits(20)
        if arrival.number % 61 == 40:  # noqa: PLR2004 - IDs are unsigned, and some use all 64 bits
            lead_id |= 1 << 63
        return lead_id, dashly_leads.new_lead(self.rng, arrival, lead_id)

    @override
    def _aged(self, arrival: Arrival, lead: Lead) -> Lead:
        imported = arrival.number % _IMPORTED == _IMPORTED // 2
        return dashly_leads.never_seen(lead) if imported else lead

    @override
    def _changed(self, lead: Lead, at: float | None, fields: dict[str, Any]) -> Lead:
        if not fields:
            moment = self.clock.now() if at is None else at
            fields = dashly_leads.something_happens(self.rng, lead, moment)
        if at is not None:
            fields = {"$last_seen": dashly_leads.moment(at), **fields}
        return self._with(lead, fields)

    @override
    def _with(self, lead: Lead, fields: dict[str, Any]) -> Lead:
        """Return the lead with these properties; `None` removes a property."""
        props = lead["props"] | {
            name: dashly_leads.stored(name, value) for name, value in fields.items()
        }
        return {**lead, "props": {name: held for name, held in props.items() if held is not None}}

    @override
    def _rendered(self, lead: Lead) -> Lead:
        content = {"id": lead["id"], "presence": self._presence(lead), "props": self._props(lead)}
        return msgspec.json.decode(msgspec.json.encode(content), type=dict[str, Any])

    def _props(self, lead: Lead, *, convert: bool = True) -> dict[str, Any]:
        props = lead["props"]
        if not self.options.expose_custom_props:
            props = {name: value for name, value in props.items() if name.startswith("$")}
        return dashly_leads.on_the_wire(props, self.options.props_utc_offset, convert=convert)

    def _presence(self, lead: Lead) -> str:
        """Return the presence of a lead, which depends on the clock only."""
        seen = lead["props"].get("$last_seen")
        if not isinstance(seen, datetime):
            return "offline"
        age = (dashly_leads.moment(self.clock.now()) - seen).total_seconds()
        return "online" if age < 120 else "idle" if age < 240 else "offline"  # noqa: PLR2004 - two minutes each

    # -- answering -----------------------------------------------------------------------------

    @override
    def _token_of(self, request: Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in {"token", "bearer"}:
            token = _last(request, "auth_token", "")
        return token.strip()

    @override
    def _route(self, request: Request) -> Reply:
        if request.token not in self.tokens:
            return self.error(401)
        if (reply := self.related.route(request)) is not None:
            return reply
        path = _PATH.fullmatch(request.path)
        if path is None or path["method"] != "users":
            return self.error(404)
        if path["app"] not in {self.app_id, "$self_app"}:
            return self.error(403)
        if request.method != "GET":
            return self.error(405)
        return self.listing(request, self._list)

    def _list(self, request: Request) -> Reply:
        version = _last(request, "version", "2")
        if re.fullmatch(r"[12](\.\d+)*", version) is None:
            raise self.invalid(version="unknown version")
        limit, offset = self._limit_and_offset(request)
        name = _last(request, "sort_prop", "$last_seen")
        way = _last(request, "sort_order", "desc")
        if way not in {"asc", "desc"}:
            raise self.invalid(sort_order="must be asc or desc")
        if not name:
            raise self.invalid(sort_prop="must not be empty")
        filters = self._filters(request)
        if self.options.ignore_order:
            name, way = "$last_seen", "desc"
        if filters.relative:
            matching = self._find(name, filters)
        else:
            question = (name, self.options.ignore_filters, _last(request, "filters", ""))
            matching = self.store.found(question, lambda: self._find(name, filters))
        total = len(matching)
        if self.options.total_cap is not None:
            total = min(total, self.options.total_cap)
        size = min(limit, self.options.page_cap or limit)
        ids: list[Any] = []
        if not ends_early(self.options, beyond_first=offset > 0):
            ids = self._page_of(self._ordered(matching, way), offset, offset + size)
        return self._rows(request, self.still_there(ids, self.store), total)

    def _limit_and_offset(self, request: Request) -> tuple[int, int]:
        limit = self._integer(request, "limit", _DEFAULT_LIMIT)
        offset = self._integer(request, "offset", 0)
        lowest = 1 if self.options.limit_zero_error else 0
        if limit > _MAX_LIMIT and self.options.limit_out_of_range == "clamp":
            limit = _MAX_LIMIT
        if not lowest <= limit <= _MAX_LIMIT:
            raise self.invalid(limit=f"must be from {lowest} to {_MAX_LIMIT}")
        if offset < 0:
            raise self.invalid(offset="must not be negative")
        if offset + limit > self.options.reach:
            message = f"offset + limit must not exceed {self.options.reach}"
            if self.options.reach_error == "ValidationError":
                raise self.invalid(offset=message)
            raise RejectedError(self.refusal(400, "BadRequest", message))
        reject_heavy(self.options, limit)
        return limit, offset

    def _integer(self, request: Request, name: str, default: int) -> int:
        text = _last(request, name, str(default))
        if re.fullmatch(r"-?\d{1,18}", text) is None:
            raise self.invalid(**{name: "must be an integer"})
        return int(text)

    def _filters(self, request: Request) -> Filters:
        text = _last(request, "filters", "")
        if not text and "filters" not in request.query:
            return Filters()
        now = dashly_leads.moment(self.clock.now())
        inclusive = self.options.strict_bounds == "inclusive"
        try:
            filters = read_filters(text, now, inclusive=inclusive)
        except InvalidFilterError as error:
            raise self.invalid(filters=str(error)) from None
        return Filters() if self.options.ignore_filters else filters

    def _find(self, name: str, filters: Filters) -> list[Entry]:
        """Return the matching leads by ascending property, leads without it last."""
        store = self.store
        entries = store.sorted(name)
        tests = list(filters.tests)
        for bounds, is_older in ((filters.older_than, True), (filters.younger_than, False)):
            for prop, bound in bounds.items():
                if prop == name:
                    edges = ((_DATE, datetime.min), (_DATE, bound))  # noqa: DTZ901
                    late = ((_DATE, bound), (_DATE, datetime.max))  # noqa: DTZ901
                    entries = between(entries, *(edges if is_older else late))
                else:
                    tests.append((prop, _dated(bound, older=is_older)))
        if not tests:
            return entries
        rest = Filters(every=filters.every, tests=tests)
        return [entry for entry in entries if rest.hold(store.shown[entry[1]])]

    def _ordered(self, entries: list[Entry], way: str) -> list[Entry]:
        has = between(entries, None, (_MISSING - 1, 0))
        missing = entries[len(has) :] if self.options.missing_sort_prop == "last" else []
        return (has[::-1] if way == "desc" else has) + missing

    def _rows(self, request: Request, ids: list[Any], total: int) -> Reply:
        as_string = _true(_last(request, "id_as_string", "false"))
        convert = _true(_last(request, "convert_props_types", "true"))
        options = self.options
        kind = (convert, options.props_utc_offset, options.expose_custom_props)
        store = self.store
        known = store.fragments.setdefault(kind, {})
        rows = []
        for lead_id in ids:
            lead = store.shown[lead_id]
            fragment = known.get(lead_id)
            if fragment is None or fragment[0] is not lead:
                props = msgspec.json.encode(self._props(lead, convert=convert))
                fragment = known[lead_id] = (lead, props)
            shown_id = f'"{lead_id}"' if as_string else str(lead_id)
            head = f'{{"id":{shown_id},"presence":"{self._presence(lead)}","props":'
            rows.append(head.encode() + fragment[1] + b"}")
        body = b'{"meta":{"status":200},"data":{"total":%d,"users":[%s]}}'
        return Reply(200, body % (total, b",".join(rows)), rows=len(ids))

    # -- errors --------------------------------------------------------------------------------

    @override
    def error(self, status: int) -> Reply:
        name, message = _ERRORS.get(status, _ERRORS[500])
        return self.refusal(status, name, message)

    def refusal(self, status: int, name: str, message: str, **more: object) -> Reply:
        """Return the reply to a request that is refused, with the name of an error."""
        meta = {"status": status, "error": name, "error_message": message, **more}
        return json_reply(status, {"meta": meta, "data": {}})

    def invalid(self, **fields: str) -> RejectedError:
        """Return the exception for invalid parameters, each with the reason."""
        message = "; ".join(f"{name}: {why}" for name, why in fields.items())
        errors = {name: [why] for name, why in fields.items()}
        return RejectedError(self.refusal(400, "ValidationError", message, error_fields=errors))

    @override
    def empty(self, total: int = 0) -> Reply:
        return json_reply(200, {"meta": {"status": 200}, "data": {"total": total, "users": []}})


def _last(request: Request, name: str, default: str) -> str:
    values = request.query.get(name)
    return values[-1] if values else default


def _true(text: str) -> bool:
    """Parse a boolean as the API does: any other text is true."""
    return text.lower() not in {"false", "0", ""}


def _dated(bound: datetime, *, older: bool) -> Any:
    def test(held: object) -> bool:
        at = as_moment(held)
        return at is not None and (at <= bound if older else at >= bound)

    return test
