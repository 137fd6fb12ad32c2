"""The control plane: the sandbox's own paths, for people and benchmarks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.core.wire import Reply, json_reply
from sandbox.kommo import control as kommo_control

if TYPE_CHECKING:
    from sandbox.core.api import Api
    from sandbox.server import Sandbox

HELP = {
    "GET /_control": "this page",
    "GET /_control/{api}/journal": "the requests so far",
    "POST /_control/{api}/insert": '{"count": 3, "at": 1760976072, "fields": {...}}',
    "POST /_control/{api}/edit": '{"count": 3} or {"ids": [...]}, with "at" and "fields"',
    "POST /_control/{api}/delete": '{"count": 3} or {"ids": [...]}',
    "POST /_control/{api}/options": (
        '{"latency": 0.3, "rate_limit": 7}, {"late_rows": true}; the page /_control lists them all'
    ),
    "POST /_control/{api}/account": "{}: the token of another account with the same leads",
    "POST /_control/{api}/faults": '{"plan": ["reset", 503]} or {"rate": 0.02, "kinds": [...]}',
    "POST /_control/clock": '{"advance": 3600} or {"freeze": 1760976072} or {"run": true}',
    **kommo_control.HELP,
}


def answer(box: Sandbox, method: str, path: str, body: bytes) -> Reply:  # noqa: PLR0911 - one a page
    """The reply to a request that is for none of the APIs."""
    parts = [part for part in path.split("/") if part]
    try:
        content = msgspec.json.decode(body) if body else {}
        if not isinstance(content, dict):
            return _no("the body is not a JSON object")
        match (method, *parts):
            case ("GET",) | ("GET", "_control"):
                return json_reply(200, overview(box))
            case ("GET", "_control", slot, "journal") if slot in box.apis:
                return json_reply(200, _journal(box.apis[slot]))
            case ("POST", "_control", "clock"):
                return _set_clock(box, content)
            case ("POST", "_control", slot, action) if slot in box.apis:
                return _act(box.apis[slot], action, content)
            case _:
                return json_reply(404, {"error": "no such page", "see": HELP})
    except (ValueError, TypeError, KeyError) as error:
        return _no(str(error))


def overview(box: Sandbox) -> dict[str, object]:
    """What is served, where, and how to drive it."""
    return {
        "clock": box.clock.now(),
        "apis": {
            slot: {
                "api_url": api.url,
                "token": api.token,
                **({"app_id": app_id} if (app_id := getattr(api, "app_id", None)) else {}),
                "leads": api.count,
                "requests": len(api.journal),
                "requests_per_second_max": api.requests_per_second_max(),
                "requests_under_way_max": api.under_way_max(),
                "connections": api.connections(),
                "options": dataclasses.asdict(api.options),
            }
            for slot, api in box.apis.items()
        },
        "control": HELP,
    }


def _journal(api: Api) -> list[dict[str, object]]:
    return [
        {
            "method": request.method,
            "path": request.path,
            "query": {
                name: values for name, values in request.query.items() if name != "auth_token"
            },
            "at": request.at,
            "answered": request.answered,
            "connection": request.connection,
            "clock": request.clock,
            "status": request.status,
            "rows": request.rows,
        }
        for request in list(api.journal)
    ]


def _set_clock(box: Sandbox, content: dict[str, Any]) -> Reply:
    if "advance" in content:
        box.clock.advance(float(content["advance"]))
    if "freeze" in content:
        box.clock.freeze(float(content["freeze"]))
    if content.get("run"):
        box.clock.run()
    return json_reply(200, {"clock": box.clock.now()})


def _act(api: Api, action: str, content: dict[str, Any]) -> Reply:  # noqa: C901, PLR0911 - one an action
    which = content.get("ids", content.get("count", 1))
    at = content.get("at")
    fields = content.get("fields", {})
    own = api.act(action, content)
    if own is not None:
        return json_reply(200, own)
    match action:
        case "insert":
            return json_reply(200, {"ids": api.insert(content.get("count", 1), at=at, **fields)})
        case "edit":
            return json_reply(200, {"ids": api.edit(which, at=at, **fields)})
        case "delete":
            return json_reply(200, {"ids": api.delete(which)})
        case "options":
            changed = msgspec.convert(
                dataclasses.asdict(api.options) | content, type(api.options), strict=True
            )
            unknown = content.keys() - dataclasses.asdict(changed).keys()
            if unknown:
                return _no(f"no such option: {', '.join(sorted(unknown))}")
            for name in content:
                setattr(api.options, name, getattr(changed, name))
            return json_reply(200, dataclasses.asdict(api.options))
        case "account":
            return json_reply(200, {"token": api.add_account()})
        case "faults":
            if "rate" in content:
                api.faults.random(content["rate"], content.get("kinds", ("reset", 503, 429)))
            api.faults.plan(*content.get("plan", ()))
            return json_reply(200, {"planned": api.faults.pending})
        case _:
            return _no(f"no such action: {action}")


def _no(why: str) -> Reply:
    return json_reply(400, {"error": why, "see": HELP})
