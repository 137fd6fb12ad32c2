"""A stream map that fails ends its stream alone, and the line says which column and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.run import everyone
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.run import Run

    Runner = Callable[..., Run]

CANARY = "canary-4f1c"
STREAMS = ("kommo_leads", "kommo_pipelines", "dashly_leads", "octanist_leads")
NULLS = [
    ("octanist_leads", "h", "md5(phone)"),
    ("octanist_leads", "company", "json.loads(custom)['company']"),
    ("octanist_leads", "initial", "note[0]"),
    ("dashly_leads", "h", "md5(email)"),
    ("kommo_leads", "h", "sha256(name)"),
    ("kommo_leads", "closed", "closed_at[:10]"),
]
OTHERS = [
    ("octanist_leads", "gross", "value * 1.21", "TypeError"),
    ("octanist_leads", "seats", "int(name)", "ValueError"),
    ("kommo_leads", "number", "int(str(name))", "ValueError"),
    ("dashly_leads", "number", "int(str(name))", "ValueError"),
    ("octanist_leads", "key", "json.loads(custom)['no such key']", "KeyError"),
]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with some leads, among them one that is full and one that is empty."""
    with Sandbox(leads=12, seed=7) as sandbox:
        sandbox.kommo.options.rate_limit = None
        sandbox.kommo.insert(1, name=CANARY, closed_at=None)
        props: dict[str, Any] = {"$name": CANARY, "$email": f"{CANARY}@example.com"}
        sandbox.dashly.insert(1, **props)
        custom = f'{{"company": "{CANARY}"}}'
        sandbox.octanist.insert(1, name=CANARY, custom=custom, note=CANARY, value=99.5)
        yield sandbox


def run_with(box: Sandbox, run_here: Runner, maps: dict[str, Any], **others: Any) -> Run:
    """Return a run over all sources with these stream maps."""
    sources = ("kommo", "dashly", "octanist")
    config = {source: settings_for(box.apis[source]) for source in sources}
    return run_here({**config, "stream_maps": maps, **others}, catalog=catalog_for(*STREAMS))


def errors(run: Run) -> list[str]:
    """Return the messages at ERROR."""
    lines = [line.split(" | ") for line in run.stderr.splitlines()]
    return [x[-1] for x in lines if len(x) > 1 and x[1].strip() == "ERROR"]


def assert_only(run: Run, box: Sandbox, stream: str, *words: str) -> str:
    """Check that one stream failed, in one line with these words; return that line."""
    assert run.code == 1
    lines = [line for line in errors(run) if line.startswith(f"{stream}, account ")]
    assert len(lines) == 1
    assert len(errors(run)) <= 2  # that line, and the last one, which counts the streams
    assert CANARY not in run.stderr
    assert "internal error in tap-leads" not in run.stderr
    for word in words:
        assert word in lines[0]
    for other in ("kommo", "dashly", "octanist"):
        if f"{other}_leads" != stream:
            assert set(run.ids(f"{other}_leads")) == everyone(box.apis[other])
    assert len(run.records("kommo_pipelines")) == len(box.kommo.pipelines.rows)
    assert run.messages[-1]["type"] == "STATE"
    return lines[0]


@pytest.mark.parametrize(("stream", "column", "expression"), NULLS)
def test_a_map_that_meets_a_null_ends_its_stream_alone_and_the_line_says_what_to_write(
    box: Sandbox, run_here: Runner, stream: str, column: str, expression: str
) -> None:
    box.kommo.insert(1, name=None)
    box.dashly.insert(1, **{"$email": None})
    box.octanist.insert(1, phone=None, custom=None, note=None)
    run = run_with(box, run_here, {stream: {column: expression}})
    line = assert_only(run, box, stream, column)
    assert " else None" in line


@pytest.mark.parametrize(("stream", "column", "expression", "kind"), OTHERS)
def test_a_map_that_fails_on_a_value_ends_its_stream_alone_and_keeps_the_value_to_itself(
    box: Sandbox, run_here: Runner, stream: str, column: str, expression: str, kind: str
) -> None:
    full: dict[str, Any] = {"name": CANARY, "custom": f'{{"company": "{CANARY}"}}', "value": 99.5}
    for lead in list(box.octanist.leads):
        box.octanist.edit([lead], **full)
    run = run_with(box, run_here, {stream: {column: expression}})
    assert_only(run, box, stream, column, kind)


def test_a_filter_that_fails_on_a_value_ends_its_stream_alone(
    box: Sandbox, run_here: Runner
) -> None:
    run = run_with(box, run_here, {"octanist_leads": {"__filter__": "int(name) > 3"}})
    assert_only(run, box, "octanist_leads", "__filter__")


def test_a_map_that_fails_late_keeps_what_was_read_and_its_bookmark(
    box: Sandbox, run_here: Runner
) -> None:
    api = box.octanist
    for lead in list(api.leads):
        api.edit([lead], phone="1")
    api.insert(1, phone=None)
    run = run_with(box, run_here, {"octanist_leads": {"h": "md5(phone)"}})
    assert_only(run, box, "octanist_leads", "h")
    assert set(run.ids("octanist_leads")) < everyone(api)
    assert run.records("octanist_leads")
    rest = run_here(
        {"octanist": settings_for(api)}, catalog=catalog_for("octanist_leads"), state=run.state
    )
    assert {*run.ids("octanist_leads"), *rest.ids("octanist_leads")} == everyone(api)


def test_the_map_that_the_hint_shows_works(box: Sandbox, run_here: Runner) -> None:
    box.octanist.insert(1, phone=None)
    run = run_with(box, run_here, {"octanist_leads": {"h": "md5(phone) if phone else None"}})
    assert run.code == 0
    assert {record["h"] is None for record in run.records("octanist_leads")} == {True, False}


@pytest.mark.parametrize(
    ("maps", "reason"),
    [
        ({"kommo_leads": {"__else__": "keep"}}, "__else__"),
        ({"kommo_leads": {"account": "__NULL__"}}, "Removing key property 'account'"),
        ({"kommo_leads": {"id": None}}, "Removing key property 'id'"),
        ({"kommo_leads": {"name": 7}}, "kommo_leads"),
        ({"kommo_leads": {"__key_properties__": ["nothing"]}}, "'nothing'"),
    ],
)
def test_a_map_of_the_wrong_form_shows_the_reason_of_the_sdk(
    box: Sandbox, run_here: Runner, maps: dict[str, Any], reason: str
) -> None:
    run = run_with(box, run_here, maps)
    assert run.code == 1
    assert "internal error in tap-leads" not in run.stderr
    assert "Traceback" not in run.stderr
    assert sum(reason in line for line in errors(run)) == 1
    assert all("stream_maps" in line for line in errors(run) if reason in line)


def test_a_map_that_fails_ends_its_stream_for_every_account_and_is_reported_once(
    box: Sandbox, run_here: Runner
) -> None:
    accounts = [{"name": name} for name in ("first", "second")]
    config = {
        "octanist": {**settings_for(box.octanist), "accounts": accounts},
        "dashly": settings_for(box.dashly),
        "stream_maps": {"octanist_leads": {"n": "int(str(name))"}},
    }
    run = run_here(config, catalog=catalog_for("octanist_leads", "dashly_leads"))
    assert run.code == 1
    assert len([line for line in errors(run)[:-1] if "stream_maps" in line]) == 1
    assert "internal error" not in run.stderr
    assert set(run.ids("dashly_leads")) == everyone(box.dashly)
