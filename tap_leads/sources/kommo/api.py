"""The common parts of Kommo's lists: URL, parameters, and envelope.

https://developers.kommo.com/docs/kommo-for-developers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import UNRELATED, Nested
from tap_leads.records.convert import TEXT
from tap_leads.replication.model import Order, Traits
from tap_leads.rest.client import Request
from tap_leads.sources.base import Cursor, RawPage
from tap_leads.timestamps import SECOND, from_unix_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_leads.replication.model import Query, Record
    from tap_leads.replication.pagination import PageNumber
    from tap_leads.sources.base import Settings, StreamSpec
    from tap_leads.timestamps import Micros

OPEN_LIST = Nested({}, rest=TEXT, members=UNRELATED)
"""A list of objects whose fields depend on their type."""
OPEN_OBJECT = Nested({}, many=False, rest=TEXT, members=UNRELATED)
"""An object whose fields depend on its type."""

FULL_LIST = Traits(page_size=250, cursor_nullable=True)
"""A list without a modification date to filter by."""
SORTED = Traits(page_size=250, granularity=SECOND)
"""A list that can be filtered and sorted by a date in whole seconds (apis/kommo.md 2)."""
UNSORTED = Traits(page_size=250, granularity=SECOND, sortable=False)
"""A list that can be filtered by a date but not sorted by it (apis/kommo.md 33 and 42)."""

CREATED_AT = Cursor("created_at", from_unix_seconds)
UPDATED_AT = Cursor("updated_at", from_unix_seconds)


def objects(value: Any) -> list[Record]:
    """Return the items of a list that are objects; an empty list if `value` is not a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def names_in(value: str | Sequence[str]) -> list[str]:
    """Return the names in a setting that is a list or comma-separated text."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else list(value)


def base_url(settings: Mapping[str, Any]) -> str:
    """Return the URL of an account's API v4."""
    default = f"https://{settings.get('subdomain')}.{settings['domain']}"
    url = str(settings.get("api_url", default)).rstrip("/")
    return url if url.endswith("/api/v4") else f"{url}/api/v4"


class KommoApi:
    """Builds requests and reads responses for one account."""

    def __init__(self, settings: Settings) -> None:
        """Use the account's `subdomain` and `domain`, or `api_url`."""
        self.base_url = base_url(settings)

    def request(self, stream: StreamSpec, query: Query, at: PageNumber, now: Micros) -> Request:  # noqa: ARG002
        """Return the request for a page of a list."""
        cursor = stream.replication_key.field if stream.replication_key else ""
        params: dict[str, Any] = {"page": at.page, "limit": at.limit}
        if query.order is Order.STABLE:
            order = stream.stable_sort
        else:
            order = cursor if stream.traits.sortable else None
        if order:
            params[f"order[{order}]"] = "desc" if query.order is Order.NEWEST else "asc"
        # A bound without [from] or [to] would match nothing (apis/kommo.md 9).
        if query.after is not None:
            params[f"filter[{cursor}][from]"] = max(query.after // SECOND, 0)
        if query.until is not None:
            params[f"filter[{cursor}][to]"] = query.until // SECOND
        for part in query.filters:
            params |= part
        return Request("GET", self.base_url + stream.path, params)

    def page(self, stream: StreamSpec, body: Any, at: PageNumber) -> RawPage:  # noqa: ARG002
        """Return the records of a response, with their HAL envelopes removed in place.

        Members of `_embedded` become `_embedded.<name>`, and `_links` are dropped.
        """
        # Only this link shows that more rows follow, not a full page (apis/kommo.md 6).
        following = body.get("_links", {}).get("next")
        link = following["href"] if following else None
        if stream.records is not None:
            records = stream.records(body)
        else:
            records = body["_embedded"][stream.path.rpartition("/")[2]]
        for record in records:
            if isinstance(record, dict):  # anything else fails when its ID is read
                record.pop("_links", None)
                embedded = record.pop("_embedded", None)
                if isinstance(embedded, dict):
                    for name, value in embedded.items():
                        record[f"_embedded.{name}"] = value
                elif embedded:
                    record["_embedded"] = embedded
        return RawPage(records, link is not None, body.get("_total_items"), link)

    def error_codes(self, body: Any) -> Iterator[object]:
        """Yield the codes and parameter names of a rejected request."""
        for each in body.get("validation-errors", []):
            for error in each["errors"]:
                yield from (error["code"], error["path"])
