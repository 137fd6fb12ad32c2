"""A minimal tap for Kommo's leads, written as the SDK's documentation recommends.

https://sdk.meltano.com/en/latest/dev_guide.html. It follows next links by copying their query to
the next request, as taps of the SDK's authors do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import ParseResult, parse_qsl

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import BaseHATEOASPaginator
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import Response
    from singer_sdk.helpers.types import Context

WITH = "contacts,loss_reason,is_price_modified_by_robot,catalog_elements,source_id,source"


def _integers(*names: str) -> list[th.Property[Any]]:
    return [th.Property(name, th.IntegerType) for name in names]


def _booleans(*names: str) -> list[th.Property[Any]]:
    return [th.Property(name, th.BooleanType) for name in names]


def _objects(*properties: th.Property[Any]) -> th.ArrayType[Any]:
    return th.ArrayType(th.ObjectType(*properties))


_METADATA = th.ObjectType(
    th.Property("quantity", th.NumberType), *_integers("catalog_id", "price_id")
)
_VALUES = _objects(
    th.Property("value", th.AnyType()),
    *_integers("enum_id", "catalog_id", "catalog_element_id"),
    th.Property("enum_code", th.StringType),
)


class NextLinkPaginator(BaseHATEOASPaginator):
    """Follows the next links of HAL."""

    @override
    def get_next_url(self, response: Response) -> str | None:
        url: str | None = response.json()["_links"].get("next", {}).get("href")
        return url


class LeadsStream(RESTStream[ParseResult]):
    """Leads in the order of their modification date."""

    name = "leads"
    path = "/api/v4/leads"
    primary_keys: ClassVar[Sequence[str]] = ("id",)
    replication_key = "updated_at"
    is_sorted = True
    records_jsonpath = "$._embedded.leads[*]"
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("name", th.StringType),
        th.Property("price_with_minor_units", th.NumberType),
        *_integers("id", "price", "responsible_user_id", "group_id", "status_id", "pipeline_id"),
        *_integers("loss_reason_id", "source_id", "created_by", "updated_by", "created_at"),
        *_integers("updated_at", "closed_at", "closest_task_at", "score", "account_id"),
        *_integers("labor_cost"),
        *_booleans("is_deleted", "is_price_computed", "is_price_modified_by_robot"),
        th.Property(
            "custom_fields_values",
            _objects(
                *_integers("field_id"),
                th.Property("field_name", th.StringType),
                th.Property("field_code", th.StringType),
                th.Property("field_type", th.StringType),
                th.Property("values", _VALUES),
                *_booleans("is_computed"),
            ),
        ),
        th.Property(
            "_embedded",
            th.ObjectType(
                th.Property(
                    "tags",
                    _objects(
                        *_integers("id"),
                        th.Property("name", th.StringType),
                        th.Property("color", th.StringType),
                    ),
                ),
                th.Property("contacts", _objects(*_integers("id"), *_booleans("is_main"))),
                th.Property("companies", _objects(*_integers("id"))),
                th.Property(
                    "catalog_elements",
                    _objects(*_integers("id"), th.Property("metadata", _METADATA)),
                ),
                th.Property(
                    "loss_reason",
                    _objects(
                        *_integers("id", "sort", "created_at", "updated_at"),
                        th.Property("name", th.StringType),
                    ),
                ),
                th.Property(
                    "source",
                    th.ObjectType(*_integers("id"), th.Property("name", th.StringType)),
                ),
            ),
        ),
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @property
    @override
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["access_token"])

    @override
    def get_new_paginator(self) -> NextLinkPaginator:
        return NextLinkPaginator()

    @override
    def get_url_params(
        self, context: Context | None, next_page_token: ParseResult | None
    ) -> dict[str, Any]:
        if next_page_token is not None:
            return dict(parse_qsl(next_page_token.query))
        params = {"limit": 250, "order[updated_at]": "asc", "with": WITH}
        start = self.get_starting_replication_key_value(context)
        return params if start is None else params | {"filter[updated_at][from]": start}


class TapKommo(Tap):
    """Kommo's leads."""

    name = "tap-kommo"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("access_token", th.StringType, required=True, secret=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[LeadsStream]:
        return [LeadsStream(self)]


if __name__ == "__main__":
    TapKommo.cli()
