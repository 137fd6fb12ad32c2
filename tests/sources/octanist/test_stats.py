"""The statistics of each month: which months are read, and what is compared with the leads."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from sandbox.core.people import iso_ms
from tests.support.logs import warnings
from tests.support.octanist_stats import created_in, periods
from tests.support.run import read

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.octanist.api import Octanist
    from tests.support.run import Run

BOTH = "octanist_leads", "octanist_stats"


@pytest.fixture
def api(box: Sandbox) -> Octanist:
    return box.octanist


def months(run: Run) -> list[str]:
    return [row["period_start"][:7] for row in run.records("octanist_stats")]


def test_every_month_from_the_first_lead_to_now_is_a_row(api: Octanist) -> None:
    run = read(api, "octanist_stats")
    found = months(run)
    assert found == sorted({*found})
    assert found[0] == min(created_in(api))
    assert found[-1] == iso_ms(api.clock.now())[:7]
    assert {*found} >= created_in(api)
    assert periods(api)[0][0] == f"{found[0]}-01"
    assert periods(api)[-1][1] == iso_ms(api.clock.now())[:10]
    assert sum(row["total"] for row in run.records("octanist_stats")) == api.count


def test_a_row_has_all_that_the_api_returned_and_exact_amounts(api: Octanist) -> None:
    leads = [lead for lead in api.leads.values() if lead["createdAt"].startswith("2026-03")]
    (row,) = [
        row for row in read(api, "octanist_stats").records("octanist_stats")
        if row["period_start"] == "2026-03-01T00:00:00.000000Z"
    ]  # fmt: skip
    won = [lead["value"] or 0 for lead in leads if lead["status"] == "won"]
    assert row["extra"] is None
    assert row["usage_period_start"] == "2026-03-01T00:00:00.000000Z"
    assert row["period_end"] == "2026-03-31T00:00:00.000000Z"
    assert (row["leads_used"], row["locked_leads"], row["leads_limit"]) == (len(leads), 0, 1000)
    assert row["total"] == len(leads)
    assert sum(json.loads(row["by_status"]).values()) == len(leads)
    assert sum(json.loads(row["by_source"]).values()) == len(leads)
    assert row["total_value"] == sum(map(Decimal, map(str, won)))


def test_months_begin_at_the_start_date(api: Octanist) -> None:
    assert months(read(api, "octanist_stats", start_date="2026-08-20"))[0] == "2026-08"
    assert months(read(api, *BOTH, start_date="2026-08-20"))[0] == "2026-08"


def test_months_end_at_the_end_date(api: Octanist) -> None:
    run = read(api, "octanist_stats", start_date="2026-06-01", end_date="2026-08-01")
    assert months(run) == ["2026-06", "2026-07", "2026-08"]


def test_an_organization_without_leads_has_the_current_month(api: Octanist) -> None:
    api.delete(api.count)
    assert months(read(api, "octanist_stats")) == [iso_ms(api.clock.now())[:7]]


@pytest.mark.parametrize("order", ["kept", "ignored"])
def test_the_first_lead_is_found_whatever_the_order_of_the_list(api: Octanist, order: str) -> None:
    api.options.ignore_order = order == "ignored"
    filters = {"status": "won", "createdAt": {"gte": "2026-06-01T00:00:00Z"}}
    run = read(api, "octanist_stats", filters=filters, search="nobody")
    assert months(run)[0] == min(created_in(api))


def test_a_quiet_run_reads_the_current_month_alone(api: Octanist) -> None:
    first = read(api, *BOTH)
    count, before = len(api.journal), deepcopy(first.state)
    second = read(api, *BOTH, state=first.state)
    assert len(periods(api, count)) == 1
    assert len(api.journal) - count == 3
    assert months(second) == [months(first)[-1]]
    assert second.state == before
    third = read(api, *BOTH, state=second.state)
    assert third.records("octanist_stats") == second.records("octanist_stats")
    assert third.state == before


def test_the_month_of_a_lead_that_changed_is_read_again(api: Octanist) -> None:
    first = read(api, *BOTH)
    chosen = [key for key, lead in api.leads.items() if lead["createdAt"].startswith("2026-03")][:2]
    api.edit(chosen, status="won", value=12.34)
    before = first.bookmark("octanist_stats")
    second = read(api, *BOTH, state=first.state)
    assert months(second) == ["2026-03", months(first)[-1]]
    rows, after = (run.records("octanist_stats") for run in (first, second))
    (old,) = (row for row in rows if row["period_start"] == after[0]["period_start"])
    assert after[0] != old
    assert second.bookmark("octanist_stats") == before


def test_no_month_before_the_start_date_is_read_when_its_leads_change(api: Octanist) -> None:
    first = read(api, *BOTH, start_date="2026-08-01")
    chosen = [key for key, lead in api.leads.items() if lead["createdAt"].startswith("2026-03")]
    api.edit(chosen)
    assert len(months(read(api, *BOTH, state=first.state, start_date="2026-08-01"))) == 1


@pytest.mark.parametrize(
    "limits", [{}, {"search": "a"}, {"filters": {"source": "gtm"}}], ids=["alone", "search", "some"]
)
def test_the_month_before_is_read_again_if_the_leads_are_not_known(
    api: Octanist, limits: dict[str, Any]
) -> None:
    streams = BOTH if limits else BOTH[1:]
    first = read(api, *streams, **limits)
    second = read(api, *streams, state=first.state, **limits)
    assert months(second) == months(first)[-2:]


def test_a_run_in_the_next_month_completes_the_month_of_the_bookmark(api: Octanist) -> None:
    first = read(api, *BOTH, lookback_seconds=0)
    last = months(first)[-1]
    api.clock.advance(40 * 86_400)
    second = read(api, *BOTH, state=first.state, lookback_seconds=0)
    assert months(second)[0] == last
    assert len(months(second)) >= 2
    assert periods(api)[len(months(first))][1] > periods(api)[len(months(first)) - 1][1]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    "fault", ["reset", "truncate", "html200", "half_json200", "early_204", 503]
)
def test_a_failed_request_is_sent_again(api: Octanist, fault: Any) -> None:
    api.faults.plan("none", "none", fault, "none", fault)
    run = read(api, "octanist_stats", start_date="2026-07-01")
    assert months(run) == ["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"]


@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_organization_without_statistics_is_no_failure(
    api: Octanist, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    first = read(api)
    api.faults.plan("none", "none", faults.status(status))
    run = read(api, *BOTH, state=first.state)
    assert run.records("octanist_stats") == []
    (line,) = warnings(caplog)
    assert "the stream is skipped" in line
