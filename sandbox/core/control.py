"""The control plane: HTTP paths under `/_control` that inspect and change the sandbox."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec

from sandbox.core.actions import Action, Content, change_actions, plan
from sandbox.core.wire import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.core.api import Api
    from sandbox.core.clock import Clock


class ControlPlane:
    """Answers the requests to paths that belong to none of the APIs.

    Args:
        apis: The APIs by the first segment of their paths.
        clock: The sandbox's clock.
        actions: Actions that concern the whole sandbox.
    """

    def __init__(
        self, apis: Mapping[str, Api], clock: Clock, actions: Mapping[str, Action]
    ) -> None:
        self._apis = apis
        self._clock = clock
        clock_help = '{"advance": 3600}, {"freeze": 1760976072} or {"run": true}'
        self._actions = {"clock": Action(clock_help, self._set_clock), **actions}

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Answer a request."""
        parts = [part for part in path.split("/") if part]
        match (method, *parts):
            case ("GET",) | ("GET", "_control"):
                return json_reply(200, self.overview())
            case ("GET", "_control", slot, "journal") if slot in self._apis:
                return json_reply(200, _journal(self._apis[slot]))
            case ("POST", "_control", name) if name in self._actions:
                return self._run(self._actions, name, body)
            case ("POST", "_control", slot, name) if slot in self._apis:
                api = self._apis[slot]
                return self._run({**_common_actions(api), **api.actions()}, name, body)
            case _:
                return self._refusal(404, "no such page")

    def overview(self) -> dict[str, object]:
        """Return the APIs, their credentials, figures and options, and the help."""
        return {
            "clock": self._clock.now(),
            "apis": {slot: _state(api) for slot, api in self._apis.items()},
            "control": self.help(),
        }

    def help(self) -> dict[str, str]:
        """Return every path of the control plane with the JSON object that it takes."""
        pages = {
            "GET /_control": "this page",
            "GET /_control/{api}/journal": "the requests so far",
        }
        groups: list[tuple[str, Mapping[str, Action]]] = [("", self._actions)]
        groups += [("{api}/", _common_actions(api)) for api in list(self._apis.values())[:1]]
        groups += [(f"{slot}/", api.actions()) for slot, api in self._apis.items()]
        return pages | {
            f"POST /_control/{prefix}{name}": action.help
            for prefix, actions in groups
            for name, action in actions.items()
        }

    def _run(self, actions: Mapping[str, Action], name: str, body: bytes) -> Reply:
        if name not in actions:
            return self._refusal(400, f"no such action: {name}")
        try:
            content = msgspec.json.decode(body) if body else {}
            if not isinstance(content, dict):
                return self._refusal(400, "the body is not a JSON object")
            return json_reply(200, actions[name].run(content))
        except KeyError as error:
            return self._refusal(400, f"missing or unknown: {error}")
        except (ValueError, TypeError) as error:
            return self._refusal(400, str(error))

    def _refusal(self, status: int, why: str) -> Reply:
        return json_reply(status, {"error": why, "see": self.help()})

    def _set_clock(self, content: Content) -> object:
        if "advance" in content:
            self._clock.advance(float(content["advance"]))
        if "freeze" in content:
            self._clock.freeze(float(content["freeze"]))
        if content.get("run"):
            self._clock.run()
        return {"clock": self._clock.now()}


def _common_actions(api: Api) -> dict[str, Action]:
    """Return the actions that every API has."""
    return {
        **change_actions(lambda _content: api),
        "options": Action(
            '{"latency": 0.3, "rate_limit": 7}; GET /_control lists all options and their values',
            lambda content: _set_options(api, content),
        ),
        "account": Action(
            "{}: adds an account with the same leads and returns its token",
            lambda _content: {"token": api.add_account()},
        ),
        "faults": Action(
            '{"plan": ["reset", 503, {"kind": "redirect", "code": 302, "to": "https://..."}]} '
            'or {"rate": 0.02, "kinds": [...]}',
            lambda content: plan(api.faults, content),
        ),
    }


def _set_options(api: Api, content: Content) -> object:
    options = api.options
    unknown = content.keys() - dataclasses.asdict(options).keys()
    if unknown:
        raise ValueError(f"no such option: {', '.join(sorted(unknown))}")
    changed = msgspec.convert(dataclasses.asdict(options) | content, type(options), strict=True)
    for name in content:
        setattr(options, name, getattr(changed, name))
    return dataclasses.asdict(options)


def _state(api: Api) -> dict[str, object]:
    return {
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
