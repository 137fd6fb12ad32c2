"""The models of the dbt package have the figures of the sources, on PostgreSQL and DuckDB."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from contextlib import suppress
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from examples.report.__main__ import report
from examples.report.charts import CHARTS
from sandbox import Sandbox
from tests.support.activity_truth import CHATS, activity, messages_about
from tests.support.browser import CHROMIUM, opened
from tests.support.lead_troubles import load
from tests.support.lead_truth import CURRENCIES, ZONE, text
from tests.support.pages import ROOT
from tests.support.warehouse import MODELS, models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.api import Kommo
    from tests.support.database import Database, Row
    from tests.support.lead_truth import Truth

VARIABLES: Row = {
    "leads_timezone": ZONE,
    "leads_currency": "EUR",
    "leads_currencies": CURRENCIES,
}
Models = dict[str, list[Any]]


@pytest.fixture
def other() -> Iterator[Kommo]:
    """Another account of Kommo, with another currency."""
    with Sandbox(leads=40, seed=8) as box:
        box.kommo.options.rate_limit = None
        box.kommo.options.currency = "UAH"
        box.kommo.options.hidden_contacts = False
        yield box.kommo


def leads_of_every_system(truth: Truth, found: Models) -> None:
    rows = {row["lead_key"]: row for row in found["leads"]}
    expected = truth.leads()
    assert rows.keys() == expected.keys()
    for key, lead in expected.items():
        assert {name: rows[key][name] for name in lead} == lead, key
    statuses = Counter(row["status"] for row in rows.values())
    assert set(statuses) == {"open", "qualified", "won", "lost", "deleted"}


def people_in_several_systems(truth: Truth, found: Models) -> None:
    persons = defaultdict(list)
    for key, lead in truth.leads().items():
        if lead["person_key"]:
            persons[lead["person_key"]].append((key.partition(":")[0], lead["status"]))
    rows = {row["person_key"]: row for row in found["people"]}
    assert rows.keys() == persons.keys()
    for person, leads in persons.items():
        row, systems = rows[person], {system for system, _ in leads}
        assert row["systems"] == len(systems)
        assert {name for name in truth_systems(truth) if row[f"in_{name}"]} == systems
        assert row["leads"] == len(leads)
        statuses = Counter(status for _, status in leads)
        assert {name: row[f"{name}_leads"] for name in statuses} == statuses
    assert max(row["systems"] for row in rows.values()) >= 3
    assert rows["15550102030"]["systems"] == 2


def truth_systems(truth: Truth) -> set[str]:
    return {source for source, _ in truth.apis}


def links_as_rows(truth: Truth, found: Models, linked: int, filled: int) -> None:
    contacts, tags, products, values = (set[Any]() for _ in range(4))
    for account, api, lead, _ in truth.kommo():
        at, links = (account, lead["id"]), lead["_embedded"]
        contacts |= {(*at, each["id"], each["is_main"]) for each in links["contacts"]}
        tags |= {(*at, each["id"], each["name"]) for each in links["tags"]}
        products |= {
            (*at, each["metadata"]["catalog_id"], each["id"], each["metadata"]["quantity"])
            for each in links["catalog_elements"]
        }
        names = {row["id"]: row["name"] for row in api.fields.rendered()}
        values |= {
            (*at, custom["field_id"], place, names[custom["field_id"]], shown(value.get("value")))
            for custom in lead["custom_fields_values"] or ()
            for place, value in enumerate(custom["values"], 1)
        }
    for name, rows, columns in (
        ("lead_contacts", contacts, ("contact_id", "is_main")),
        ("lead_tags", tags, ("tag_id", "tag")),
        ("lead_products", products, ("list_id", "product_id", "quantity")),
        ("lead_custom_fields", values, ("field_id", "position", "field", "value")),
    ):
        wanted = ("account", "lead_id", *columns)
        there = {tuple(row[column] for column in wanted) for row in found[name]}
        if name == "lead_custom_fields":
            there = {(*row[:-1], shown(row[-1])) for row in there}
        assert there == rows, name
        assert len(found[name]) == len(rows)
        gone = filled if name == "lead_custom_fields" else linked
        assert gone not in {row["lead_id"] for row in found[name] if row["account"] == "acme"}
    assert "Interest" in {row["field"] for row in found["lead_custom_fields"]}


def shown(value: Any) -> str | None:
    """Return a value as text that is the same for 250 and "250", and for objects and their JSON."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = json.loads(value)
    return None if value is None else json.dumps(value, sort_keys=True)


