"""The custom fields, invoices and suppliers of list elements."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.reference import BRANDS, PRODUCTS
from tests.support.catalogs import catalog_for
from tests.support.hashing import KEY
from tests.support.kommo_streams import count_requests
from tests.support.logs import warnings
from tests.support.run import read, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo

ELEMENTS = "kommo_list_elements"
PRICE = 1_930_006


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    return box.kommo


def price_of(value: Any) -> dict[str, Any]:
    return {"field_id": PRICE, "field_name": "Price", "field_code": "PRICE",
            "field_type": "price", "values": [{"value": value}]}  # fmt: skip


def test_fields_of_all_lists_are_columns(kommo: Kommo) -> None:
    (brand,) = kommo.tables[f"catalogs/{BRANDS}/custom_fields"].insert(1, type="numeric")
    custom = {**price_of("7"), "field_id": brand, "field_type": "numeric"}
    (element,) = kommo.elements.insert(1, catalog_id=BRANDS, custom_fields_values=[custom])
    run = read(kommo, ELEMENTS, custom_fields="columns")
    fields = {
        f"cf_{number}"
        for each in (BRANDS, PRODUCTS)
        for number in kommo.tables[f"catalogs/{each}/custom_fields"].rows
    }
    columns = run.schemas[ELEMENTS]["schema"]["properties"]
    assert fields == {name for name in columns if name.startswith("cf_") and "enum" not in name}
    rows = {row["id"]: row for row in run.records(ELEMENTS)}
    assert rows[element][f"cf_{brand}"] == 7
    assert rows[element][f"cf_{PRICE}"] is None
    prices = {row[f"cf_{PRICE}"] for row in rows.values() if row["catalog_id"] == PRODUCTS}
    assert {str(price) for price in prices} == {"None", "49.90"}


def test_a_list_whose_fields_are_refused_is_warned_about_and_elements_come_with_json(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.refused = {f"catalogs/{PRODUCTS}/custom_fields": 402}
    run = read(kommo, ELEMENTS, custom_fields="columns")
    assert len(run.records(ELEMENTS)) == len(kommo.elements.rows)
    (line,) = warnings(caplog)
    assert line.startswith("kommo_list_elements, account acme: cannot list the custom fields; ")


def test_a_list_without_fields_and_one_that_is_gone_add_no_columns_and_no_warning(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.catalogs.insert(1)
    kommo.options.refused = {f"catalogs/{BRANDS}/custom_fields": 404}
    read(kommo, ELEMENTS, custom_fields="columns")
    assert warnings(caplog) == []


def test_as_json_nobody_asks_for_fields_of_lists(kommo: Kommo) -> None:
    read(kommo, ELEMENTS)
    assert count_requests(kommo, f"catalogs/{PRODUCTS}/custom_fields") == 0


def test_an_invoice_has_its_link_and_its_supplier(kommo: Kommo) -> None:
    rows = {row["id"]: row for row in read(kommo, ELEMENTS).records(ELEMENTS)}
    links = {n: row["invoice_link"] for n, row in kommo.elements.rows.items()}
    assert {n: row["invoice_link"] for n, row in rows.items()} == links
    assert any(links.values())
    suppliers = {row["supplier_field_values"] for row in rows.values()}
    assert suppliers == {None, '[{"entity_id":1,"name":"Example Supplier"}]'}


@pytest.mark.parametrize("form", ["text", "native"])
def test_a_phone_of_a_supplier_is_nowhere_once_phones_are_hashed(kommo: Kommo, form: str) -> None:
    supplier = [{"entity_id": 1, "contact": {"phone": "+1 555-canary"}, "email": "canary@x.org"}]
    kommo.elements.insert(1, supplier_field_values=supplier)
    config = {
        "kommo": settings_for(kommo),
        "hash_fields": ["phone", "email"],
        "hash_key": KEY,
        "nested_values": form,
    }
    run = sync(config, catalog=catalog_for(ELEMENTS))
    assert run.code == 0
    assert "canary" not in json.dumps(run.records(ELEMENTS), default=str)
