"""Kommo's lists, also called catalogs, and their elements.

Elements and fields belong to a list, and each list has its own endpoints for them.

https://developers.kommo.com/reference/lists
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from tap_leads.records.columns import OWN_FIELDS, Column, Nested
from tap_leads.records.convert import BOOLEAN, INTEGER, TEXT
from tap_leads.replication.full_table import full_scan, rows_of
from tap_leads.replication.readahead import ReadAhead
from tap_leads.rest.errors import PermanentError
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import FULL_LIST
from tap_leads.sources.kommo.columns import (
    ACCOUNT_ID,
    authorship_of,
    custom_fields_of,
    id_of,
    name_of,
    sort_of,
)
from tap_leads.sources.kommo.custom_values import DYNAMIC_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from tap_leads.replication.model import AccountLists, Bounds, Chunk


@dataclass(frozen=True)
class EachList:
    """Reads the elements or the fields of all lists of an account.

    Attributes:
        part: The end of the path, `elements` or `custom_fields`: /catalogs/{id}/{part}.
        stable_sort: As in `StreamSpec`.
        params: Parameters of each request.
    """

    part: str
    stable_sort: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    prefetch: ClassVar[bool] = False  # a list can have many elements

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows of each list in turn, reading several lists concurrently."""
        lists = [row.id for row in rows_of(account.collection(LISTS))]
        jobs = (self._rows(account, list_id, bounds) for list_id in lists)
        yield from ReadAhead(jobs, workers).results()

    def _rows(self, account: AccountLists, list_id: Hashable, bounds: Bounds) -> Iterator[Chunk]:
        """Yield the rows of a list; none if the list was deleted in the meantime."""
        path = f"/catalogs/{list_id}/{self.part}"
        spec = replace(
            LISTS, path=path, stable_sort=self.stable_sort, params=self.params, is_shared=False
        )
        try:
            for chunk in full_scan(account.collection(spec), bounds):
                for row in chunk.rows:
                    if row.record.get("catalog_id") is None:
                        row.record["catalog_id"] = list_id
                yield chunk
        except PermanentError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


LISTS = StreamSpec(
    name="kommo_lists",
    path="/catalogs",
    traits=FULL_LIST,
    optional=True,
    is_shared=True,
    columns=(
        id_of("list"),
        name_of("list"),
        *authorship_of("list"),
        sort_of("list"),
        Column("type", TEXT, "Type of the list: regular, invoices, products or suppliers."),
        Column("can_add_elements", BOOLEAN, "True if elements can be added."),
        Column("can_show_in_cards", BOOLEAN, "True if the list is shown in cards."),
        Column("can_link_multiple", BOOLEAN, "True if a lead can have several elements of it."),
        Column("can_be_deleted", BOOLEAN, "True if the list can be deleted."),
        Column("sdk_widget_code", TEXT, "Code of the widget that the list belongs to."),
        ACCOUNT_ID,
    ),
)

# Suppliers can have phones and emails (apis/kommo.md 63).
_SUPPLIER = Nested({}, rest=TEXT, members=OWN_FIELDS)

# https://developers.kommo.com/reference/list-elements
LIST_ELEMENTS = StreamSpec(
    name="kommo_list_elements",
    path="/catalogs",
    strategy=EachList("elements", params={"with": "invoice_link,supplier_field_values"}),
    traits=FULL_LIST,
    optional=True,
    selected_by_default=False,
    dynamic_columns=DYNAMIC_COLUMNS,
    columns=(
        id_of("list element"),
        Column("catalog_id", INTEGER, "ID of the list that the element belongs to."),
        name_of("list element"),
        *authorship_of("list element"),
        Column("is_deleted", BOOLEAN, "True if the element is in the recycle bin."),
        Column("currency_id", INTEGER, "ID of the currency of the element."),
        custom_fields_of("element"),
        Column("invoice_link", TEXT, "Link to the invoice, if the element is one."),
        Column(
            "supplier_field_values",
            _SUPPLIER,
            "Supplier of the invoice, with the fields that are filled.",
        ),
        ACCOUNT_ID,
    ),
)
