"""An odd record ends at most its stream of its account, and is reported in one line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.settings import CREDENTIALS, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Api
    from sandbox.core.wire import Reply, Request
    from tests.support.run import Run

    Runner = Callable[..., Run]

Row = Any
CANARY = "canary-4f1c"
ODD, GOOD = "north", "south"
PATHS = {
    "kommo_leads": "/leads",
    "kommo_users": "/users",
    "kommo_lead_stage_changes": "/events",
    "kommo_lead_events": "/events",
    "kommo_pipelines": "/leads/pipelines",
    "kommo_stages": "/leads/pipelines",
    "kommo_tasks": "/tasks",
    "kommo_contacts": "/contacts",
    "kommo_incoming_leads": "/leads/unsorted",
    "kommo_contact_notes": "/contacts/notes",
    "kommo_events": "/events",
    "kommo_customers": "/customers",
    "kommo_customer_transactions": "/customers/transactions",
    "dashly_leads": "/users",
    "octanist_leads": "/leads",
}
OTHERS = ("kommo_leads", "kommo_users", "kommo_roles", "dashly_leads", "octanist_leads")
KEYS = {"kommo_incoming_leads": "uid"}


class Odd(NamedTuple):
    """A record of a stream made odd."""

    stream: str
    name: str
    change: Callable[[Row], Row]
    field: str = ""
    """What the line has to name, where there is a line."""
    fails: bool = False
    """Nothing could be done with it: the stream fails."""
    is_left_out: bool = False
    """It cannot be told from a record that was not asked for."""


def without(name: str) -> Callable[[Row], Row]:
    """Return a change that takes a field out."""
    return lambda row: {key: value for key, value in row.items() if key != name}


def holding(name: str, value: Any) -> Callable[[Row], Row]:
    """Return a change that sets a field."""
    return lambda row: {**row, name: value}


def instead(value: Any) -> Callable[[Row], Row]:
    """Return a change that puts something else in the record's place."""
    return lambda _row: value


def within(outer: str, name: str, value: Any) -> Callable[[Row], Row]:
    """Return a change that sets a field of an object of the record."""
    return lambda row: {**row, outer: {**row[outer], name: value}}


