"""Quirks of the APIs that no other test holds; the pages in `docs` name the test of each."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from sandbox.core.people import iso_ms
from sandbox.octanist import api as octanist_api
from sandbox.octanist import query as octanist_query
from sandbox.octanist.leads import CLICK_IDS
from tap_leads.tap import TapLeads
from tests.support.run import sync
from tests.support.runtime import set_traits
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    from sandbox import Api, Sandbox
    from sandbox.dashly.api import Dashly
    from sandbox.octanist.options import OctanistOptions
    from tests.support.run import Run

REACH = 200


def read(api: Api, state: dict[str, Any] | None = None, **settings: Any) -> Run:
    """A run that ends well."""
    run = sync({api.slot: settings_for(api, **settings)}, state)
    assert run.code == 0
    return run


def everyone(api: Api) -> list[str]:
    """The ids of all leads of a source."""
    return sorted(str(lead["id"]) for lead in api.rendered())


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was told at ERROR."""
    return [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]


# Kommo


def test_kommo_gets_bounds_in_brackets_and_never_a_bare_moment(box: Sandbox) -> None:
    api = box.kommo
    first = read(api)
    api.journal.clear()
    edited = api.edit(5)
    bounds = {"updated_at": {"to": int(box.clock.now()) + DAY}}
    run = read(api, first.state, filters=bounds)
    assert {str(lead_id) for lead_id in edited} <= set(run.ids("kommo_leads"))
    for request in api.journal:
        asked = {name for name in request.query if name.startswith("filter")}
        assert asked == {"filter[updated_at][from]", "filter[updated_at][to]"}


@pytest.mark.parametrize("source", ["kommo", "dashly", "octanist"])
def test_a_change_that_moves_no_date_comes_when_everything_is_read(
    box: Sandbox, source: str
) -> None:
    api, stream = box.apis[source], f"{source}_leads"
    first = read(api)
    config = {source: settings_for(api)}
    fields: dict[str, Any] = {"$name" if source == "dashly" else "name": "Renamed"}
    oldest = next(lead_id for lead_id in api.leads if str(lead_id) == first.ids(stream)[0])
    (changed,) = api.edit([oldest], touch=False, **fields)
    assert str(changed) not in read(api, first.state).ids(stream)
    found: list[dict[str, Any]] = TapLeads(config=config).catalog_dict["streams"]
    (leads,) = (each for each in found if each["tap_stream_id"] == stream)
    catalog = {"streams": [leads | {"replication_method": "FULL_TABLE"}]}
    names = {
        str(r["id"]): r["name"] for r in sync(config, first.state, catalog=catalog).records(stream)
    }
    assert names[str(changed)] == "Renamed"


# Dashly and Carrot quest


