"""The command line: output, errors and exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads import sources
from tap_leads.tap import TapLeads
from tests.support.settings import CREDENTIALS, KEYS, SOURCES, every_source, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]

STREAMS = {source.name: [stream.name for stream in source.streams] for source in sources.SOURCES}
WRONG = "canary-4f1c"


def printed(run: Run) -> str:
    """Return what a run printed other than Singer messages."""
    (message,) = run.messages
    text: str = message["text"]
    return text


def catalog_of(run: Run) -> dict[str, dict[str, Any]]:
    """Return the streams of the catalog that a run printed."""
    return {stream["tap_stream_id"]: stream for stream in json.loads(printed(run))["streams"]}


def setting_names(schema: dict[str, Any], above: str = "") -> Iterator[str]:
    """Yield the name of every setting, such as `kommo.access_token`."""
    for name, kind in schema["properties"].items():
        yield above + name
        if "properties" in kind:
            yield from setting_names(kind, f"{above}{name}.")


def test_discovery_needs_no_settings_and_names_every_stream(run_tap: Runner) -> None:
    run = run_tap(None, "--discover")
    assert run.code == 0
    assert list(catalog_of(run)) == [name for names in STREAMS.values() for name in names]


@pytest.mark.parametrize("slot", SOURCES)
def test_discovery_with_settings_names_the_streams_of_its_sources(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    run = run_here({slot: settings_for(box.apis[slot])}, "--discover")
    assert run.code == 0
    assert list(catalog_of(run)) == STREAMS[slot]
    assert box.apis[slot].journal == []


def test_a_discovered_catalog_has_keys_and_the_replication_key(run_here: Runner) -> None:
    catalog = catalog_of(run_here(None, "--discover"))
    for slot, key in KEYS.items():
        stream = catalog[f"{slot}_leads"]
        assert stream["key_properties"] == ["account", "id"]
        assert stream["replication_key"] == key
        assert stream["replication_method"] == "INCREMENTAL"
    for stream in catalog.values():
        types = [kind["type"] for kind in stream["schema"]["properties"].values()]
        assert all(isinstance(kind, str) or len(kind) == 2 for kind in types)
        assert all(kind["description"] for kind in stream["schema"]["properties"].values())


def test_settings_that_are_wrong_do_not_keep_discovery_from_its_work(run_here: Runner) -> None:
    run = run_here({"kommo": {"access_token": [WRONG]}}, "--discover")
    assert run.code == 0
    assert list(catalog_of(run)) == STREAMS["kommo"]
    assert run.said()[0] == "kommo.access_token: must be a string"
    assert WRONG not in run.stderr


def test_a_discovered_catalog_can_be_synced_with(box: Sandbox, run_here: Runner) -> None:
    config = every_source(box)
    catalog = printed(run_here(config, "--discover"))
    run = run_here(config, catalog=catalog)
    assert run.code == 0
    for slot, api in box.apis.items():
        assert len(run.records(f"{slot}_leads")) == api.count


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_about_mentions_every_setting(run_here: Runner, form: str) -> None:
    run = run_here(None, "--about", "--format", form)
    assert run.code == 0
    text = printed(run)
    names = list(setting_names(TapLeads.config_jsonschema))
    assert {"start_date", "kommo.access_token", "octanist.filters.status"} <= set(names)
    names = [name for name in names if ".filters." not in name]
    told = list(setting_names(json.loads(text)["settings"])) if form == "json" else text
    assert [name for name in names if name not in told] == []


def test_about_marks_every_credential_as_secret(run_here: Runner) -> None:
    settings = json.loads(printed(run_here(None, "--about", "--format", "json")))["settings"]
    for slot, credential in CREDENTIALS.items():
        shared = settings["properties"][slot]["properties"]
        for place in (shared, shared["accounts"]["items"]["properties"]):
            assert place[credential]["secret"] is True


def test_batch_is_not_offered(run_here: Runner) -> None:
    about = json.loads(printed(run_here(None, "--about", "--format", "json")))
    assert "batch" not in about["capabilities"]
    assert "batch_config" not in about["settings"]["properties"]


def test_the_version_is_told(run_here: Runner) -> None:
    run = run_here(None, "--version")
    assert run.code == 0
    assert re.fullmatch(r"tap-leads v\d+\.\d+\.\d+\S*, Meltano SDK v\S+\n", printed(run))


def test_python_dash_m_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("tap-leads")
    ran = [
        subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
        for command in ([sys.executable, "-m", "tap_leads"], [script])
    ]
    module, command = (re.sub(r"python -m tap_leads|tap-leads", "", x.stdout) for x in ran)
    assert "--discover" in module
    assert module == command


@pytest.mark.parametrize("option", ["--nosuch", "--state=nowhere.json", "--format=xml"])
def test_an_option_that_is_none_is_a_mistake_of_its_own(run_here: Runner, option: str) -> None:
    run = run_here({}, option)
    assert run.code == 2
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("slot", SOURCES)
def test_a_test_run_reads_one_lead_and_ends_well(box: Sandbox, run_here: Runner, slot: str) -> None:
    run = run_here({slot: settings_for(box.apis[slot])}, "--test")
    assert run.code == 0
    assert len(run.records(f"{slot}_leads")) == 1
    assert run.said() == []


@pytest.mark.parametrize("slot", SOURCES)
def test_a_test_run_with_a_wrong_credential_says_so_in_one_line(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    config = {slot: settings_for(box.apis[slot]) | {CREDENTIALS[slot]: WRONG}}
    run = run_here(config, "--test")
    assert run.code == 1
    assert len(box.apis[slot].journal) == 1
    (line,) = run.said()
    assert line.startswith("account ")
    assert " rejected `" in line
    assert f"`{slot}.{CREDENTIALS[slot]}`" in line
    assert WRONG not in run.stderr


def test_a_test_of_the_schemas_asks_nothing(box: Sandbox, run_here: Runner) -> None:
    run = run_here(every_source(box), "--test=schema")
    assert run.code == 0
    assert {f"{slot}_leads" for slot in CREDENTIALS} <= run.schemas.keys()
    assert [len(api.journal) for api in box.apis.values()] == [0, 0, 0, 0]


@pytest.mark.parametrize("slot", SOURCES)
def test_a_wrong_credential_is_told_once_and_not_tried_again(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    config = {slot: settings_for(box.apis[slot], name="north") | {CREDENTIALS[slot]: WRONG}}
    run = run_here(config)
    assert run.code == 1
    assert len(box.apis[slot].journal) == 1
    line, summary = run.said()
    assert line.startswith("account north: ")
    assert f"`{slot}.{CREDENTIALS[slot]}`" in line
    assert summary.startswith("1 of 1 streams failed")
    assert WRONG not in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("slot", SOURCES)
def test_a_failing_account_does_not_stop_another(box: Sandbox, run_here: Runner, slot: str) -> None:
    api = box.apis[slot]
    accounts = [{"name": "north", CREDENTIALS[slot]: WRONG}, {"name": "south"}]
    run = run_here({slot: settings_for(api, accounts=accounts)})
    assert run.code == 1
    assert {record["account"] for record in run.records(f"{slot}_leads")} == {"south"}
    assert len(run.records(f"{slot}_leads")) == api.count
    assert run.bookmark(f"{slot}_leads", "south") is not None
    assert run.said()[0].startswith("account north: ")


@pytest.mark.parametrize("slot", SOURCES)
def test_a_failing_source_does_not_stop_another(box: Sandbox, run_here: Runner, slot: str) -> None:
    box.apis[slot].options.ban_html = True
    run = run_here(every_source(box))
    assert run.code == 1
    for other, api in box.apis.items():
        assert len(run.records(f"{other}_leads")) == (0 if other == slot else api.count)
    line, _ = run.said()
    assert line.startswith("account ")
    assert "blocks this IP address" in line


def test_a_mistake_in_a_stream_map_is_told_as_one(box: Sandbox, run_here: Runner) -> None:
    for expression in ("(((", "no_such_function(name)"):
        maps = {"kommo_leads": {"name": expression}}
        run = run_here({"kommo": settings_for(box.kommo), "stream_maps": maps})
        assert run.code == 1
        assert any("stream_maps: " in line for line in run.said())
        assert "Traceback" not in run.stderr


def test_what_nobody_foresaw_ends_in_one_line_without_a_leads_data(
    box: Sandbox, run_tap: Runner
) -> None:
    # Python's own message for this error repeats the value, which is a lead's name.
    maps = {"kommo_leads": {"name": "int(name)"}}
    run = run_tap({"kommo": settings_for(box.kommo), "stream_maps": maps})
    assert run.code == 1
    assert "Traceback" not in run.stderr
    assert "the expression for `name` failed on a record (ValueError)" in run.said()[-2]
    assert [lead["name"] for lead in box.kommo.rendered() if lead["name"] in run.stderr] == [""]


@pytest.mark.parametrize("wrong", [False, True])
def test_no_log_level_shows_anything_private(box: Sandbox, run_tap: Runner, *, wrong: bool) -> None:
    config = every_source(box) | {"start_date": "2020-01-01"}
    search = "search-4f1c"
    config["octanist"]["search"] = config["kommo"]["query"] = search
    if wrong:
        for slot, credential in CREDENTIALS.items():
            config[slot][credential] = f"{WRONG}-{slot}"
    run = run_tap(config, environment={"TAP_LEADS_LOGLEVEL": "DEBUG", "LOGLEVEL": "DEBUG"})
    assert run.code == (1 if wrong else 0)
    told = run.stderr
    assert "DEBUG" in told
    private = [search, WRONG, "/api/v4/leads?", "filters=", "page=1"]
    private += [api.token for api in box.apis.values()]
    for lead in box.dashly.rendered():
        private += [lead["props"].get("$email", WRONG), lead["props"].get("$phone", WRONG)]
    assert [secret for secret in private if secret in told] == []
