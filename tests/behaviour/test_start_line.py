"""One line at the start of a run: which sources and accounts, how many streams, from when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.catalogs import LEADS, catalog_for
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def start_of(run: Run) -> str:
    """Return the line that names what is synced; there is one, before any stream."""
    infos = [line.rpartition(" | ")[2] for line in run.stderr.splitlines()]
    (place,) = (place for place, line in enumerate(infos) if line.startswith("syncing "))
    assert not any("Beginning sync" in line for line in infos[:place])
    return infos[place]


def test_a_first_run_names_its_sources_and_all_records(box: Sandbox, run_here: Runner) -> None:
    config = {"kommo": settings_for(box.kommo), "octanist": settings_for(box.octanist)}
    run = run_here(config, catalog=catalog_for("kommo_leads", "kommo_tags", "octanist_leads"))
    assert start_of(run) == (
        "syncing 3 streams of kommo (account acme), octanist (account default): all records"
    )


def test_many_accounts_are_counted(box: Sandbox, run_here: Runner) -> None:
    accounts = [{"name": f"shop{number}"} for number in range(7)]
    run = run_here({"octanist": settings_for(box.octanist, accounts=accounts)})
    assert start_of(run).startswith(
        "syncing 1 stream of octanist (accounts shop0, shop1, shop2, shop3 and 3 more): "
    )


def test_the_start_date_and_later_the_oldest_bookmark_are_named(
    box: Sandbox, run_here: Runner
) -> None:
    config: dict[str, Any] = {"octanist": settings_for(box.octanist), "start_date": "2020-01-02"}
    first = run_here(config)
    assert start_of(first).endswith(": records since 2020-01-02T00:00:00Z (`start_date`)")
    second = run_here(config, state=first.state, catalog=LEADS)
    bookmark = (first.bookmark("octanist_leads") or "")[:19]
    assert start_of(second).endswith(f": changes since the oldest bookmark, {bookmark}Z")


def test_streams_and_accounts_that_are_new_are_counted(box: Sandbox, run_here: Runner) -> None:
    config: dict[str, Any] = {"octanist": settings_for(box.octanist)}
    first = run_here(config, catalog=LEADS)
    both = catalog_for("octanist_leads", "octanist_stats")
    second = run_here(config, state=first.state, catalog=both)
    assert start_of(second).endswith("Z; first sync of 1 stream")
    config["octanist"]["accounts"] = [{"name": "default"}, {"name": "new"}]
    third = run_here(config, state=second.state, catalog=both)
    assert start_of(third).endswith("Z; first sync of 2 streams")
    fourth = run_here(config, state=third.state, catalog=both)
    assert start_of(fourth).endswith("Z")


def test_a_bookmark_that_is_no_date_is_not_shown(box: Sandbox, run_here: Runner) -> None:
    mark = {"context": {"account": "default"}, "replication_key": "updated_at"}
    mark["replication_key_value"] = "canary"
    state = {"bookmarks": {"octanist_leads": {"partitions": [mark]}}}
    run = run_here({"octanist": settings_for(box.octanist)}, state=state)
    assert start_of(run).endswith(": all records")
    assert "canary" not in run.stderr


def test_a_start_date_in_the_future_is_a_warning(box: Sandbox, run_here: Runner) -> None:
    run = run_here({"octanist": settings_for(box.octanist), "start_date": "2999-01-01"})
    assert run.code == 0
    assert run.said() == ["`start_date` is in the future"]
