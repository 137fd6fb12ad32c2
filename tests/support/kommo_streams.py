"""Reading Kommo's streams, and comparing their rows with what the sandbox holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.catalogs import catalog_for
from tests.support.moments import moment
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox import Api
    from tests.support.run import Run

Row = dict[str, Any]


def read(
    api: Api,
    *streams: str,
    state: dict[str, Any] | None = None,
    top: dict[str, Any] | None = None,
    **settings: Any,
) -> Run:
    """A run over these streams that ends well."""
    config = {"kommo": settings_for(api, **settings), **(top or {})}
    run = sync(config, state, catalog=catalog_for(*streams))
    assert run.code == 0
    return run


def fields_of(row: Row) -> Row:
    """The fields of a row of the source, those in its envelope by their own names."""
    fields = {name: value for name, value in row.items() if not name.startswith("_")}
    embedded: Row = row.get("_embedded", {})
    return fields | embedded


def assert_same(record: Row, row: Row, zeros: Sequence[str] = ()) -> None:
    """A record has all that its row in the source has: in the column of that name, or in `extra`.

    A 0 in a field of `zeros` means that it is not set.
    """
    extra = json.loads(record["extra"] or "{}")
    for name, value in fields_of(row).items():
        if name not in record:
            assert extra.get(name, extra.get(f"_embedded.{name}")) == value, name
        elif isinstance(value, (list, dict)):
            assert json.loads(record[name]) == value, name
        elif name.endswith(("_at", "_till")):
            assert record[name] == moment(value), name
        else:
            assert record[name] == (None if name in zeros and value == 0 else value), name


def assert_equal(records: Sequence[Row], rows: Sequence[Row], *key: str, **options: Any) -> None:
    """The records are the rows of the source, each once."""
    by_key = {tuple(row[name] for name in key or ("id",)): row for row in rows}
    found = [tuple(record[name] for name in key or ("id",)) for record in records]
    assert len(found) == len(set(found))
    assert set(found) == set(by_key)
    for each, record in zip(found, records, strict=True):
        assert_same(record, by_key[each], **options)


def asked(api: Api, path: str) -> int:
    """How many requests for a path there were."""
    return sum(request.path.endswith(f"/api/v4/{path}") for request in api.journal)
