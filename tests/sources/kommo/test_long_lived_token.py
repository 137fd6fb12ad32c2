"""Long-lived tokens: the tap warns before they expire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.clock import SystemClock
from tests.support.catalogs import LEADS, catalog_for
from tests.support.logs import warnings
from tests.support.run import sync
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.fixture(autouse=True)
def now(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> float:
    """Stop the clocks of the sandbox and of the tap, and return their time."""
    box.clock.freeze()
    monkeypatch.setattr(SystemClock, "time", lambda _self: box.clock.now())
    return box.clock.now()


@pytest.mark.parametrize(
    ("days", "said"), [(13.99, "in 13 days;"), (1.5, "in 1 day;"), (0.5, "in 0 days;")]
)
def test_in_its_last_fourteen_days_one_line_names_the_last(
    box: Sandbox, now: float, days: float, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    expires = now + days * DAY
    token = box.kommo.oauth.long_lived(expires)
    both = catalog_for("kommo_leads", "kommo_contacts", "kommo_users")
    assert sync({"kommo": settings_for(box.kommo, access_token=token)}, catalog=both).code == 0
    (line,) = warnings(caplog)
    day = datetime.fromtimestamp(expires, UTC).date().isoformat()
    assert f"account acme: the token in `kommo.access_token` expires on {day}, {said}" in line
    assert token not in caplog.text


def test_before_that_nothing_is_said(
    box: Sandbox, now: float, caplog: pytest.LogCaptureFixture
) -> None:
    token = box.kommo.oauth.long_lived(now + 14.01 * DAY)
    assert sync({"kommo": settings_for(box.kommo, access_token=token)}).code == 0
    assert warnings(caplog) == []


def test_after_it_one_line_says_so_and_nothing_is_asked(
    box: Sandbox, now: float, caplog: pytest.LogCaptureFixture
) -> None:
    expires = now - 60
    token = box.kommo.oauth.long_lived(expires)
    both = catalog_for("kommo_leads", "kommo_contacts", "kommo_users")
    assert sync({"kommo": settings_for(box.kommo, access_token=token)}, catalog=both).code == 1
    (line,) = warnings(caplog)
    day = datetime.fromtimestamp(expires, UTC).date().isoformat()
    told = f"the token in `kommo.access_token` expired on {day}; replace it with a new token"
    assert told in line
    assert token not in caplog.text
    assert box.kommo.journal == []


def test_one_account_whose_token_has_ended_does_not_stop_another(box: Sandbox, now: float) -> None:
    ended = box.kommo.oauth.long_lived(now - 60)
    accounts = [{"name": "north", "access_token": ended}, {"name": "south"}]
    run = sync({"kommo": settings_for(box.kommo, accounts=accounts)}, catalog=LEADS)
    assert run.code == 1
    assert {record["account"] for record in run.records("kommo_leads")} == {"south"}


@pytest.mark.parametrize("token", ["opaque", "a.b.c"])
def test_a_token_that_names_no_last_day_is_left_alone(
    box: Sandbox, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    box.kommo.tokens.add(token)
    assert sync({"kommo": settings_for(box.kommo, access_token=token)}).code == 0
    assert warnings(caplog) == []