ODDITIES = [
    *(
        odd
        for stream in ("kommo_leads", "kommo_users", "dashly_leads", "octanist_leads")
        for odd in (
            Odd(stream, "no id", without("id"), "id", fails=True),
            Odd(stream, "a null id", holding("id", None), "id", fails=True),
            Odd(stream, "an object as id", holding("id", {"x": CANARY}), "id", fails=True),
            Odd(stream, "a list as id", holding("id", [CANARY]), "id", fails=True),
            Odd(stream, "text", instead(CANARY), fails=True),
            Odd(stream, "null", instead(None), fails=True),
            Odd(stream, "a list", instead([CANARY]), fails=True),
        )
    ),
    Odd("kommo_leads", "text as id", holding("id", CANARY), "id", fails=True),
    Odd("kommo_leads", "no updated_at", without("updated_at"), "updated_at"),
    Odd("kommo_leads", "text as updated_at", holding("updated_at", CANARY), "updated_at"),
    Odd("kommo_leads", "a list as updated_at", holding("updated_at", [CANARY]), "updated_at"),
    Odd("kommo_leads", "text as _embedded", holding("_embedded", CANARY), "_embedded"),
    Odd("kommo_leads", "a list as _embedded", holding("_embedded", [CANARY]), "_embedded"),
    Odd("kommo_leads", "text as tags", within("_embedded", "tags", CANARY), "tags"),
    Odd(
        "kommo_leads",
        "texts as custom fields",
        holding("custom_fields_values", [CANARY, None]),
        "custom_fields_values",
    ),
    Odd("kommo_lead_events", "no type", without("type"), "type", fails=True),
    Odd("kommo_lead_events", "an object as type", holding("type", {"x": CANARY}), "type"),
    Odd("kommo_lead_events", "no entity_type", without("entity_type"), "entity_type"),
    Odd("kommo_lead_events", "text as created_at", holding("created_at", CANARY), "created_at"),
    Odd("kommo_lead_events", "no created_at", without("created_at"), "created_at"),
    Odd("kommo_lead_events", "text as value_after", holding("value_after", CANARY), "value_after"),
    Odd("kommo_lead_events", "no id", without("id"), "id", fails=True),
    Odd("kommo_lead_events", "text", instead(CANARY), fails=True),
    Odd("kommo_lead_stage_changes", "no type", without("type"), "type"),
    Odd("kommo_lead_stage_changes", "a number as value", holding("value_after", 7), "value_after"),
    Odd(
        "kommo_lead_stage_changes",
        "text as stage",
        holding("value_after", [{"lead_status": CANARY}]),
        "value_after",
    ),
    Odd("kommo_users", "text as rights", holding("rights", CANARY), "rights"),
    Odd("kommo_users", "a list as rights", holding("rights", [CANARY]), "rights"),
    Odd("kommo_users", "a list as _embedded", holding("_embedded", [CANARY]), "_embedded"),
    Odd("kommo_users", "text as id", holding("id", CANARY), "id", fails=True),
    Odd("kommo_pipelines", "text", instead(CANARY), fails=True),
    Odd("kommo_stages", "text as _embedded", holding("_embedded", CANARY), "_embedded"),
    Odd("kommo_stages", "text as stages", within("_embedded", "statuses", CANARY), "statuses"),
    Odd("kommo_stages", "a text among stages", within("_embedded", "statuses", [CANARY])),
    Odd("kommo_tasks", "text as result", holding("result", CANARY), "result"),
    Odd("kommo_tasks", "no id", without("id"), "id", fails=True),
    Odd("kommo_contacts", "a number as _embedded", holding("_embedded", 7), "_embedded"),
    Odd("kommo_incoming_leads", "no uid", without("uid"), "uid", fails=True),
    Odd("kommo_incoming_leads", "text as metadata", holding("metadata", CANARY), "metadata"),
    *(
        Odd("kommo_contact_notes", f"{json.dumps(value)} as params", holding("params", value))
        for value in (None, [], {}, 7, CANARY, [CANARY], {"phone": [CANARY], "duration": {}})
    ),
    Odd("kommo_contact_notes", "no params", without("params")),
    Odd("kommo_contact_notes", "no updated_at", without("updated_at"), "updated_at"),
    Odd("kommo_contact_notes", "no note_type", without("note_type")),
    Odd("kommo_contact_notes", "an object as note_type", holding("note_type", {"x": CANARY})),
    Odd("kommo_contact_notes", "no id", without("id"), "id", fails=True),
    Odd("kommo_events", "no entity_type", without("entity_type"), "entity_type", fails=True),
    Odd(
        "kommo_events",
        "a list as entity_type",
        holding("entity_type", [CANARY]),
        is_left_out=True,
    ),
    Odd("kommo_events", "an object as type", holding("type", {"x": CANARY})),
    Odd("kommo_events", "no created_at", without("created_at"), "created_at"),
    Odd("kommo_events", "no id", without("id"), "id", fails=True),
    Odd("kommo_customers", "text as price", holding("next_price", CANARY), "next_price"),
    Odd("kommo_customers", "a list as _embedded", holding("_embedded", [CANARY]), "_embedded"),
    Odd("kommo_customers", "text as id", holding("id", CANARY), "id", fails=True),
    Odd("kommo_customer_transactions", "text", instead(CANARY), fails=True),
    Odd("dashly_leads", "text as props", holding("props", CANARY), "props"),
    Odd("dashly_leads", "a list as props", holding("props", [CANARY]), "props"),
    Odd("dashly_leads", "no props", without("props"), "props"),
    Odd("dashly_leads", "null as props", holding("props", None), "props"),
    Odd("dashly_leads", "text as last_seen", within("props", "$last_seen", CANARY), "last_seen"),
    Odd("dashly_leads", "a list as last_seen", within("props", "$last_seen", [1]), "last_seen"),
    Odd("dashly_leads", "an object as email", within("props", "$email", {"x": CANARY}), "email"),
    Odd("dashly_leads", "an event that is an object", within("props", "$event_7_last", {})),
    Odd("octanist_leads", "a number as updatedAt", holding("updatedAt", 7), "updatedAt"),
    Odd("octanist_leads", "text as updatedAt", holding("updatedAt", CANARY), "updatedAt"),
    Odd("octanist_leads", "an object as updatedAt", holding("updatedAt", {}), "updatedAt"),
    Odd("octanist_leads", "an object as custom", holding("custom", {"x": CANARY}), "custom"),
    Odd("octanist_leads", "a list as value", holding("value", [CANARY]), "value"),
    Odd("octanist_leads", "an object as email", holding("email", {"x": CANARY}), "email"),
]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with a few leads of each source."""
    with Sandbox(leads=25, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        sandbox.kommo.options.customers_mode = "periodicity"
        sandbox.kommo.contacts.edit(3, name="Renamed")
        yield sandbox


def rows_of(body: Any) -> list[Row]:
    """Return the list of rows that a page of any source has."""
    if "_embedded" in body:
        (rows,) = body["_embedded"].values()
    else:
        rows = body["data"]["users"] if "users" in body["data"] else body["data"]
    assert isinstance(rows, list)
    return rows


def spoil(api: Api, odd: Odd) -> None:
    """Make one record of a list odd, for the account whose token is the API's first."""
    key, victim = KEYS.get(odd.stream, "id"), [None]

    def rewrite(request: Request, reply: Reply) -> None:
        is_ours = request.token == api.token and request.path.endswith(PATHS[odd.stream])
        if not is_ours or reply.status != 200:
            return
        body = json.loads(reply.body)
        rows = rows_of(body)
        if victim[0] is None:
            victim[0] = rows[len(rows) // 2][key]
        rows[:] = [odd.change(row) if row[key] == victim[0] else row for row in rows]
        reply.body = json.dumps(body).encode()

    api.rewrite = rewrite


def config_of(box: Sandbox) -> dict[str, Any]:
    """Return the settings of two accounts of each source."""
    config = {}
    for source in SOURCES:
        api = box.apis[source]
        tokens = {ODD: api.token, GOOD: api.add_account()}
        accounts = [{"name": n, CREDENTIALS[source]: token} for n, token in tokens.items()]
        config[source] = settings_for(api, accounts=accounts)
    return config


def keys_of(run: Run, streams: tuple[str, ...]) -> dict[tuple[str, str], set[str]]:
    """Return the keys of the records of each stream and account."""
    found: dict[tuple[str, str], set[str]] = {}
    for stream in streams:
        key = KEYS.get(stream, "id")
        for record in run.records(stream):
            assert record[key] is not None
            found.setdefault((stream, record["account"]), set()).add(str(record[key]))
    return found


def errors(run: Run) -> list[str]:
    """Return the messages at ERROR."""
    lines = [line.split(" | ") for line in run.stderr.splitlines()]
    return [x[-1] for x in lines if len(x) > 1 and x[1].strip() == "ERROR"]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("odd", ODDITIES, ids=lambda odd: f"{odd.stream}: {odd.name}")
def test_an_odd_record_ends_at_most_its_stream_of_its_account(
    box: Sandbox, odd: Odd, run_here: Runner
) -> None:
    streams = tuple(dict.fromkeys((odd.stream, *OTHERS)))
    config, catalog = config_of(box), catalog_for(*streams)
    whole = keys_of(run_here(config, catalog=catalog), streams)
    assert set(whole) == {(stream, account) for stream in streams for account in (ODD, GOOD)}

    spoil(box.apis[odd.stream.partition("_")[0]], odd)
    run = run_here(config, catalog=catalog)
    found = keys_of(run, streams)
    spoiled = (odd.stream, ODD)
    for stream, account in whole.keys() - {spoiled}:
        assert found.get((stream, account)) == whole[stream, account], (stream, account)
    assert CANARY not in run.stderr
    assert run.messages[-1]["type"] == "STATE"
    lines = [line for line in errors(run) if line.startswith(f"{odd.stream}, account {ODD}: ")]
    if run.code == 0:
        assert not odd.fails
        assert len(whole[spoiled]) - len(found[spoiled]) == odd.is_left_out
        assert lines == []
    else:
        assert run.code == 1
        assert len(lines) == 1
        assert re.search(rf"\b{odd.field}\b", lines[0].partition(": ")[2])
        assert len(errors(run)) <= 2  # that line, and the last one, which counts the streams


@pytest.mark.usefixtures("no_waits")
def test_an_odd_record_of_each_stream_ends_each_alone(box: Sandbox, run_here: Runner) -> None:
    spoil(box.kommo, Odd("kommo_users", "text", instead(CANARY)))
    spoil(box.dashly, Odd("dashly_leads", "no id", without("id")))
    spoil(box.octanist, Odd("octanist_leads", "no id", without("id")))
    run = run_here(config_of(box), catalog=catalog_for(*OTHERS))
    assert run.code == 1
    assert CANARY not in run.stderr
    failed = {line.partition(": ")[0] for line in errors(run)[:3]}
    assert failed == {
        f"{stream}, account {ODD}" for stream in ("kommo_users", "dashly_leads", "octanist_leads")
    }
    for stream in OTHERS:
        assert {r["account"] for r in run.records(stream)} >= {GOOD}
