"""A fifth source is a declaration: what the tap does for the others it does for this one too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import Sandbox
from tap_leads.replication.pagination import CursorPaginator, Offset
from tap_leads.sources import SOURCES
from tap_leads.tap import TapLeads, settings_schema
from tests.fifth_source.pipeline_crm import PIPELINE_CRM, PipelineCrmApi
from tests.fifth_source.server import START, TOKEN, PipelineCrm
from tests.support.run import Table, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import Query
    from tap_leads.rest.client import Request
    from tap_leads.sources.base import RawPage, StreamSpec

MOST_LINES = 60
STREAMS = ["pipeline_crm_stages", "pipeline_crm_deals"]


@pytest.fixture(autouse=True)
def _fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one word in `SOURCES`."""
    sources = (*SOURCES, PIPELINE_CRM)
    monkeypatch.setattr(TapLeads, "sources", sources)
    monkeypatch.setattr(TapLeads, "config_jsonschema", settings_schema(sources))


@pytest.fixture
def crm() -> PipelineCrm:
    return PipelineCrm(deals=150)


@pytest.fixture
def config(crm: PipelineCrm) -> Iterator[dict[str, Any]]:
    with crm.serve() as url:
        yield {"pipeline_crm": {"token": TOKEN, "api_url": url}}


def test_a_source_of_a_known_paging_style_takes_at_most_sixty_lines() -> None:
    lines = Path(__file__).with_name("pipeline_crm.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES


def test_its_streams_are_discovered(config: dict[str, Any]) -> None:
    catalog = TapLeads(config=config).catalog_dict
    assert [stream["tap_stream_id"] for stream in catalog["streams"]] == STREAMS


def test_it_is_synced_incrementally(crm: PipelineCrm, config: dict[str, Any]) -> None:
    first = sync(config, catalog=None)
    assert first.code == 0
    assert len(set(first.ids(STREAMS[0]))) == 45
    assert sorted(first.ids(STREAMS[1])) == sorted(deal["id"] for deal in crm.deals)
    crm.edit(3)
    second = sync(config, first.state, catalog=None)
    assert crm.deals[3]["id"] in second.ids(STREAMS[1])
    assert len(second.ids(STREAMS[1])) <= 9  # the last second of the first run, and the edit


def test_no_deal_is_lost_while_deals_are_edited_and_added(
    crm: PipelineCrm, config: dict[str, Any]
) -> None:
    edited = iter(range(0, 150, 2))

    def after_request() -> None:
        crm.edit(next(edited))
        crm.insert()

    crm.after_request, table = after_request, Table()
    first = sync(config, catalog=None)
    crm.after_request = lambda: None
    table.load(first.messages)
    table.load(sync(config, first.state, catalog=None).messages)
    rows = table.rows[STREAMS[1]]
    assert {deal["id"]: deal["changed"] for deal in crm.deals} == {
        deal_id: row["changed"] for deal_id, row in rows.items()
    }


class PipelineCrmTokens(PipelineCrmApi):
    """The same API where pages are requested by the token that the page before contains."""

    @override
    def request(self, stream: StreamSpec, query: Query, at: Any, now: int) -> Request:
        request = super().request(stream, query, Offset(0, at.limit), now)
        return replace(request, params={**(request.params or {}), "start": at.value or "page-0"})

    @override
    def page(self, stream: StreamSpec, body: Any, at: Any) -> RawPage:
        return super().page(stream, body, at)._replace(next=body["next"])


def test_its_pages_can_be_requested_by_token(
    crm: PipelineCrm, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = tuple(replace(each, paginator=CursorPaginator) for each in PIPELINE_CRM.streams)
    tokens = replace(PIPELINE_CRM, api=PipelineCrmTokens, streams=streams)
    monkeypatch.setattr(TapLeads, "sources", (*SOURCES, tokens))
    crm.deals += [crm.deal(f"t{n:05}", START) for n in range(70)]  # more than a page of one moment
    run = sync(config, catalog=None)
    assert run.code == 0
    assert len(set(run.ids(STREAMS[0]))) == 45
    assert set(run.ids(STREAMS[1])) == {deal["id"] for deal in crm.deals}


def test_its_columns_are_hashed(config: dict[str, Any]) -> None:
    run = sync({**config, "hash_fields": ["email"], "hash_key": "k"}, catalog=None)
    emails = {record["email"] for record in run.records(STREAMS[1])}
    assert len(emails) == 150
    assert not any("@" in email for email in emails)


@pytest.mark.parametrize("fault", ["token", "record"])
def test_its_failure_ends_no_other_source(
    crm: PipelineCrm, config: dict[str, Any], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    if fault == "token":
        config["pipeline_crm"]["token"] = "canary-wrong"
    else:
        crm.odd_deal = {"name": "canary-name"}
    with Sandbox(leads=30, seed=7) as box:
        octanist = {"octanist": settings_for(box.octanist)}
        run = sync({**config, **octanist}, catalog=None)
    assert run.code == 1
    assert len(run.ids("octanist_leads")) == 30
    lines = [r.message for r in caplog.records if r.levelname == "ERROR"]
    assert len(lines) == 1
    assert "account default" in lines[0]
    assert ("bad_token" if fault == "token" else "`id`") in lines[0]
    assert "canary" not in caplog.text
