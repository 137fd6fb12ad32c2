"""What a token without all rights can read of Kommo, and what ends a stream or the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import faults
from tap_leads.sources.kommo import KOMMO
from tests.support.catalogs import catalog_for
from tests.support.logs import errors
from tests.support.run import read, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo

ADMINISTRATORS = ("kommo_users", "kommo_roles", "kommo_website_buttons")
OTHERS = ("kommo_account", "kommo_pipelines", "kommo_tags", "kommo_event_types")
NAMES = [stream.name for stream in KOMMO.streams]


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    return box.kommo


def test_lists_for_administrators_are_skipped_where_the_token_is_no_administrators(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.admin = False
    run = read(kommo, *ADMINISTRATORS, *OTHERS)
    levels = {(r.levelname, r.getMessage().partition(",")[0]) for r in caplog.records}
    levels = {each for each in levels if each[0] in {"WARNING", "ERROR"}}
    account = ("WARNING", "account acme: the token is not an administrator's")
    assert levels == {account, *(("WARNING", stream) for stream in ADMINISTRATORS)}
    assert caplog.text.count("leads, contacts, companies and tasks contain only") == 1
    for stream in (*ADMINISTRATORS, *OTHERS):
        assert bool(run.records(stream)) is (stream in OTHERS)


def test_a_run_of_what_an_administrator_alone_may_see_is_no_failure(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.admin = False
    assert read(kommo, "kommo_users").records("kommo_users") == []
    assert "use an administrator's token" in caplog.text


def test_a_block_is_told_as_such_and_not_as_a_list_that_is_not_there(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.ban_html = True
    run = sync({"kommo": settings_for(kommo)}, catalog=catalog_for("kommo_users", "kommo_tags"))
    assert run.code == 1
    assert len(kommo.journal) == 1
    assert "blocks this IP address" in caplog.text
    assert "skipped" not in caplog.text


def test_a_right_that_is_missing_for_leads_fails_that_stream_alone(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.forbidden = ("leads",)
    config = {"kommo": settings_for(kommo)}
    run = sync(config, catalog=catalog_for("kommo_account", "kommo_leads", "kommo_contacts"))
    assert run.code == 1
    assert [line.partition(",")[0] for line in errors(caplog)] == ["kommo_leads"]
    assert run.records("kommo_account")
    assert run.records("kommo_contacts")


def test_a_credential_that_is_refused_ends_all_streams_with_that_request(kommo: Kommo) -> None:
    config = {"kommo": settings_for(kommo, access_token="outdated")}
    run = sync(config, catalog=catalog_for(*NAMES))
    assert run.code == 1
    assert len(kommo.journal) == 1
    assert not any(run.records(name) for name in NAMES)


@pytest.mark.usefixtures("no_waits")
def test_a_fault_in_one_stream_does_not_end_the_others(kommo: Kommo) -> None:
    kommo.faults.plan(faults.status(400))
    run = sync({"kommo": settings_for(kommo)}, catalog=catalog_for("kommo_tags", "kommo_lists"))
    assert run.code == 1
    assert run.records("kommo_tags") == []
    assert len(run.records("kommo_lists")) == len(kommo.catalogs.rows)
