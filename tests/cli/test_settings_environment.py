"""Settings from the environment, where Meltano puts them, and from several files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.refusals import CANARY, refused
from tests.support.settings import CREDENTIALS, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Api, Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def variables(api: Api, **others: Any) -> dict[str, str]:
    """Return the settings of a source as the variables that Meltano sets."""
    return {
        f"TAP_LEADS_{api.slot}_{name}".upper(): value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in settings_for(api, **others).items()
    }


def credentials_sent(api: Api) -> list[str]:
    """Return the credential of each request."""
    headers = ("Authorization", "X-API-KEY")
    return [next(filter(None, map(request.headers.get, headers))) for request in api.journal]


@pytest.mark.parametrize("slot", SOURCES)
def test_every_setting_of_a_source_can_come_from_a_variable_of_its_own(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    api = box.apis[slot]
    environment = variables(api, name="north", lookback_seconds=0)
    run = run_here(None, "--config", "ENV", environment=environment)
    assert run.code == 0
    assert len(run.records(f"{slot}_leads")) == api.count
    assert {record["account"] for record in run.records(f"{slot}_leads")} == {"north"}


def test_without_env_the_environment_is_not_looked_at(box: Sandbox, run_here: Runner) -> None:
    run = run_here({}, environment=variables(box.kommo))
    assert run.code == 1
    assert box.kommo.journal == []


@pytest.mark.parametrize("slot", SOURCES)
def test_a_whole_source_can_be_json_and_the_variable_of_a_key_in_it_wins(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    api = box.apis[slot]
    whole = json.dumps(settings_for(api, name="south") | {CREDENTIALS[slot]: "wrong"})
    environment = {
        f"TAP_LEADS_{slot.upper()}": whole,
        f"TAP_LEADS_{slot}_{CREDENTIALS[slot]}".upper(): api.token,
    }
    run = run_here(None, "--config", "ENV", environment=environment)
    assert run.code == 0
    assert {record["account"] for record in run.records(f"{slot}_leads")} == {"south"}


def test_accounts_filters_and_maps_are_given_as_json(box: Sandbox, run_here: Runner) -> None:
    stage = {"pipeline_id": 12215168, "status_id": 142}
    environment = variables(
        box.kommo, accounts=[{"name": "north"}, {"name": "south"}], filters={"statuses": [stage]}
    )
    environment["TAP_LEADS_STREAM_MAPS"] = json.dumps({"kommo_leads": {"name": "__NULL__"}})
    environment["TAP_LEADS_CONCURRENCY"] = "2"
    run = run_here(None, "--config", "ENV", environment=environment)
    assert run.code == 0
    records = run.records("kommo_leads")
    assert {record["account"] for record in records} == {"north", "south"}
    assert {(record["pipeline_id"], record["status_id"]) for record in records} == {(12215168, 142)}
    assert not any("name" in record for record in records)


def test_a_list_or_text_may_be_given_as_plain_text(box: Sandbox, run_here: Runner) -> None:
    environment = variables(box.kommo) | {"TAP_LEADS_KOMMO_WITH": "contacts,source"}
    run_here(None, "--config", "ENV", environment=environment)
    asked_for = [r.query["with"][0] for r in box.kommo.journal if r.path == "/api/v4/leads"]
    assert "contacts,source" in asked_for
    assert set(asked_for) <= {"contacts,source", "only_deleted"}


def test_a_credential_of_digits_stays_a_text(box: Sandbox, run_here: Runner) -> None:
    digits = "0042" * 8
    box.octanist.tokens.add(digits)
    environment = variables(box.octanist) | {"TAP_LEADS_OCTANIST_API_KEY": digits}
    assert run_here(None, "--config", "ENV", environment=environment).code == 0
    assert set(credentials_sent(box.octanist)) == {digits}


@pytest.mark.parametrize("order", [("file", "ENV"), ("ENV", "file")])
def test_the_environment_wins_over_files_wherever_it_stands(
    box: Sandbox, run_here: Runner, tmp_path: Path, order: tuple[str, str]
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"kommo": settings_for(box.kommo, access_token="wrong")}))
    options = [
        part for name in order for part in ("--config", str(path) if name == "file" else name)
    ]
    environment = {"TAP_LEADS_KOMMO_ACCESS_TOKEN": box.kommo.token}
    assert run_here(None, *options, environment=environment).code == 0
    assert set(credentials_sent(box.kommo)) == {f"Bearer {box.kommo.token}"}


def test_a_later_file_wins_over_an_earlier_one(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"kommo": settings_for(box.kommo)}))
    config = {"kommo": {"access_token": "wrong"}, "start_date": "2026-01-01"}
    assert run_here(config, "--config", str(path)).code == 0
    assert set(credentials_sent(box.kommo)) == {f"Bearer {box.kommo.token}"}
    swept = [r for r in box.kommo.journal if "filter[updated_at][from]" in r.query]
    assert "/api/v4/leads" in {request.path for request in swept}


def test_a_file_named_dot_env_in_the_working_directory_is_read(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    lines = [f"{name}='{value}'" for name, value in variables(box.octanist).items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    run = run_here(None, "--config", "ENV")
    assert run.code == 0
    assert len(run.records("octanist_leads")) == box.octanist.count


def test_the_environment_wins_over_the_file_named_dot_env(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TAP_LEADS_KOMMO_ACCESS_TOKEN=wrong\n")
    run = run_here(None, "--config", "ENV", environment=variables(box.kommo))
    assert run.code == 0


def test_a_variable_of_the_wrong_kind_is_refused_by_its_name(
    box: Sandbox, run_here: Runner
) -> None:
    environment = variables(box.kommo) | {"TAP_LEADS_OCTANIST": f'["{CANARY}"]'}
    (line,) = refused(box, run_here(None, "--config", "ENV", environment=environment))
    assert line == "TAP_LEADS_OCTANIST: must be an object, in JSON syntax"


def test_the_environment_works_on_a_real_command_line(box: Sandbox, run_tap: Runner) -> None:
    run = run_tap(None, "--config", "ENV", environment=variables(box.kommo))
    assert run.code == 0
    assert len(run.records("kommo_leads")) == box.kommo.count


def test_a_request_timeout_may_be_a_part_of_a_second(box: Sandbox, run_here: Runner) -> None:
    run = run_here({"kommo": settings_for(box.kommo), "request_timeout": 0.9})
    assert run.code == 0
    assert len(run.records("kommo_leads")) == box.kommo.count


def test_the_tap_names_itself_as_it_is_told_to(box: Sandbox, run_here: Runner) -> None:
    assert run_here({"kommo": settings_for(box.kommo), "user_agent": "our robot"}).code == 0
    assert {request.headers["User-Agent"] for request in box.kommo.journal} == {"our robot"}
