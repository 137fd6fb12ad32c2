"""The tap skips steps of the SDK for each record: its messages are still those of the SDK."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from singer_sdk.helpers.conform import TypeConformanceLevel

from sandbox import Sandbox
from tap_leads.singer.stream import LeadsStream
from tap_leads.sources import SOURCES as EVERY_SOURCE
from tap_leads.tap import TapLeads
from tests.support.catalogs import catalog_for
from tests.support.hostile import HALF, KEPT, MISFITS, MIXED
from tests.support.run import sync
from tests.support.settings import SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.settings import Config

Catalog = dict[str, Any]
EVERY_STREAM: list[str] = [stream.name for source in EVERY_SOURCE for stream in source.streams]
FORMS = ["text", "native"]


@pytest.fixture
def hostile() -> Iterator[Sandbox]:
    """Yield a sandbox with a few ordinary leads, and one lead for each undocumented value."""
    with Sandbox(leads=30, seed=7) as box:
        box.kommo.options.rate_limit = None
        make_hostile(box)
        yield box


def make_hostile(box: Sandbox) -> None:
    at = box.clock.now() - 3600
    for slot, field, sent, _ in [*KEPT, *MISFITS]:
        value: dict[str, Any] = {field: msgspec.Raw(sent.encode())}
        box.apis[slot].insert(1, at=at, **value)
    raw = {name: msgspec.Raw(sent.encode()) for name, (sent, _) in MIXED.items()}
    box.dashly.insert(1, at=at, **raw)
    box.octanist.insert(1, at=at, name=msgspec.Raw(f'"a {HALF}"'.encode()))
    for api in box.apis.values():
        api.options.ties = "stable"


def config_for(box: Sandbox, form: str, **others: Any) -> Config:
    config: Config = {source: settings_for(box.apis[source]) for source in SOURCES}
    return {**config, "nested_values": form, "concurrency": 1, **others}


def lines(config: Config, catalog: Catalog) -> list[str]:
    """Return the messages of a run as they are written, without what depends on the time."""
    run = sync(config, catalog=catalog)
    assert run.code == 0
    for message in run.messages:
        message.pop("time_extracted", None)
    others = (message for message in run.messages if message["type"] != "STATE")
    return [json.dumps(message, default=str) for message in others]


def differences(
    config: Config, catalog: Catalog, change: Callable[[pytest.MonkeyPatch], None]
) -> list[tuple[str, str]]:
    """Return the lines in which a run differs after a change of the code."""
    ours = lines(config, catalog)
    with pytest.MonkeyPatch.context() as patch:
        change(patch)
        theirs = lines(config, catalog)
    assert len(ours) == len(theirs)
    assert sum('"type": "RECORD"' in line for line in ours) > 40
    return [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]


def sdk_messages(patch: pytest.MonkeyPatch) -> None:
    """Let the SDK create the messages, and conform every value to its type once more.

    Except inside of objects, where the SDK would drop undeclared keys, and the tap does not.
    """
    patch.delattr(LeadsStream, "_generate_record_messages")
    patch.setattr(LeadsStream, "TYPE_CONFORMANCE_LEVEL", TypeConformanceLevel.ROOT_ONLY)


def sdk_messages_in_full(patch: pytest.MonkeyPatch) -> None:
    """Do the same, also inside of objects: for records without any."""
    sdk_messages(patch)
    patch.setattr(LeadsStream, "TYPE_CONFORMANCE_LEVEL", TypeConformanceLevel.RECURSIVE)


@pytest.mark.parametrize("form", FORMS)
def test_conforming_the_records_again_changes_no_line(hostile: Sandbox, form: str) -> None:
    change = sdk_messages_in_full if form == "text" else sdk_messages
    assert differences(config_for(hostile, form), catalog_for(*EVERY_STREAM), change) == []


def test_a_record_that_is_not_put_into_its_types_would_be_seen(
    hostile: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison finds a difference if there is one."""
    real = LeadsStream.post_process

    def spoilt(self: LeadsStream, row: Any, context: Any = None) -> Any:
        record = real(self, row, context)
        return record and {**record, "not declared": 1}

    monkeypatch.setattr(LeadsStream, "post_process", spoilt)
    catalog = catalog_for("kommo_leads", "octanist_leads")
    assert differences(config_for(hostile, "text"), catalog, sdk_messages)


def discovered(config: Config) -> Catalog:
    catalog: Catalog = TapLeads(config=config).catalog_dict
    return catalog


def without(config: Config, pattern: str) -> Catalog:
    """Return the catalog without the columns whose dotted name matches a pattern."""
    catalog = discovered(config)
    left_out = 0
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            names = [name for name in entry["breadcrumb"] if name not in {"properties", "items"}]
            if re.fullmatch(pattern, ".".join(names)):
                entry["metadata"]["selected"] = False
                left_out += 1
    assert left_out
    return catalog


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pattern", [r"name|email|extra|tags|props", r"\w*e\w*", r"[a-h]\w*"])
def test_columns_that_are_left_out_leave_the_same_lines(
    hostile: Sandbox, form: str, pattern: str
) -> None:
    config = config_for(hostile, form)
    pattern = rf"(?!account$|id$|updated_at$|last_seen$)({pattern})"
    assert differences(config, without(config, pattern), sdk_messages) == []


@pytest.mark.parametrize("pattern", [r"\w+\.name", r"\w+\.\w*e\w*"])
def test_parts_that_are_left_out_leave_the_same_lines(hostile: Sandbox, pattern: str) -> None:
    config = config_for(hostile, "native")
    assert differences(config, without(config, pattern), sdk_messages) == []


MAPS: dict[str, dict[str, Any]] = {
    "a column changed and one added": {"name": "str(name).upper()", "twice": "id * 2"},
    "a column dropped": {"name": None, "created_at": "__NULL__"},
    "only what is named": {"account": "account", "id": "id", "label": "name", "__else__": None},
    "some of the records": {"__filter__": "name is not None and 'a' in str(name)"},
    "another name": {"__alias__": "leads"},
    "another key": {"key": "str(id)", "__key_properties__": ["key"]},
    "none at all": {"__filter__": "False"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("maps", MAPS.values(), ids=MAPS)
def test_stream_maps_leave_the_same_lines(
    hostile: Sandbox, form: str, maps: dict[str, Any]
) -> None:
    config = config_for(hostile, form, stream_maps={"kommo_leads": maps, "octanist_leads": maps})
    catalog = catalog_for("kommo_leads", "octanist_leads", "dashly_leads")
    assert differences(config, catalog, sdk_messages) == []


def test_a_map_that_makes_two_streams_of_one_leaves_the_same_lines(hostile: Sandbox) -> None:
    maps = {"copy": {"__source__": "kommo_leads", "__filter__": "price", "name": None}}
    config = config_for(hostile, "text", stream_maps=maps)
    catalog = catalog_for("kommo_leads", "octanist_leads")
    assert differences(config, catalog, sdk_messages) == []
    assert any('"stream": "copy"' in line for line in lines(config, catalog))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("depth", [0, 3])
def test_flattening_leaves_the_same_lines(hostile: Sandbox, form: str, depth: int) -> None:
    config = config_for(hostile, form, flattening_enabled=True, flattening_max_depth=depth)
    catalog = catalog_for("kommo_leads", "kommo_contacts", "dashly_leads", "octanist_leads")
    assert differences(config, catalog, sdk_messages) == []
