"""An optional list that is refused or keeps failing holds up no other stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tap_leads.sources import collection
from tap_leads.sources.kommo import KOMMO
from tests.support.catalogs import catalog_for
from tests.support.run import everyone
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo
    from tests.support.run import Run

    Runner = Callable[..., Run]

REQUIRED = {
    "kommo_account",
    "kommo_user_groups",
    "kommo_task_types",
    "kommo_pipelines",
    "kommo_stages",
    "kommo_leads",
}
PATHS = {
    stream.name: stream.path.removeprefix("/") for stream in KOMMO.streams if stream.optional
} | {"kommo_deleted_leads": "events"}
REASONS = {
    402: "the account's subscription does not include this data (HTTP 402); the stream is skipped. "
    "Deselect the stream, or change the subscription",
    403: "Kommo denied access to this data (HTTP 403); the stream is skipped. The credential has "
    "no permission to read it; it may require an administrator's credential. Check "
    "`kommo.access_token`, or deselect the stream",
    404: "Kommo has no such data for this account (HTTP 404); the stream is skipped. Deselect the "
    "stream",
    405: "Kommo does not list this data (HTTP 405); the stream is skipped. Deselect the stream",
}


def skipped(box: Sandbox, run_here: Runner, stream: str, path: str, status: int) -> list[str]:
    """Return the lines of a run in which one list is refused; all leads are read."""
    box.kommo.options.refused = {path: status}
    box.kommo.options.customers_mode = "periodicity"
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog_for(stream, "kommo_leads"))
    assert run.code == 0
    assert run.records(stream) == []
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)
    return [re.sub(r" \(request \w+\)", "", line) for line in run.said()]


@pytest.mark.parametrize("stream", PATHS)
def test_an_optional_list_that_the_subscription_lacks_is_skipped_with_one_line(
    box: Sandbox, run_here: Runner, stream: str
) -> None:
    (line,) = skipped(box, run_here, stream, PATHS[stream], 402)
    assert line == f"{stream}, account acme: {REASONS[402]}"


@pytest.mark.parametrize("status", REASONS)
def test_a_list_that_is_skipped_says_why_and_what_to_do(
    box: Sandbox, run_here: Runner, status: int
) -> None:
    (line,) = skipped(box, run_here, "kommo_tags", "leads/tags", status)
    assert line == f"kommo_tags, account acme: {REASONS[status]}"


def test_a_default_run_reads_everything_but_a_list_that_the_subscription_lacks(
    box: Sandbox, run_here: Runner
) -> None:
    config = {"kommo": settings_for(box.kommo)}
    whole = run_here(config, catalog=None)
    box.kommo.options.refused = {"leads/tags": 402}
    run = run_here(config, catalog=None)
    assert (run.code, len(run.said())) == (0, 1)
    for stream in whole.schemas:
        expected = 0 if stream == "kommo_tags" else len(whole.records(stream))
        assert len(run.records(stream)) == expected, stream


def test_a_402_in_mid_list_fails_that_stream_alone(box: Sandbox, run_here: Runner) -> None:
    box.kommo.tables["leads/tags"].grow(600)
    box.kommo.faults.plan("none", 402)
    catalog = catalog_for("kommo_tags", "kommo_leads")
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    assert run.code == 1
    assert run.said()[0].startswith("kommo_tags, account acme: the account's subscription does ")
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)


def test_a_402_for_the_elements_of_a_list_skips_them(box: Sandbox, run_here: Runner) -> None:
    box.kommo.options.refused = {"catalogs/1001/elements": 402, "catalogs/1057/elements": 402}
    catalog = catalog_for("kommo_lists", "kommo_list_elements", "kommo_leads")
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    (line,) = run.said()
    assert (run.code, "; the stream is skipped" in line) == (0, True)
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)


def test_a_402_for_custom_fields_closes_nothing(box: Sandbox, run_here: Runner) -> None:
    box.kommo.options.refused = {"contacts/custom_fields": 402}
    config = {"kommo": settings_for(box.kommo, custom_fields="columns")}
    run = run_here(config, catalog=catalog_for("kommo_leads", "kommo_contacts"))
    (line,) = run.said()
    assert run.code == 0
    assert line.startswith("kommo_contacts, account acme: cannot list the custom fields; ")
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)


@pytest.mark.parametrize("stream", sorted(REQUIRED))
def test_a_402_of_the_account_or_its_leads_closes_the_account(
    box: Sandbox, run_here: Runner, stream: str
) -> None:
    path = next(each.path for each in KOMMO.streams if each.name == stream).removeprefix("/")
    box.kommo.options.refused = {path: 402}
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog_for(stream, "kommo_tasks"))
    assert run.code == 1
    line, summary = run.said()
    assert line.startswith(
        "account acme: Kommo reports that the account's subscription or trial has expired "
    )
    assert summary == f"2 of 2 streams failed. First: {line}"
    assert len(box.kommo.journal) == 1


def test_a_402_of_everything_closes_the_account_where_only_optional_lists_are_selected(
    box: Sandbox, run_here: Runner
) -> None:
    box.kommo.options.refused = {"/": 402}
    catalog = catalog_for("kommo_users", "kommo_contacts", "kommo_tasks")
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    assert run.code == 1
    line, summary = run.said()
    assert line.startswith("account acme: Kommo reports that the account's subscription or trial ")
    assert summary == f"3 of 3 streams failed. First: {line}"
    assert len(box.kommo.journal) == 2


@pytest.mark.parametrize("others", [(), ("kommo_leads",)])
def test_a_402_of_the_account_closes_it_whichever_stream_asks(
    box: Sandbox, run_here: Runner, others: tuple[str, ...]
) -> None:
    """The customers' streams read the account first, before or after other lists."""
    box.kommo.options.refused = {"account": 402}
    catalog = catalog_for(*others, "kommo_customers", "kommo_customer_statuses")
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    assert run.code == 1
    line, summary = run.said()
    assert line.startswith("account acme: Kommo reports that the account's subscription or trial ")
    assert summary == f"2 of {2 + len(others)} streams failed. First: {line}"
    assert set(run.ids("kommo_leads")) == (everyone(box.kommo) if others else set())