def stays_in_stages(truth: Truth, found: Models) -> None:
    there = defaultdict(list)
    for row in sorted(found["lead_stage_history"], key=lambda row: row["stay"]):
        stay = row["pipeline_id"], row["status_id"], row["from_at"][:19]
        there[row["lead_key"]].append((*stay, row["until_at"] and row["until_at"][:19]))
    expected = {
        key: [(*stay[:2], text(stay[2]), text(stay[3])) for stay in stays]
        for key, stays in truth.stays().items()
    }
    assert there == expected


def funnel_by_cohort(truth: Truth, found: Models) -> None:
    expected = truth.funnel()
    keys = ("account", "pipeline_id", "status_id", "cohort")
    rows = {tuple(row[name] for name in keys): row for row in found["pipeline_funnel"]}
    assert rows.keys() == expected.keys()
    for key, sums in expected.items():
        row = rows[key]
        for name in ("entered", "went_on", "won", "lost", "waiting"):
            assert row[name] == len(sums[name]), (key, name)
        assert row["finished_stays"] == len(sums["days"])
        if sums["days"]:
            assert float(row["days"]) == pytest.approx(fmean(sums["days"]))
    assert ("acme", 12215168, 94386187, "2026-04-01") in rows


def win_rates(truth: Truth, found: Models) -> None:
    for dimension in ("system", "channel", "utm_source", "owner"):
        expected = truth.counts(dimension)
        rows = {
            (row["value"], row["system"], row["account"]): row
            for row in found["win_rate"]
            if row["dimension"] == dimension
        }
        assert rows.keys() == expected.keys()
        for key, counts in expected.items():
            row, closed = rows[key], counts["won"] + counts["lost"]
            assert (row["won"], row["lost"], row["leads"]) == (
                counts["won"], counts["lost"], counts.total(),
            )  # fmt: skip
            percent = None if not closed else pytest.approx(100 * counts["won"] / closed)
            assert row["won_percent"] == percent


def value_lost_by_reason(truth: Truth, found: Models) -> None:
    expected = defaultdict[Any, list[float]](list)
    for key, lead in truth.leads().items():
        if lead["status"] == "lost":
            system, account, _ = key.split(":")
            place = system, account, lead["loss_reason"], lead["currency"]
            expected[place].append(lead["value"] or 0)
    keys = ("system", "account", "reason", "currency")
    rows = {tuple(row[name] for name in keys): row for row in found["lost_reasons"]}
    assert rows.keys() == expected.keys()
    for key, values in expected.items():
        assert rows[key]["leads"] == len(values)
        assert rows[key]["value"] == pytest.approx(sum(values))


def activity_of_each_lead(truth: Truth, found: Models) -> None:
    rows = {row["lead_key"]: row for row in found["activity"] if row["system"] != "octanist"}
    expected = activity(truth)
    assert rows.keys() == expected.keys()
    for lead_key, lead in expected.items():
        assert {name: rows[lead_key][name] for name in lead} == lead, lead_key
    for system in ("kommo", *CHATS):
        there = [row for key, row in rows.items() if key.startswith(f"{system}:")]
        for name in ("incoming_messages", "outgoing_messages", "notes", "first_response_at"):
            assert any(row[name] for row in there), (system, name)


