"""What the tests of renewed tokens share: a token endpoint in memory, and a run's tokens."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from tap_leads.errors import Code
from tap_leads.rest.auth.oauth import OAuth
from tap_leads.rest.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.rest.places import Place
    from tests.unit.rest.support import FakeClock

URL = "http://crm.test/token"
CLIENT = {"client_id": "id", "client_secret": "secret", "redirect_uri": "https://me.test"}
REFUSALS = {"expired": "it has expired", "client": "it is of another client"}
DAY = 86_400
NOW = 1_785_585_600.0


class Endpoint:
    """A token endpoint that rotates refresh tokens and refuses what was used before."""

    def __init__(self, *valid: str) -> None:
        self.valid = set(valid)
        self.posts: list[Mapping[str, str]] = []
        self.warnings: list[str] = []
        self.faults: list[Response | Exception] = []
        self.expires_in: float | None = DAY
        self.threads: list[threading.Thread] = []

    def acquire(self) -> None:
        pass

    def post(self, url: str, content: Mapping[str, str]) -> Response:
        """Issue tokens, or answer as the test asked for."""
        assert url == URL
        self.posts.append(content)
        self.threads.append(threading.current_thread())
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        value = content.get("code", "") + content.get("refresh_token", "")
        if value not in self.valid:
            return response(401, {"hint": "wrong", "sent": value})
        self.valid.remove(value)
        number = len(self.posts)
        self.valid.add(f"refresh{number}")
        grant = {"access_token": f"access{number}", "refresh_token": f"refresh{number}"}
        return response(200, grant | ({"expires_in": self.expires_in} if self.expires_in else {}))

    def warn(self, text: str, code: Code) -> None:
        """Keep a warning."""
        assert code in Code
        self.warnings.append(text)


def response(status: int, body: Any = None) -> Response:
    """Return a response of the token endpoint."""
    return Response(status, {}, json.dumps(body).encode(), URL)


def oauth(place: Place, clock: FakeClock, **consent: str) -> OAuth:
    """Return what a run would begin with."""
    return OAuth(
        "crm.oauth",
        {**CLIENT, **consent},
        url=URL,
        store=place.store(),
        refusals=REFUSALS,
        clock=clock,
    )


def accepted(place: Place, clock: FakeClock, endpoint: Endpoint) -> OAuth:
    """Return what a run goes on with whose first request was accepted."""
    auth = oauth(place, clock, code="code")
    assert not auth.renew_if_rejected(response(200), auth.headers(endpoint), endpoint)
    return auth


def rejected(auth: OAuth, endpoint: Endpoint) -> bool:
    """Answer a request that carries the current token with a 401."""
    return auth.renew_if_rejected(response(401), auth.headers(endpoint), endpoint)
