"""Custom fields of Kommo's lists, which are read one list after the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox.kommo.reference import BRANDS, PRODUCTS
from tests.support.kommo_streams import assert_equal, count_requests
from tests.support.run import read

if TYPE_CHECKING:
    from typing import Any

    from sandbox.core.wire import Reply, Request
    from sandbox.kommo.api import Kommo

FIELDS = "kommo_list_fields"


def rows(kommo: Kommo) -> list[dict[str, Any]]:
    tables = (kommo.tables[f"catalogs/{each}/custom_fields"] for each in (BRANDS, PRODUCTS))
    return [row for table in tables for row in table.rendered(base=kommo.url)]


@pytest.mark.parametrize("workers", [1, 4])
def test_the_fields_of_every_list_are_read_to_the_end(kommo: Kommo, workers: int) -> None:
    kommo.tables[f"catalogs/{BRANDS}/custom_fields"].grow(300)
    kommo.catalogs.insert(1)
    run = read(kommo, FIELDS, concurrency=workers)
    assert run.schemas[FIELDS]["key_properties"] == ["account", "catalog_id", "id"]
    assert_equal(run.records(FIELDS), rows(kommo), "catalog_id", "id")
    assert {row["catalog_id"] for row in run.records(FIELDS)} == {BRANDS, PRODUCTS}
    assert count_requests(kommo, f"catalogs/{BRANDS}/custom_fields") == 2


@pytest.mark.parametrize("says", ["nothing", "null"])
def test_a_field_that_does_not_say_its_list_has_it_all_the_same(kommo: Kommo, says: str) -> None:
    def without_list(request: Request, reply: Reply) -> None:
        if request.path.endswith("/custom_fields") and reply.status == 200:
            body = json.loads(reply.body)
            for row in body["_embedded"]["custom_fields"]:
                if says == "null":
                    row["catalog_id"] = None
                else:
                    del row["catalog_id"]
            reply.body = json.dumps(body).encode()

    kommo.rewrite = without_list
    assert_equal(read(kommo, FIELDS).records(FIELDS), rows(kommo), "catalog_id", "id")


def test_a_list_that_is_deleted_while_its_fields_are_read_costs_no_other(kommo: Kommo) -> None:
    kommo.options.refused = {f"catalogs/{BRANDS}/custom_fields": 404}
    records = read(kommo, FIELDS).records(FIELDS)
    assert {row["catalog_id"] for row in records} == {PRODUCTS}


def test_an_account_without_lists_has_no_fields_of_them(kommo: Kommo) -> None:
    kommo.catalogs.delete(list(kommo.catalogs.rows))
    assert read(kommo, FIELDS).records(FIELDS) == []
