"""The queries in the recipes answer their questions correctly."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.leads import LOST, USERS, WON
from tests.support.pages import fences, rows, section
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.database import Database


Lead = dict[str, Any]
RECIPES = section("Recipes", "docs/recipes.md")
QUERIES = fences(RECIPES, "sql")
VIEW, STAGES, HISTORY, SOURCES, CAMPAIGNS, REASONS = QUERIES


def load(sandbox: Sandbox, database: Database, custom_fields: str) -> None:
    """Run the tap twice with the default selection, with many changes before each run."""
    api = sandbox.kommo
    config = {"kommo": settings_for(api, custom_fields=custom_fields)}
    for _ in range(2):
        api.insert(5)
        sandbox.clock.advance(3600)
        api.edit(60)
        api.edit(20, status_id=WON, loss_reason_id=None)
        gone = api.delete(10)
        api.restore(gone[:2])
        survivor, merged = list(api.leads)[:2]
        api.merge([merged], survivor)
        database.extract(config)
    database.write()
    database.query(VIEW)


def current_leads(sandbox: Sandbox) -> list[Lead]:
    return list(sandbox.kommo.rendered())


def worth(leads: list[Lead]) -> float:
    return round(sum(lead["price_with_minor_units"] or 0 for lead in leads), 2)


def grouped(leads: list[Lead], key: Callable[[Lead], Any]) -> dict[Any, list[Lead]]:
    found = defaultdict(list)
    for lead in leads:
        found[key(lead)].append(lead)
    return dict(found)


def test_each_question_has_a_query() -> None:
    assert len(QUERIES) == len(list(rows(RECIPES)))


def deleted_and_merged_leads_are_not_there(sandbox: Sandbox, tables: Database) -> None:
    found = {row["id"] for row in tables.query("select id from leads_now")}
    assert found == {lead["id"] for lead in current_leads(sandbox)}
    assert len(tables.query("select id from kommo_leads")) > len(found)


def leads_by_stage_and_owner(sandbox: Sandbox, tables: Database) -> None:
    api = sandbox.kommo
    pipelines = {row["id"]: row["name"] for row in api.pipelines.rendered()}
    stages = {(row["pipeline_id"], row["id"]): row["name"] for row in api.stages.rendered()}
    owners = {row["id"]: row["name"] for row in api.users.rendered()}
    truth = grouped(
        current_leads(sandbox),
        lambda lead: (
            pipelines[lead["pipeline_id"]],
            stages[lead["pipeline_id"], lead["status_id"]],
            owners.get(lead["responsible_user_id"]),
        ),
    )
    found = {
        (row["pipeline"], row["stage"], row["owner"]): (row["leads"], round(float(row["value"]), 2))
        for row in tables.query(STAGES)
    }
    assert found == {key: (len(leads), worth(leads)) for key, leads in truth.items()}
    assert len(owners) == len(USERS) - 1


def conversion_and_days_per_stage(sandbox: Sandbox, tables: Database) -> None:
    api = sandbox.kommo
    names = {
        (stage["pipeline_id"], stage["id"]): (pipeline["name"], stage["name"])
        for stage in api.stages.rendered()
        for pipeline in api.pipelines.rendered()
        if pipeline["id"] == stage["pipeline_id"]
    }
    entered, went_on, won = (defaultdict[Any, set[int]](set) for _ in range(3))
    days = defaultdict[Any, list[float]](list)
    history = api.stage_history()
    for lead in current_leads(sandbox):
        for stay, following in pairwise([*history[lead["id"]], None]):
            if stay is None or stay.status_id in {WON, LOST}:
                continue
            stage = names[stay.pipeline_id, stay.status_id]
            entered[stage].add(lead["id"])
            if lead["status_id"] == WON:
                won[stage].add(lead["id"])
            if following:
                days[stage].append((following.at - stay.at) / 86_400)
                if following.status_id != LOST:
                    went_on[stage].add(lead["id"])
    found = {(row["pipeline"], row["stage"]): row for row in tables.query(HISTORY)}
    assert found.keys() == entered.keys()
    for stage, row in found.items():
        count = len(entered[stage])
        shares = (100 * len(some[stage]) / count for some in (went_on, won))
        assert row["leads"] == count
        found_shares = [float(row["went_on_percent"]), float(row["won_percent"])]
        assert found_shares == pytest.approx(list(shares), abs=0.06)
        assert float(row["days"]) == pytest.approx(fmean(days[stage]), abs=0.006)


def won_by(
    sandbox: Sandbox, key: Callable[[Lead], str | None]
) -> dict[str | None, tuple[int, int]]:
    """Return how many leads were won, and how many are closed."""
    closed = [lead for lead in current_leads(sandbox) if lead["status_id"] in {WON, LOST}]
    won = Counter(key(lead) for lead in closed if lead["status_id"] == WON)
    return {name: (won[name], count) for name, count in Counter(map(key, closed)).items()}


def win_rate_by_source(sandbox: Sandbox, tables: Database) -> None:
    truth = won_by(sandbox, lambda lead: (lead["_embedded"]["source"] or {}).get("name"))
    found = tables.query(SOURCES)
    assert {row["source"]: (row["won"], row["closed"]) for row in found} == truth
    assert all(float(r["won_percent"]) == round(100 * r["won"] / r["closed"], 1) for r in found)


def win_rate_by_utm(sandbox: Sandbox, tables: Database) -> None:
    def utm(lead: Lead) -> str | None:
        for custom in lead["custom_fields_values"] or ():
            if custom["field_code"] == "UTM_SOURCE":
                return str(custom["values"][0]["value"])
        return None

    truth = won_by(sandbox, utm)
    found = {r["utm_source"]: (r["won"], r["closed"]) for r in tables.query(CAMPAIGNS)}
    assert found == truth
    assert len(truth) > 2


def value_lost_by_reason(sandbox: Sandbox, tables: Database) -> None:
    names = {row["id"]: row["name"] for row in sandbox.kommo.loss_reasons.rendered()}
    lost = [lead for lead in current_leads(sandbox) if lead["status_id"] == LOST]
    truth = grouped(lost, lambda lead: names.get(lead["loss_reason_id"]))
    found = {r["reason"]: (r["leads"], round(float(r["value"]), 2)) for r in tables.query(REASONS)}
    assert found == {name: (len(leads), worth(leads)) for name, leads in truth.items()}


@pytest.mark.parametrize("custom_fields", ["json", "columns"])
def test_each_query_answers_its_question(
    box: Sandbox, database: Database, custom_fields: str
) -> None:
    load(box, database, custom_fields)
    deleted_and_merged_leads_are_not_there(box, database)
    leads_by_stage_and_owner(box, database)
    conversion_and_days_per_stage(box, database)
    win_rate_by_source(box, database)
    win_rate_by_utm(box, database)
    value_lost_by_reason(box, database)
