"""`start_date` and `end_date`: every form that Meltano's kind `date_iso8601` passes on."""

from __future__ import annotations

from typing import Any

import pytest
from meltano.core.utils import parse_date

from tap_leads.tap import TapLeads
from tap_leads.timestamps import from_text
from tests.support.refusals import GOOD, errors_of

# Meltano passes on a text of the form of ISO 8601 and replaces any other date, such as `yesterday`,
# by Python's `isoformat()`.
FORMS = {
    "2026-01-31": "2026-01-31T00:00:00Z",
    "2026-01-31Z": "2026-01-31T00:00:00Z",
    "2026-01-31+02:00": "2026-01-30T22:00:00Z",
    "2026-01-31-03:30": "2026-01-31T03:30:00Z",
    "2026-01-31 10:20:30": "2026-01-31T10:20:30Z",
    "2026-01-31T10:20:30": "2026-01-31T10:20:30Z",
    "2026-01-31T10:20:30Z": "2026-01-31T10:20:30Z",
    "2026-01-31T10:20:30.5Z": "2026-01-31T10:20:30.5Z",
    "2026-01-31T10:20:30.123456789Z": "2026-01-31T10:20:30.123456Z",
    "2026-01-31T10:20:30.123456+00:00": "2026-01-31T10:20:30.123456Z",
    "2026-01-31T10:20:30-05:00": "2026-01-31T15:20:30Z",
    " 2026-01-31\n": "2026-01-31T00:00:00Z",
}


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize(("given", "moment"), FORMS.items())
def test_a_date_is_taken_in_each_form_of_meltano(name: str, given: str, moment: str) -> None:
    config = TapLeads(config={**GOOD, name: given}).config
    assert from_text(config[name]) == from_text(moment) is not None


@pytest.mark.parametrize(
    "given",
    [
        *FORMS,
        "yesterday",
        "6 months ago",
        "31 January 2026",
        "2026-01-31 10:20",
        "2026-01-31 10:20 EST",
    ],
)
def test_what_meltano_makes_of_a_date_is_taken(given: str) -> None:
    config = TapLeads(config={**GOOD, "start_date": parse_date(given)}).config
    assert from_text(config["start_date"]) is not None


@pytest.mark.parametrize("given", ["yesterday", "2026-02-30", " ", "2026-01-31Q", "31.01.2026"])
def test_an_end_date_that_is_none_is_refused(given: str) -> None:
    assert errors_of({**GOOD, "end_date": given}) == [
        "end_date: must be an ISO 8601 date or date-time, such as 2026-01-01T00:00:00Z"
    ]


@pytest.mark.parametrize(
    ("start", "end"), [("2026-01-02", "2026-01-01"), ("2026-01-01Z", "2026-01-01T00:00:00+01:00")]
)
def test_an_end_before_the_start_is_refused(start: str, end: str) -> None:
    assert errors_of({**GOOD, "start_date": start, "end_date": end}) == [
        "end_date: must not be before `start_date`"
    ]


def test_the_start_may_be_the_end() -> None:
    dates = {"start_date": "2026-01-01", "end_date": "2026-01-01"}
    assert dates.items() <= TapLeads(config={**GOOD, **dates}).config.items()


# Retries


@pytest.mark.parametrize(("given", "seconds"), [(None, 300), (60, 60), ("0.5", 0.5), (0, 0)])
def test_requests_are_retried_as_long_as_the_setting_says(given: Any, seconds: float) -> None:
    tap = TapLeads(config={**GOOD, "max_retry_seconds": given})
    assert tap.config["max_retry_seconds"] == seconds


def test_a_negative_time_for_retries_is_refused() -> None:
    (line,) = errors_of({**GOOD, "max_retry_seconds": -1})
    assert line == "max_retry_seconds: must be at least 0"


def test_there_is_no_setting_for_what_is_not_installed() -> None:
    (line,) = errors_of({**GOOD, "faker_config": {"seed": 1}})
    assert line.startswith("faker_config: unknown setting")
