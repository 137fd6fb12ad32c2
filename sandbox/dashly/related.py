"""The endpoints besides the list of leads: https://developers.dashly.io/webapi/pagination."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.core.paging import ends_early, reject_heavy
from sandbox.core.wire import Reply, Request, json_reply
from sandbox.dashly.conversations import CHANNELS, Conversations, exact, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.core.store import Lead
    from sandbox.dashly.api import Dashly

_PATHS = re.compile(
    r"(?:/v[12])?/(?:"
    r"apps/(?P<app>[^/]+)/(?P<list>conversations|channels)"
    r"|conversations/(?P<conversation>\d+)/parts"
    r"|users/(?P<user>\d+)"
    r")/?"
)
_MAX_COUNT, _DEFAULT_COUNT = 50, 20
_PARAMS = {
    *("paginate_position", "paginate_count", "paginate_direction", "paginate_including"),
    *("paginate_page_order", "id_as_string", "auth_token", "version"),
}
_FLAGS = ("props_custom", "segments", "tags", "notes", "events", "email_status", "timezone_offset")


class Related:
    """Answers requests for conversations, parts, channels and single leads.

    A position must come back exactly as it was issued.
    """

    def __init__(self, api: Dashly) -> None:
        self.api = api
        self.conversations = Conversations(
            api.clock, api.lock, api.seed, partial(getattr, api, "leads"), api.visible_at
        )
        self.removed: dict[Any, Lead] = {}
        """Leads that were merged or deleted and still have a card, by ID."""
        self._issued: dict[str, Any] = {}

    def route(self, request: Request) -> Reply | None:
        """Return the reply to a request for one of these endpoints, or `None`."""
        path = _PATHS.fullmatch(request.path)
        if path is None:
            return None
        api, options = self.api, self.api.options
        if path["app"] not in {None, api.app_id, "$self_app"}:
            return api.error(403)
        if request.method != "GET":
            return api.error(405)
        scope = "user-read" if path["user"] else "conversations-read"
        name = path["list"] or ("users" if path["user"] else "parts")
        if scope in options.missing_scopes:
            return api.error(403)
        row_id = int(path["conversation"] or path["user"] or 0)
        status = options.refused.get(name) or options.refused_rows.get(row_id)
        if status:
            return api.error(status)
        answers = {"conversations": self._list, "channels": self._channels}
        of_one = {"parts": self._parts, "users": self._user}
        answer = answers.get(name) or partial(of_one[name], row_id=row_id)
        return api.listing(request, answer)

    # -- lists -------------------------------------------------------------------------------------

    def _list(self, request: Request) -> Reply:
        api, store = self.api, self.conversations.store
        store.settle(api.clock.now())
        entries = store.sorted("last_update")
        keys = [(key, row_id) for key, row_id in reversed(entries)]
        if api.options.ignore_order:
            keys = sorted(keys, key=lambda entry: entry[1])
        position, count = self._page(request)
        start = 0
        if position is not None:
            if api.options.ignore_order:
                start = next((i for i, (_, n) in enumerate(keys) if n > position[1]), len(keys))
            else:
                start = next((i for i, (key, _) in enumerate(keys) if key < position), len(keys))
        ids = [row_id for _, row_id in keys[start : start + count]]
        if ends_early(api.options, beyond_first=position is not None):
            return self._reply(request, [], None)
        ends = start + count >= len(keys)
        last = None if ends else store.shown[ids[-1]]
        ids = api.still_there(ids, store)
        string = _is_true(request, "id_as_string")
        rows = [
            self.conversations.wire(
                store.shown[n], api.store.shown.get(store.shown[n]["user"]), as_string=string
            )
            for n in ids
        ]
        following = None
        if last is not None:
            following = (last["last_update"], last["id"])
        return self._reply(request, rows, following)

    def _parts(self, request: Request, row_id: int) -> Reply:
        store = self.conversations.store
        if row_id not in store.rows:
            return self.api.refusal(400, "LookupError", "There is no such conversation")
        position, count = self._page(request)
        parts = [
            part
            for part in reversed(self.conversations.parts[row_id])
            if position is None or part["id"] < position[0]
        ]
        rows = parts[:count]
        following = (rows[-1]["id"],) if len(parts) > count else None
        string = _is_true(request, "id_as_string")
        return self._reply(request, texts(rows) if string else rows, following)

    def _channels(self, request: Request) -> Reply:
        self._check(request)
        rows = [*CHANNELS]
        return json_reply(200, {"meta": {"status": 200}, "data": rows})

    def _page(self, request: Request) -> tuple[Any, int]:
        """Return the position and size of the requested page.

        Raises:
            RejectedError: A parameter is invalid.
        """
        self._check(request)
        api = self.api
        text = _last(request, "paginate_count", str(_DEFAULT_COUNT))
        if re.fullmatch(r"\d{1,3}", text) is None or not 1 <= int(text) <= _MAX_COUNT:
            raise api.invalid(paginate_count=f"must be from 1 to {_MAX_COUNT}")
        reject_heavy(api.options, int(text))
        if _last(request, "paginate_direction", "before") != "before":
            raise api.invalid(paginate_direction="must be before")
        position = _last(request, "paginate_position", "")
        if position and position not in self._issued:
            raise api.invalid(paginate_position="must be a position of a page")
        size = min(int(text), api.options.page_cap or _MAX_COUNT)
        return self._issued.get(position), size

    def _check(self, request: Request) -> None:
        unknown = request.query.keys() - _PARAMS
        if unknown:
            raise self.api.invalid(**dict.fromkeys(unknown, "unknown parameter"))

    def _reply(self, request: Request, rows: Sequence[Any], following: Any) -> Reply:
        options = self.api.options
        meta: dict[str, Any] = {"status": 200}
        meta[options.position_name] = self._position(request, following)
        if options.position_name == "next_before_position":
            meta["next_after_position"] = None
        body = msgspec.json.encode({"meta": meta, "data": rows})
        return Reply(200, body, rows=len(rows))

    def _position(self, request: Request, following: Any) -> Any:
        """Return the position of the next page, with a space and digits that no float keeps."""
        if self.api.options.repeat_position and "paginate_position" in request.query:
            return msgspec.Raw(request.query["paginate_position"][-1].encode())
        if following is None:
            return None
        numbers = [str(following[-1])]
        if len(following) > 1:
            numbers = [bytes(exact(following[0])).decode(), *numbers]
        text = f"[{', '.join(numbers)}]"
        self._issued[text] = following
        return msgspec.Raw(text.encode())

    # -- single leads ------------------------------------------------------------------------------

    def _user(self, request: Request, row_id: int) -> Reply:
        api = self.api
        known = {*_FLAGS, "props", "convert_props_types", "id_as_string", "auth_token", "version"}
        if request.query.keys() - known:
            raise api.invalid(**dict.fromkeys(request.query.keys() - known, "unknown parameter"))
        lead = api.store.rows.get(row_id) or self.removed.get(row_id)
        if lead is None:
            return api.refusal(400, "LookupError", "There is no such user")
        props = lead["props"]
        string = _is_true(request, "id_as_string")
        content: dict[str, Any] = {
            "id": str(row_id) if string else row_id,
            "app": 1,
            "user_id": props.get("$user_id"),
            "removed": lead.get("removed"),
            "presence": "offline",
        }
        if _is_true(request, "props", "true"):
            content["props"] = {name: v for name, v in props.items() if name.startswith("$")}
        optional = {
            "props_custom": {name: v for name, v in props.items() if not name.startswith("$")},
            "segments": lead.get("segments", [{"id": 732, "name": "segment-reg", "filters": "[]"}]),
            "tags": lead.get("tags", ["vip"]),
            "notes": lead.get("notes", []),
            "events": self._events(lead),
            "email_status": "confirmed",
            "timezone_offset": 180,
        }
        content |= {name: optional[name] for name in _FLAGS if _is_true(request, name)}
        return json_reply(200, {"meta": {"status": 200}, "data": content})

    def _events(self, lead: Lead) -> Any:
        count = lead["props"].get("$event_18_count")
        if count is None:
            return [] if self.api.options.events_shape == "list" else {}
        event = {"event_type": {"id": 18, "name": "My Event", "score": 12}, "count": count}
        return [event] if self.api.options.events_shape == "list" else {"18": event}


def _last(request: Request, name: str, default: str) -> str:
    values = request.query.get(name)
    return values[-1] if values else default


def _is_true(request: Request, name: str, default: str = "false") -> bool:
    return _last(request, name, default).lower() not in {"false", "0", ""}
