"""Requests and responses of the Web API of Dashly and Carrot quest.

https://developers.dashly.io/webapi/endpoints/apps/users/
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tap_leads.replication.model import Order
from tap_leads.replication.positions import Offset, Token
from tap_leads.rest.client import Request
from tap_leads.sources.base import RawPage, StatusInBodyError
from tap_leads.sources.dashly.filters import bounds_now, is_filterable
from tap_leads.sources.dashly.positions import next_token, position_params

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import Query, Record
    from tap_leads.sources.base import Settings, StreamSpec
    from tap_leads.timestamps import Micros


class DashlyApi:
    """Builds requests and reads responses for one app."""

    def __init__(self, host: str, settings: Settings) -> None:
        """Use the app's `api_url`, else `host`, and its `app_id` and `filters`."""
        url = str(settings.get("api_url", host)).rstrip("/")
        if not re.search(r"/v\d+$", url):
            url += "/v2"  # without a version the vendor chooses one (apis/dashly.md 14)
        self._root = url
        self.base_url = f"{url}/apps/{settings['app_id']}"
        self._conditions = settings.get("filters", {}).get("filters", ())
        self._group = "and" if is_filterable(settings) else "or"

    def request(self, stream: StreamSpec, query: Query, at: Offset | Token, now: Micros) -> Request:
        """Return the request for a page of a list, or for one record.

        The `{id}` in a path outside the app is in the query's filters.
        """
        if isinstance(at, Offset):
            return self._leads(stream, query, at, now)
        root = self._root if "{" in stream.path else self.base_url
        values = {
            name: quote(value, safe="") for part in query.filters for name, value in part.items()
        }
        return Request("GET", root + stream.path.format(**values), position_params(at))

    def _leads(self, stream: StreamSpec, query: Query, at: Offset, now: Micros) -> Request:
        conditions = [*self._conditions]
        if query.cursor != "any":
            conditions += bounds_now(query, now)
        filters = json.dumps({"type": self._group, "filters": conditions}, ensure_ascii=False)
        # Leads that were never seen have no `$last_seen` to sort by (apis/dashly.md 5).
        sorts = ["$email" if query.cursor == "null" else "$last_seen"]
        sorts += [part["sort"] for part in query.filters if "sort" in part]
        descending = query.order is Order.NEWEST or query.cursor == "any"
        params = {
            "filters": filters if conditions else None,
            "sort_prop": sorts[-1],
            "sort_order": "desc" if descending else "asc",
            "offset": at.offset,
            "limit": at.limit,
            "convert_props_types": "true",
            "id_as_string": "true",  # IDs use all 64 bits (apis/dashly.md 9)
        }
        return Request("GET", self.base_url + stream.path, params)

    def page(self, stream: StreamSpec, body: Any, at: Offset | Token) -> RawPage:
        """Return the records of a response."""
        status = body["meta"]["status"]  # the actual status (apis/dashly.md 16)
        if status != HTTPStatus.OK:
            raise StatusInBodyError(status) if type(status) is int else TypeError
        if isinstance(at, Token):
            records = _records(stream, body["data"])
            token = next_token(body["meta"], len(records), at)
            return RawPage(records, token is not None, next=token)
        records, total = body["data"]["users"], body["data"].get("total")
        # A short page is not the last one: `total` decides (apis/dashly.md 6).
        more = bool(records) if total is None else at.offset + len(records) < total
        return RawPage(records, more, total)

    def error_codes(self, body: Any) -> Iterator[object]:
        """Yield the name of an error."""
        yield body["meta"].get("error")


def _records(stream: StreamSpec, data: Any) -> list[Record]:
    """Return the records in the `data` of a response that is not a page of leads.

    The documentation shows lists (apis/dashly.md 24).
    """
    if stream.records is not None:
        return [*stream.records(data)]
    if isinstance(data, dict) and data:
        data = data[stream.path.rpartition("/")[2]]
    return [*data]
