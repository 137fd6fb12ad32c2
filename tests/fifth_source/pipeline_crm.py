"""A made-up lead system with offset paging, declared as a source: two streams, one rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column
from tap_leads.records.convert import EMAIL, ISO_TIME, TEXT
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Order, Query, Traits
from tap_leads.replication.pagination import Offset, OffsetPaginator
from tap_leads.rest.auth.token import HeaderToken
from tap_leads.rest.client import Request, Wording
from tap_leads.settings.model import Defaults, SourceSettings, object_of, secret, source
from tap_leads.sources.base import Cursor, RawPage, Source, StreamSpec
from tap_leads.timestamps import SECOND, from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_SORT = {Order.CURSOR: "changed", Order.NEWEST: "-changed", Order.STABLE: "id"}
ID, NAME = Column("id", TEXT, "ID of the record."), Column("name", TEXT, "Name.")
CHANGED = Column("changed", ISO_TIME, "When the deal was last modified.")
DEALS = StreamSpec(
    name="pipeline_crm_deals", path="/deals", paginator=OffsetPaginator, strategy=Keyset(),
    replication_key=Cursor("changed", from_text),
    traits=Traits(page_size=20, granularity=SECOND),
    columns=(ID, NAME, Column("email", EMAIL, "Email address."), CHANGED),
)  # fmt: skip
STAGES = StreamSpec(
    name="pipeline_crm_stages", path="/stages", paginator=OffsetPaginator,
    traits=Traits(page_size=20), columns=(ID, NAME),
)  # fmt: skip


class PipelineCrmApi:
    def __init__(self, settings: Any) -> None:
        self.base_url = settings["api_url"]

    def request(self, stream: StreamSpec, query: Query, at: Offset, now: int) -> Request:  # noqa: ARG002
        bounds = {"since": query.after, "until": query.until}
        texts = {name: to_text(bound) for name, bound in bounds.items() if bound is not None}
        place = {"start": at.offset, "limit": at.limit, "sort": _SORT[query.order]}
        return Request("GET", self.base_url + stream.path, {**place, **texts})

    def page(self, stream: StreamSpec, body: Any, at: Offset) -> RawPage:  # noqa: ARG002
        return RawPage(body["data"], body["more"])

    def error_codes(self, body: Any) -> Iterator[object]:
        yield body["code"]


OWN = {"token": secret("Token", "An API token.")}
DEFAULTS = Defaults("none", "Default: `default`.", requests_per_second=1000, lookback_seconds=0)
SCHEMA = source("Pipeline CRM", "Deals.", OWN, filters=object_of({}), defaults=DEFAULTS)
PIPELINE_CRM = Source(
    settings=SourceSettings("pipeline_crm", SCHEMA, lambda _: "default", lambda _: ()),
    api=PipelineCrmApi, streams=(STAGES, DEALS), wording=Wording("`token`", "`api_url`"),
    auth=lambda _label, settings, _clock: HeaderToken("X-Token", settings["token"]),
)  # fmt: skip
