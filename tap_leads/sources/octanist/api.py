"""Requests and responses of Octanist's API.

https://octanist.com/docs/api-reference/endpoint/get-leads
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tap_leads.replication.model import Order
from tap_leads.rest.client import Request
from tap_leads.sources.base import RawPage, StatusInBodyError
from tap_leads.sources.octanist.filters import filter_params, to_bound
from tap_leads.timestamps import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import Query
    from tap_leads.replication.pagination import PageNumber
    from tap_leads.sources.base import Settings, StreamSpec
    from tap_leads.timestamps import Micros

_SORT = {
    Order.CURSOR: "updatedAt:asc",
    Order.NEWEST: "updatedAt:desc",
    # Further fields order leads created at the same time: `id` is unsortable (apis/octanist.md 2).
    Order.STABLE: "createdAt:asc,email:asc,name:asc,value:asc,status:asc",
}


class OctanistApi:
    """Builds requests and reads responses for one organization."""

    def __init__(self, settings: Settings) -> None:
        """Use the organization's `api_url`, `search` and `filters`."""
        url = str(settings.get("api_url", "https://octanist.com")).rstrip("/")
        self.base_url = url if url.endswith("/api") else f"{url}/api"
        self._always = {"search": settings.get("search")} | filter_params(
            settings.get("filters", {})
        )

    def request(self, stream: StreamSpec, query: Query, at: PageNumber, now: Micros) -> Request:  # noqa: ARG002
        """Return the request for a page of leads, or for the statistics of a period."""
        url = self.base_url + stream.path
        if stream.method == "POST":  # without a body, the API rejects it (apis/octanist.md 20)
            period = query.filters[0] if query.filters else {"period": "current"}
            return Request(stream.method, url, json=period)
        always = self._always if stream.replication_key else {}
        params = {**always, "page": at.page, "limit": at.limit, "sort": _SORT[query.order]}
        if query.cursor == "null":
            params["updatedAt[exists]"] = "false"
        elif query.cursor == "set" and query.after is None:
            params["updatedAt[exists]"] = "true"
        if query.after is not None:
            params["updatedAt[gte]"] = to_bound(query.after)
        if query.until is not None:
            # One step later: stored values may be more precise than responses (apis/octanist.md 4).
            params["updatedAt[lte]"] = to_bound(query.until + MILLISECOND)
        for part in query.filters:
            params |= part
        return Request("GET", url, params)

    def page(self, stream: StreamSpec, body: Any, at: PageNumber) -> RawPage:  # noqa: ARG002
        """Return the leads or statistics of a response.

        Fail on a bare array, the API's oldest format.
        """
        if not body["success"]:  # a TypeError for an array (apis/octanist.md 17)
            raise StatusInBodyError(HTTPStatus.INTERNAL_SERVER_ERROR)
        if stream.records is not None:
            return RawPage(stream.records(body), has_more=False)
        paging = body["meta"]["pagination"]
        return RawPage(body["data"], paging["hasMore"], paging.get("total"))

    def error_codes(self, body: Any) -> Iterator[object]:
        """Yield the code of an error and the ID of its request."""
        error = body["error"]  # an object, or text that may be private (apis/octanist.md 16)
        yield error["code"] if isinstance(error, dict) else None
        yield body.get("meta", {}).get("requestId")