@pytest.fixture
def short_reach(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Dashly:
    """Dashly, where nobody can page beyond the first 200 leads, and the tap knows it."""
    box.dashly.options.reach = REACH
    set_traits(monkeypatch, "dashly_leads", result_window=REACH)
    return box.dashly


ALIKE = {
    "$email": "a@example.org",
    "$phone": "+1 202 555 0100",
    "$name": "Anna",
    "$sessions": 1,
    "$last_contacted": "2024-01-01T00:00:00",
}


def test_an_account_larger_than_the_reach_is_read_whole(short_reach: Dashly) -> None:
    for ago in range(1, 6):
        short_reach.insert(150, at=time.time() - ago * DAY)
    assert sorted(read(short_reach).ids("dashly_leads")) == everyone(short_reach)
    assert {request.status for request in short_reach.journal} == {200}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("$email", [None, "a@example.org"]),
        ("$phone", [None, "+1 202 555 0100"]),
        ("$name", [None, "Anna"]),
        ("$sessions", [None, 1, 2, 3, 5, 9, 21]),
        ("$last_contacted", [None, "2024-01-01T00:00:00"]),
    ],
)
@pytest.mark.parametrize("seen", [True, False], ids=["of one minute", "never seen"])
def test_leads_that_share_a_minute_beyond_the_reach_are_told_apart_by_what_they_have(
    short_reach: Dashly, name: str, values: list[Any], *, seen: bool
) -> None:
    unseen = {} if seen else {"$last_seen": None}
    for value in values:
        fields: dict[str, Any] = {**ALIKE, **unseen, name: value}
        short_reach.insert(REACH * 3 // 4, at=1_700_000_000, **fields)
    assert sorted(set(read(short_reach).ids("dashly_leads"))) == everyone(short_reach)


@pytest.mark.parametrize("seen", [True, False], ids=["of one minute", "never seen"])
def test_leads_beyond_the_reach_that_nothing_tells_apart_are_counted_and_are_an_error(
    short_reach: Dashly, caplog: pytest.LogCaptureFixture, *, seen: bool
) -> None:
    fields: dict[str, Any] = ALIKE if seen else ALIKE | {"$last_seen": None}
    short_reach.insert(REACH + 130, at=1_700_000_000, **fields)
    run = sync({"dashly": settings_for(short_reach)})
    assert run.code == 1
    (line,) = errors(caplog)
    counted = re.search(r"more than the first (\d+) records .* at least (\d+) more exist", line)
    assert counted
    assert int(counted[1]) + int(counted[2]) == REACH + 130


@pytest.mark.parametrize("seen", [True, False], ids=["of one minute", "never seen"])
def test_a_total_that_ends_at_the_reach_is_taken_for_at_least(
    short_reach: Dashly, *, seen: bool
) -> None:
    short_reach.options.total_cap = REACH
    unseen: dict[str, Any] = {} if seen else {"$last_seen": None}
    for name in ("Anna", None):
        fields: dict[str, Any] = ALIKE | unseen | {"$name": name}
        short_reach.insert(REACH * 3 // 4, at=1_700_000_000, **fields)
    assert sorted(set(read(short_reach).ids("dashly_leads"))) == everyone(short_reach)


@pytest.mark.parametrize("slot", ["dashly", "carrotquest"])
def test_the_second_version_of_the_api_is_asked_unless_the_address_names_one(
    box: Sandbox, slot: str
) -> None:
    api = box.apis[slot]
    for end, version in (("", "v2"), ("/", "v2"), ("/v1", "v1"), ("/v2", "v2")):
        api.journal.clear()
        run = read(api, api_url=api.url + end)
        assert len(run.ids(f"{slot}_leads")) == api.count
        assert {request.path.split("/")[1] for request in api.journal} == {version}


@pytest.mark.parametrize("slot", ["dashly", "carrotquest"])
def test_the_app_of_the_token_is_read_where_none_is_named(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    app_id: str = api.app_id  # type: ignore[attr-defined]  # these two have it
    named: dict[str, Any] = {"app_id": app_id}
    for settings, app in (({}, "$self_app"), (named, app_id)):
        api.journal.clear()
        run = read(api, **settings)
        assert len(run.ids(f"{slot}_leads")) == api.count
        assert {request.path.split("/")[3] for request in api.journal} == {app}


def test_presence_is_what_it_was_when_the_lead_was_read(box: Sandbox) -> None:
    api = box.dashly
    box.clock.freeze()
    (lead_id,) = api.insert(1, at=box.clock.now())
    first = read(api)
    before = {r["id"]: r["presence"] for r in first.records("dashly_leads")}
    box.clock.advance(600)
    second = read(api, first.state)
    after = {r["id"]: r["presence"] for r in second.records("dashly_leads")}
    assert (before[str(lead_id)], after[str(lead_id)]) == ("online", "offline")


# Octanist


def test_octanist_leads_of_one_moment_are_told_apart_by_their_click_ids(box: Sandbox) -> None:
    api = box.octanist
    shared = {"email": "a@example.org", "name": "Anna", "value": 250, "status": "open"}
    for click_id in (None, "Cj0KCQ"):
        fields: dict[str, Any] = dict.fromkeys(CLICK_IDS) | shared | {CLICK_IDS[-1]: click_id}
        api.insert(90, at=1_700_000_000, **fields)
    assert sorted(set(read(api).ids("octanist_leads"))) == everyone(api)
    asked = {name for request in api.journal for name in request.query if "[exists]" in name}
    assert asked == {f"{name}[exists]" for name in (*CLICK_IDS, "updatedAt")}


def test_a_store_that_keeps_finer_moments_than_it_shows_costs_no_lead(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = box.octanist
    read_filters = octanist_query.read_filters

    def finer(pairs: list[tuple[str, str]], options: OctanistOptions) -> octanist_query.Filters:
        """What is shown as .123 is kept as .123456: a bound of .123 leaves it out."""
        filters = read_filters(pairs, options)
        if bound := filters.high.get("updatedAt"):
            moment = datetime.fromisoformat(bound).timestamp()
            filters.high["updatedAt"] = iso_ms(moment - 0.001)
        return filters

    monkeypatch.setattr(octanist_api, "read_filters", finer)
    api.insert(250, at=time.time() - DAY)
    assert sorted(set(read(api).ids("octanist_leads"))) == everyone(api)
    moments = sorted(lead["updatedAt"] for lead in api.rendered() if lead["updatedAt"])
    bound = moments[100]
    run = read(api, filters={"updatedAt": {"lte": bound}})
    assert len(run.ids("octanist_leads")) == sum(moment <= bound for moment in moments)


def test_the_millisecond_more_that_octanist_is_asked_for_does_not_leave(box: Sandbox) -> None:
    api = box.octanist
    at = round(time.time()) - 30 * DAY
    (last,) = api.insert(1, updatedAt=iso_ms(at))
    (behind,) = api.insert(1, updatedAt=iso_ms(at + 0.001))
    ids = read(api, filters={"updatedAt": {"lte": iso_ms(at)}}).ids("octanist_leads")
    assert (last in ids, behind in ids) == (True, False)
    assert all(request.query["updatedAt[lte]"][0] > iso_ms(at) for request in api.journal)


def test_bounds_written_as_the_api_writes_them_and_as_an_object_are_joined(box: Sandbox) -> None:
    filters = {"value[gte]": 100, "value": {"lt": 900}}
    read(box.octanist, filters=filters)
    asked = box.octanist.journal[0].query
    assert (asked["value[gte]"], asked["value[lt]"]) == (["100"], ["900"])


def test_an_account_that_heeds_one_operator_of_a_field_is_read_within_both(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.octanist
    api.insert(250, at=time.time() - DAY)
    box.octanist.options.combine_operators = False
    assert sorted(set(read(api).ids("octanist_leads"))) == everyone(api)
    moments = {lead["id"]: lead["updatedAt"] for lead in api.rendered() if lead["updatedAt"]}
    low, *_, high = sorted(moments.values())[50:250]
    run = read(api, filters={"updatedAt": {"gte": low, "lte": high}})
    got = {record["id"] for record in run.records("octanist_leads") if record["updated_at"]}
    assert got == {lead_id for lead_id, moment in moments.items() if low <= moment <= high}
    assert "the API ignored the requested filter or sort order" in caplog.text


@pytest.mark.parametrize("name", ["createdAt", "qualifiedAt", "updatedAt"])
@pytest.mark.parametrize("operator", ["gte", "lte"])
def test_a_whole_date_in_the_filters_goes_out_as_its_midnight(
    box: Sandbox, name: str, operator: str
) -> None:
    api = box.octanist
    moments = sorted(lead[name] for lead in api.rendered() if lead[name])
    day = moments[len(moments) // 2][:10]
    midnight = f"{day}T00:00:00.000Z"
    run = read(api, filters={name: {operator: day}})
    inside = [moment for moment in moments if (moment >= midnight) is (operator == "gte")]
    assert 0 < len(inside) < len(moments)
    assert len(run.ids("octanist_leads")) == len(inside)
    assert {request.status for request in api.journal} == {200}


@pytest.mark.parametrize("shape", ["object", "text"])
@pytest.mark.parametrize("status", [400, 403])
def test_an_error_of_either_form_is_told_by_its_code_and_never_by_its_text(
    box: Sandbox, shape: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    box.octanist.options.error_shape = shape
    box.octanist.faults.plan(faults.status(status))
    assert sync({"octanist": settings_for(box.octanist)}).code == 1
    (line,) = errors(caplog)
    code = {400: "VALIDATION_ERROR", 403: "FORBIDDEN"}[status]
    text = {400: "Invalid parameters", 403: "Access denied"}[status]
    assert f"account default: {status}: the " in line
    assert (f"({code}, req_" in line) is (shape == "object")
    assert text not in caplog.text


@pytest.mark.usefixtures("no_waits")
def test_a_list_without_paging_is_not_taken_for_a_page(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    box.octanist.options.bare_array = True
    run = sync({"octanist": settings_for(box.octanist)})
    assert run.code == 1
    assert run.records("octanist_leads") == []
    (line,) = errors(caplog)
    assert "the response has an unexpected format" in line
