"""How often the tokens of an account are renewed for one request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.auth.oauth import OAuth
from tap_leads.rest.errors import PermanentError
from tests.unit.rest.support import LEADS, Exchange, Recorder, client_for, get, serving

if TYPE_CHECKING:
    from tests.unit.rest.places import Place

CLIENT = {"client_id": "id", "client_secret": "secret", "redirect_uri": "https://me.test"}


@pytest.mark.parametrize("is_accepted_elsewhere", [True, False])
def test_an_endpoint_that_rejects_each_token_has_it_renewed_twice_at_most(
    is_accepted_elsewhere: bool, place: Place
) -> None:
    """Between two requests of the stream that is rejected, another stream succeeds."""
    renewals = 0

    def respond(exchange: Exchange) -> None:
        nonlocal renewals
        if exchange.command == "POST":
            renewals += 1
            assert renewals < 10, "renewed without end"
            exchange.answer({"access_token": f"a{renewals}", "refresh_token": f"r{renewals}"})
        elif exchange.path == "/leads":
            exchange.answer(LEADS)
        else:
            if is_accepted_elsewhere:
                other = threading.Thread(target=get, args=(client, f"{server.url}/leads"))
                other.start()
                other.join()
            exchange.answer(status=401)

    with serving(respond) as server:
        store = place.store()
        settings = {**CLIENT, "code": "code"}
        auth = OAuth("crm.oauth", settings, url=f"{server.url}/token", store=store, refusals={})
        client = client_for(server.url, auth=auth)
        observer = Recorder()
        with pytest.raises(PermanentError, match=r"\(HTTP 401\)"):
            get(client, f"{server.url}/scoped", observer)
    scoped = [seen for seen in server.journal if seen.path == "/scoped"]
    assert len({seen.headers["Authorization"] for seen in scoped}) == len(scoped)
    assert len(scoped) == (3 if is_accepted_elsewhere else 1)
    assert renewals == len(scoped)
    assert observer.retries == []
