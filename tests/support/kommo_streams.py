"""Read Kommo's streams, and compare their rows with those in the sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox import Sandbox
from tests.support.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox import Api
    from sandbox.kommo.api import Kommo

Row = dict[str, Any]


def frozen_kommo(leads: int) -> Iterator[Kommo]:
    """Yield a Kommo whose clock moves only when a test moves it."""
    with Sandbox(leads=leads, seed=7) as box:
        box.clock.freeze()
        box.kommo.options.rate_limit = None
        yield box.kommo


def fields_of(row: Row) -> Row:
    """Return the fields of a row of the source, with those in `_embedded` under their own names."""
    fields = {name: value for name, value in row.items() if not name.startswith("_")}
    embedded: Row = row.get("_embedded", {})
    return fields | embedded


def assert_same(record: Row, row: Row, zeros: Sequence[str] = ()) -> None:
    """Assert that a record has each field of its source row, in a column or in `extra`.

    A 0 in a field of `zeros` means that it is not set.
    """
    extra = json.loads(record["extra"] or "{}")
    for name, value in fields_of(row).items():
        if name not in record:
            assert extra.get(name, extra.get(f"_embedded.{name}")) == value, name
        elif isinstance(value, (list, dict)):
            assert json.loads(record[name]) == value, name
        elif name.endswith(("_at", "_till", "_date")):
            assert record[name] == moment(value), name
        else:
            assert record[name] == (None if name in zeros and value == 0 else value), name


def assert_equal(records: Sequence[Row], rows: Sequence[Row], *key: str, **options: Any) -> None:
    """Assert that the records are the rows of the source, each once."""
    by_key = {tuple(row[name] for name in key or ("id",)): row for row in rows}
    found = [tuple(record[name] for name in key or ("id",)) for record in records]
    assert len(found) == len(set(found))
    assert set(found) == set(by_key)
    for each, record in zip(found, records, strict=True):
        assert_same(record, by_key[each], **options)


def count_requests(api: Api, path: str) -> int:
    """Return how many requests for a path there were."""
    return sum(request.path.endswith(f"/api/v4/{path}") for request in api.journal)
