"""Kommo's customers, who buy repeatedly, and their statuses, segments and purchases.

https://www.amocrm.ru/developers/content/crm_platform/customers-api

Few accounts have customers; most of those are at amoCRM (apis/kommo.md 62).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tap_leads.errors import LeadsError
from tap_leads.records.columns import Column, Texts
from tap_leads.records.convert import BOOLEAN, INTEGER, NUMBER, POSITIVE, TEXT, UNIX_TIME
from tap_leads.replication.full_table import FullTable, rows_of
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.account import ACCOUNT
from tap_leads.sources.kommo.api import (
    FULL_LIST,
    OPEN_LIST,
    SORTED,
    UPDATED_AT,
)
from tap_leads.sources.kommo.columns import (
    ACCOUNT_ID,
    CATALOG_ELEMENTS,
    LINKS,
    TAG_LIST,
    authorship_of,
    color_of,
    custom_fields_of,
    id_of,
    name_of,
    responsible_of,
    sort_of,
    times_of,
)
from tap_leads.sources.kommo.custom_values import DYNAMIC_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Chunk, Strategy

_OFF = frozenset({"unavailable", "disabled"})
"""Values of the account's `customers_mode` that mean it has no customers."""


def has_customers(account: AccountLists) -> bool:
    """Return False if the account has no customers; True if it has, or if that is unknown."""
    try:
        modes = [row.record.get("customers_mode") for row in rows_of(account.collection(ACCOUNT))]
    except LeadsError as error:
        if getattr(error, "fatal_for_account", False):
            raise
        return True
    return not any(isinstance(mode, str) and mode in _OFF for mode in modes)


@dataclass(frozen=True)
class OfCustomers:
    """Reads a list of an account that has customers, and requests nothing of any other account."""

    strategy: Strategy = field(default_factory=FullTable)
    prefetch: ClassVar[bool] = False  # the account is read first

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows as the strategy does."""
        if has_customers(account):
            yield from self.strategy.read(account, bounds, workers)


CUSTOMERS = StreamSpec(
    name="kommo_customers",
    path="/customers",
    replication_key=UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=OfCustomers(Keyset()),
    traits=SORTED,
    stable_sort="id",
    params={"with": "contacts,companies,catalog_elements"},
    optional=True,
    dynamic_columns=DYNAMIC_COLUMNS,
    columns=(
        id_of("customer"),
        name_of("customer"),
        Column("next_price", NUMBER, "Expected amount of the next purchase."),
        Column("next_date", UNIX_TIME, "When the next purchase is expected."),
        responsible_of("customer"),
        Column("status_id", POSITIVE, "ID of the customer's status."),
        Column("periodicity", INTEGER, "Days between purchases."),
        *authorship_of("customer"),
        Column("closest_task_at", UNIX_TIME, "When the next task of the customer is due."),
        Column("is_deleted", BOOLEAN, "True if the customer is in the recycle bin."),
        Column("ltv", NUMBER, "Total amount of the customer's purchases."),
        Column("purchases_count", INTEGER, "Number of the customer's purchases."),
        Column("average_check", NUMBER, "Average amount of a purchase."),
        custom_fields_of("customer"),
        ACCOUNT_ID,
        Column("tags", TAG_LIST, "Tags of the customer.", "_embedded.tags"),
        Column("segments", LINKS, "IDs of the customer's segments.", "_embedded.segments"),
        Column("contacts", OPEN_LIST, "IDs of the customer's contacts.", "_embedded.contacts"),
        Column("companies", LINKS, "ID of the customer's company, if any.", "_embedded.companies"),
        Column(
            "catalog_elements",
            CATALOG_ELEMENTS,
            "List elements linked to the customer, such as products.",
            "_embedded.catalog_elements",
        ),
    ),
)

CUSTOMER_STATUSES = StreamSpec(
    name="kommo_customer_statuses",
    path="/customers/statuses",
    strategy=OfCustomers(),
    traits=FULL_LIST,
    optional=True,
    columns=(
        id_of("status"),
        name_of("status"),
        sort_of("status"),
        Column("is_default", BOOLEAN, "True if new customers get this status."),
        color_of("status"),
        Column("type", INTEGER, "Type of the status."),
        Column("conditions", OPEN_LIST, "Conditions under which a customer gets the status."),
        ACCOUNT_ID,
    ),
)

CUSTOMER_SEGMENTS = StreamSpec(
    name="kommo_customer_segments",
    path="/customers/segments",
    strategy=OfCustomers(),
    traits=FULL_LIST,
    optional=True,
    columns=(
        id_of("segment"),
        name_of("segment"),
        color_of("segment"),
        *times_of("segment"),
        Column("customers_count", INTEGER, "Number of customers in the segment."),
        Column(
            "available_products_price_types",
            Texts(),
            "IDs of the price types of products that the segment has.",
        ),
        custom_fields_of("segment"),
        ACCOUNT_ID,
    ),
)

CUSTOMER_TRANSACTIONS = StreamSpec(
    name="kommo_customer_transactions",
    path="/customers/transactions",
    strategy=OfCustomers(),
    traits=FULL_LIST,
    optional=True,
    columns=(
        id_of("purchase"),
        Column("customer_id", INTEGER, "ID of the customer who made the purchase."),
        Column("price", NUMBER, "Amount of the purchase."),
        Column("completed_at", UNIX_TIME, "When the purchase was made."),
        Column("comment", TEXT, "Comment on the purchase."),
        *authorship_of("purchase"),
        Column("is_deleted", BOOLEAN, "True if the purchase was deleted."),
        Column(
            "catalog_elements",
            CATALOG_ELEMENTS,
            "List elements that were bought, such as products.",
            "_embedded.catalog_elements",
        ),
        ACCOUNT_ID,
    ),
)