def test_a_list_that_was_synced_before_and_is_refused_now_is_a_failure(
    box: Sandbox, run_here: Runner
) -> None:
    config, catalog = {"kommo": settings_for(box.kommo)}, catalog_for("kommo_contacts")
    first = run_here(config, catalog=catalog)
    box.kommo.options.refused = {"contacts": 403}
    second = run_here(config, catalog=catalog, state=first.state)
    assert second.code == 1
    assert second.said()[0].startswith("kommo_contacts, account acme: Kommo denied access to this ")
    assert second.bookmark("kommo_contacts") == first.bookmark("kommo_contacts")


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("stream", ["kommo_tags", "kommo_pipelines"])
def test_an_optional_list_that_keeps_failing_is_given_up_early_and_the_rest_is_read(
    box: Sandbox, run_here: Runner, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setattr(collection, "OPTIONAL_SECONDS", 0)
    box.kommo.faults.plan(503)
    catalog = catalog_for(stream, "kommo_leads")
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)
    if stream == "kommo_tags":
        assert run.code == 1
        assert run.records("kommo_tags") == []
        assert run.said()[-1].startswith("1 of 2 streams failed. First: kommo_tags, account acme: ")
    else:
        assert run.code == 0
        assert run.records("kommo_pipelines")


def test_leads_and_what_they_refer_to_by_stage_are_not_optional() -> None:
    assert collection.OPTIONAL_SECONDS <= 60
    required = {stream.name for stream in KOMMO.streams if not stream.optional}
    assert required == REQUIRED


def test_an_account_without_leads_is_no_failure(kommo: Kommo, run_here: Runner) -> None:
    run = run_here({"kommo": settings_for(kommo)}, catalog=None)
    assert run.code == 0
    assert run.records("kommo_leads") == []
    assert run.said() == []
