"""With flattening, a record has the keys that its SCHEMA declares, and no column is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.run import read_default_streams
from tests.support.settings import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.run import Run

FORMS = ["native", "text"]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with some leads of each source, among them some with a source and some without."""
    with Sandbox(leads=60, seed=7) as sandbox:
        sandbox.clock.freeze(sandbox.clock.now())
        for api in sandbox.apis.values():
            api.options.rate_limit = None
            api.options.ties = "stable"
        rows = [lead["_embedded"].get("source") for lead in sandbox.kommo.rendered()]
        assert any(rows)
        assert not all(rows)
        yield sandbox


def flat(box: Sandbox, source: str, form: str, depth: int, **settings: Any) -> Run:
    """Return a run whose records are flattened."""
    flattening = {"flattening_enabled": True, "flattening_max_depth": depth}
    return read_default_streams(box.apis[source], nested_values=form, **flattening, **settings)


def is_of(name: str, column: str) -> bool:
    """Return True if a name is a column, or a part of it."""
    return name == column or name.startswith(f"{column}__")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("depth", [0, 2, 5])
def test_every_key_of_a_flattened_record_is_declared(
    box: Sandbox, source: str, form: str, depth: int
) -> None:
    run = flat(box, source, form, depth)
    assert run.schemas
    for stream, schema in run.schemas.items():
        undeclared: set[str] = set()
        for record in run.records(stream):
            undeclared |= record.keys() - schema["schema"]["properties"].keys()
        assert undeclared == set(), stream


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("depth", [0, 2, 5])
def test_flattening_loses_no_column(box: Sandbox, source: str, form: str, depth: int) -> None:
    plain, run = (
        read_default_streams(box.apis[source], nested_values=form),
        flat(box, source, form, depth),
    )
    assert run.schemas.keys() == plain.schemas.keys()
    for stream, schema in plain.schemas.items():
        declared = run.schemas[stream]["schema"]["properties"]
        for column in schema["schema"]["properties"]:
            assert any(is_of(name, column) for name in declared), (stream, column)
        records, others = plain.records(stream), run.records(stream)
        assert len(records) == len(others)
        for record, other in zip(records, others, strict=True):
            for column, value in record.items():
                found = {name: other[name] for name in other if is_of(name, column)}
                if value is not None:
                    assert any(each is not None for each in found.values()), (stream, column)
                elif found:
                    assert set(found.values()) == {None}, (stream, column)


@pytest.mark.parametrize(
    ("source", "stream", "column"),
    [
        ("dashly", "dashly_leads", "props"),
        ("kommo", "kommo_users", "rights"),
    ],
)
@pytest.mark.parametrize("depth", [1, 5])
def test_an_object_whose_keys_nobody_knows_is_flattened_into_json_text(
    box: Sandbox, source: str, stream: str, column: str, depth: int
) -> None:
    plain, run = (
        read_default_streams(box.apis[source], nested_values="text"),
        flat(box, source, "native", depth),
    )
    texts = {record["id"]: record[column] for record in run.records(stream)}
    for record in plain.records(stream):
        if record[column] is not None:
            text = texts[record["id"]]
            assert isinstance(text, str)
            assert json.loads(text) == json.loads(record[column])


@pytest.mark.parametrize("depth", [1, 5])
def test_custom_fields_as_columns_are_flattened_without_loss(box: Sandbox, depth: int) -> None:
    plain = read_default_streams(box.apis["kommo"], nested_values="native", custom_fields="columns")
    run = flat(box, "kommo", "native", depth, custom_fields="columns")
    for stream, schema in plain.schemas.items():
        declared = run.schemas[stream]["schema"]["properties"]
        for column in schema["schema"]["properties"]:
            assert any(is_of(name, column) for name in declared), (stream, column)
        for record in run.records(stream):
            assert record.keys() <= declared.keys(), stream
