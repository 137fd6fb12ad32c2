"""The statistics are compared with the leads that a run has read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.timestamps import SECOND, from_text
from tests.support.catalogs import catalog_for
from tests.support.logs import warnings
from tests.support.octanist_stats import created_in, periods
from tests.support.run import config_of, read, sync

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.octanist.api import Octanist

BOTH = "octanist_leads", "octanist_stats"


@pytest.fixture
def api(box: Sandbox) -> Octanist:
    return box.octanist


def told(api: Octanist, caplog: pytest.LogCaptureFixture, *streams: str, **settings: Any) -> Any:
    """Return the warning about leads that are not listed; None if there is none."""
    caplog.clear()
    read(api, *(streams or BOTH), **settings)
    lines = [line for line in warnings(caplog) if "that the API did not list" in line]
    assert len(lines) <= 1
    return lines[0] if lines else None


def test_leads_that_count_and_are_not_listed_are_reported(
    api: Octanist, caplog: pytest.LogCaptureFixture
) -> None:
    api.options.unlisted_leads = 3
    line = told(api, caplog)
    number = len({*periods(api)})
    assert line.startswith("octanist_stats, account default: the statistics count ")
    assert (
        f"count {3 * number} leads in {number} months, the first of them {min(created_in(api))},"
        in line
    )


def test_a_run_from_a_start_date_compares_the_months_since_then(
    api: Octanist, caplog: pytest.LogCaptureFixture
) -> None:
    for day in range(100):
        api.insert(1, at=api.clock.now() - day * 86_400)
    start = "2026-09-15"
    months = {month for month in created_in(api) if month > start}
    assert len(months) >= 2
    assert told(api, caplog, start_date=start) is None
    api.options.unlisted_leads = 3
    line = told(api, caplog, start_date=start)
    assert f" leads in {len(months)} months, the first of them {min(months)}," in line


@pytest.mark.parametrize("hours", [-11, 3, 13])
@pytest.mark.parametrize("start", ["2026-09-30T23:00:00Z", "2026-10-01", "2026-09-29"])
def test_leads_of_the_hours_before_the_start_date_are_not_reported(
    api: Octanist, caplog: pytest.LogCaptureFixture, hours: int, start: str
) -> None:
    moment = (from_text("2026-10-01") or 0) // SECOND
    for hour in range(-14, 14):
        api.insert(1, at=moment + hour * 3600)
    api.options.stats_utc_offset = hours
    assert told(api, caplog, start_date=start) is None
    api.options.unlisted_leads = 30
    assert told(api, caplog, start_date=start)


def test_numbers_that_are_texts_are_compared(
    api: Octanist, caplog: pytest.LogCaptureFixture
) -> None:
    def rewrite(request: Any, reply: Any) -> None:
        if request.path == "/api/stats":
            body = json.loads(reply.body)
            body["data"]["usage"] = {k: str(v) for k, v in body["data"]["usage"].items()}
            reply.body = json.dumps(body).encode()

    api.rewrite = rewrite
    api.options.locked_leads = 4
    assert told(api, caplog) is None
    api.options.unlisted_leads = 3
    assert told(api, caplog)


def test_locked_leads_and_listed_leads_are_not_reported(
    api: Octanist, caplog: pytest.LogCaptureFixture
) -> None:
    assert told(api, caplog) is None
    api.options.locked_leads = 5
    assert told(api, caplog) is None


def test_a_lead_that_is_added_between_both_reads_is_not_reported(
    api: Octanist, caplog: pytest.LogCaptureFixture
) -> None:
    def add(*_: object) -> None:
        api.insert(1)

    api.after_request = add
    assert told(api, caplog) is None
    api.options.unlisted_leads = 500
    assert told(api, caplog)


@pytest.mark.parametrize("hours", [-11, 3, 13])
def test_months_in_another_time_zone_are_not_reported(
    api: Octanist, caplog: pytest.LogCaptureFixture, hours: int
) -> None:
    for day in range(28, 60):
        api.insert(1, at=api.clock.now() - day * 86_400 + 3600)
    api.options.stats_utc_offset = hours
    assert told(api, caplog) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"search": "a"},
        {"filters": {"source": "gtm"}},
        {"end_date": "2026-08-01"},
        {"streams": ("octanist_stats",)},
    ],
    ids=str,
)
def test_a_run_that_reads_some_of_the_leads_reports_nothing(
    api: Octanist, caplog: pytest.LogCaptureFixture, settings: dict[str, Any]
) -> None:
    api.options.unlisted_leads = 3
    streams = settings.pop("streams", BOTH)
    assert told(api, caplog, *streams, **settings) is None


def test_a_later_run_reports_nothing(api: Octanist, caplog: pytest.LogCaptureFixture) -> None:
    first = read(api, *BOTH)
    api.options.unlisted_leads = 3
    assert told(api, caplog, state=first.state) is None


def test_a_run_without_the_dates_of_leads_reports_nothing(
    api: Octanist, caplog: pytest.LogCaptureFixture
) -> None:
    api.options.unlisted_leads = 3
    catalog = catalog_for(*BOTH)
    (leads,) = (each for each in catalog["streams"] if each["stream"] == "octanist_leads")
    leads["metadata"].append(
        {"breadcrumb": ["properties", "created_at"], "metadata": {"selected": False}}
    )
    assert told(api, caplog, catalog=catalog) is None


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        ("T00:00:00.000Z", "T23:59:59.999Z"),
        ("T00:00:00.000Z", None),
    ],
)
def test_the_period_of_usage_may_have_several_forms(
    api: Octanist, caplog: pytest.LogCaptureFixture, start: str | None, end: str | None
) -> None:
    def rewrite(request: Any, reply: Any) -> None:
        if request.path == "/api/stats":
            body = json.loads(reply.body)
            usage = body["data"]["usage"]
            usage["periodStart"] = start and usage["periodStart"] + start
            usage["periodEnd"] = end and usage["periodEnd"] + end
            reply.body = json.dumps(body).encode()

    api.options.unlisted_leads = 3
    api.rewrite = rewrite
    assert told(api, caplog)


def test_usage_of_another_period_is_not_compared(
    api: Octanist, caplog: pytest.LogCaptureFixture
) -> None:
    api.options.unlisted_leads, api.options.billing_period = 3, True
    assert told(api, caplog) is None


def test_every_organization_has_its_own_statistics(api: Octanist) -> None:
    accounts = [{"name": name, "api_key": api.add_account()} for name in "ab"]
    config = config_of(api, start_date="2026-10-01")
    config["octanist"]["accounts"] = accounts
    del config["octanist"]["api_key"]
    run = sync(config, catalog=catalog_for(*BOTH))
    assert run.code == 0
    rows = [(row["account"], row["period_start"][:7]) for row in run.records("octanist_stats")]
    assert rows == [(name, month) for name in "ab" for month in ("2026-10", "2026-11")]
