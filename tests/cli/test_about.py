"""`--about`: settings in groups, with what is required, and filters as one setting."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tap_leads.settings.load import settings_in
from tap_leads.tap import TapLeads
from tests.support.refusals import CANARY, GOOD, NOTHING, changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.run import Run

    Runner = Callable[..., Run]

OAUTH = {"client_id": "1", "client_secret": CANARY, "redirect_uri": "https://example.com"}


def about(run_here: Runner, *options: str) -> str:
    run = run_here(None, "--about", *options)
    assert run.code == 0
    (message,) = run.messages
    return str(message["text"])


def settings(run_here: Runner) -> dict[str, Any]:
    """Return the schema of the settings as JSON."""
    found: dict[str, Any] = json.loads(about(run_here, "--format", "json"))["settings"]
    return found


def names() -> list[str]:
    """Return the names of all settings, with each object of keys left out."""
    return [
        ".".join(path)
        for path, kind in settings_in(TapLeads.config_jsonschema)
        if not kind.get("properties") or path[-1] == "filters"
    ]


def test_each_setting_has_one_row_in_markdown(run_here: Runner) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|", about(run_here, "--format", "markdown"), re.MULTILINE)
    assert sorted(rows) == sorted(names())
    assert len(rows) < 80


def test_each_setting_stands_in_the_text_with_its_variable(run_here: Runner) -> None:
    text = about(run_here)
    found = re.findall(r"^  ([\w.]+) \(.*\)\n    (TAP_LEADS_\w+)$", text, re.MULTILINE)
    wanted = [(name, f"TAP_LEADS_{name}".replace(".", "_").upper()) for name in names()]
    assert sorted(found) == sorted(wanted)
    assert "  kommo.filters (object)\n" in text
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_settings_stand_in_groups_with_what_each_source_requires(
    run_here: Runner, form: str
) -> None:
    options = ["--format", form] if form == "markdown" else []
    text = about(run_here, *options).replace("`", "")
    groups = ["Kommo", "Dashly", "Carrot quest", "Octanist", "All sources", "Singer SDK"]
    places = [re.search(rf"^(### )?{name}$", text, re.MULTILINE) for name in groups]
    starts = [place.start() for place in places if place]
    assert len(starts) == len(groups)
    assert starts == sorted(starts)
    kommo = " ".join(text[starts[0] : starts[1]].split())
    assert "Required: kommo.subdomain, kommo.access_token Or: kommo.subdomain, kommo.oauth" in kommo
    assert (
        "Or: kommo.subdomain, kommo.oauth.client_id, kommo.oauth.client_secret, "
        "kommo.oauth.redirect_uri, kommo.oauth.code Or: "
    ) in kommo
    assert "Required: octanist.api_key\n" in text[starts[3] : starts[4]]
    assert "Set up at least one source" in text[: starts[0]]


def test_a_setting_says_if_it_is_required(run_here: Runner) -> None:
    text = about(run_here)
    for name, said in {
        "kommo.subdomain": "string, required",
        "kommo.access_token": "string, required or alternative, sensitive",
        "kommo.oauth.code": "string, required or alternative, sensitive",
        "dashly.auth_token": "string, required, sensitive",
        "dashly.timezone": "string, default: UTC",
        "octanist.accounts": "array",
        "hash_key": "string, sensitive",
        "concurrency": "integer, default: 4",
    }.items():
        assert f"\n  {name} ({said})\n" in text


def test_the_schema_in_json_requires_what_a_source_requires(run_here: Runner) -> None:
    schema = settings(run_here)
    assert "required" not in schema
    valid = Draft202012Validator(schema).is_valid
    no_token = changed(GOOD, "kommo.access_token", NOTHING)
    assert valid(GOOD)
    assert not valid(no_token)
    assert not valid(changed(GOOD, "kommo.subdomain", NOTHING))
    assert not valid(changed(GOOD, "octanist.api_key", NOTHING))
    assert not valid(changed(no_token, "kommo.oauth", OAUTH))
    assert valid(changed(no_token, "kommo.oauth", {**OAUTH, "code": CANARY}))
    assert valid(changed(no_token, "kommo.oauth", {**OAUTH, "refresh_token": CANARY}))
    assert valid({"octanist": {"accounts": [{"api_key": CANARY}]}})


def test_filters_are_one_object_in_json(run_here: Runner) -> None:
    schema = settings(run_here)
    for source in GOOD:
        own = schema["properties"][source]["properties"]
        for filters in (own["filters"], own["accounts"]["items"]["properties"]["filters"]):
            assert filters["type"] == "object"
            assert "properties" not in filters
            assert filters["description"]
    assert (
        "properties" in TapLeads.config_jsonschema["properties"]["kommo"]["properties"]["filters"]
    )