def touches_of_each_kind(truth: Truth, found: Models) -> None:
    rows = found["lead_touches"]
    assert {row["kind"] for row in rows} == {"call", "message", "note", "task"}
    keys = [(row["lead_key"], row["touch_id"]) for row in rows]
    assert len(keys) == len(set(keys))
    expected = {
        (f"kommo:{account}:{lead['id']}", f"message:{message['id']}", message["type"])
        for account, api, lead, _ in truth.kommo()
        for message in messages_about(api, lead)
    }
    there = {
        (row["lead_key"], row["touch_id"], row["direction"])
        for row in rows
        if row["touch_id"].startswith("message:")
    }
    assert there == expected
    for place in ("kommo:acme:", "kommo:zweite:"):
        assert any(key.startswith(place) for key, *_ in expected)
    assert {row["lead_key"].partition(":")[0] for row in rows if row["is_bot"]} == {"kommo", *CHATS}
    assert not any(row["is_bot"] and row["is_response"] for row in rows)


def every_column_is_described(found: Models) -> None:
    described = {
        model["name"]: [column["name"] for column in model["columns"]]
        for file in (ROOT / "dbt/models").glob("*/_*.yml")
        for model in YAML(typ="safe").load(file).get("models", ())
        if "columns" in model
    }
    assert described.keys() == found.keys()
    for name, rows in found.items():
        assert set(described[name]) == rows[0].keys(), name


def health_of_each_stream(truth: Truth, found: Models) -> None:
    rows = {(row["stream"], row["account"]): row for row in found["sync_health"]}
    for (source, account), leads in truth.loaded.items():
        row = rows[f"{source}_leads", account]
        assert row["row_count"] == len(leads)
        assert -1 < row["hours_behind"] < 24
    assert rows["kommo_lead_events", None]["row_count"] == 0


def report_of_the_models(database: Database) -> None:
    place, file = f"{database.schema}_models", database.folder / "report.html"
    report(database.server.url, place, file)
    page = file.read_text(encoding="utf-8")
    drawings = re.findall(r'<div class="chart" id="(chart\d+)">', page)
    assert page.count("<section>") == page.count("<summary>SQL") == len(CHARTS)
    assert page.count("<summary>Numbers") == len(CHARTS)
    assert len(drawings) > len(CHARTS)
    assert "default-src 'none'" in page  # the browser would refuse a request, and say so
    for width in (1280, 390) if CHROMIUM else ():
        drawn, console = opened(file, database.folder, width)
        for drawing in drawings:
            assert re.search(rf'id="{drawing}"[^>]*>.{{0,400}}<svg', drawn, re.DOTALL), drawing
        assert "NaN" not in drawn.partition("</main>")[0]
        assert not console


def report_without_leads(database: Database) -> None:
    place, empty = f"{database.schema}_models", f"{database.schema}_empty"
    database.query(f"create schema {empty}")
    for name in MODELS:
        database.query(f"create table {empty}.{name} as select * from {place}.{name} limit 0")  # noqa: S608 - ours
    file = database.folder / "empty.html"
    report(database.server.url, empty, file)
    page = file.read_text(encoding="utf-8")
    assert page.count("No data yet") == len(CHARTS)
    assert "No leads yet" in page


@pytest.mark.parametrize("engine", ["postgres", "duckdb"])
def test_each_model_has_the_figures_of_the_sources(
    box: Sandbox, other: Kommo, database: Database, engine: str
) -> None:
    truth, linked, filled = load(box, other, database)
    found = models(database, engine, **VARIABLES)
    every_column_is_described(found)
    leads_of_every_system(truth, found)
    people_in_several_systems(truth, found)
    links_as_rows(truth, found, linked, filled)
    stays_in_stages(truth, found)
    funnel_by_cohort(truth, found)
    win_rates(truth, found)
    value_lost_by_reason(truth, found)
    activity_of_each_lead(truth, found)
    touches_of_each_kind(truth, found)
    health_of_each_stream(truth, found)
    if engine == "postgres":
        report_of_the_models(database)
        report_without_leads(database)
