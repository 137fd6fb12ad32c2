"""Octanist: leads with their click ids.

https://octanist.com/docs/api-reference/endpoint/get-leads
"""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads import instants
from tap_leads.columns import BOOLEAN, EMAIL, ISO_TIME, NUMBER, PHONE, TEXT, Column
from tap_leads.errors import codes
from tap_leads.leads import LeadsStream
from tap_leads.pagination import OVERLAP, Page, PageNumberPaginator
from tap_leads.settings import Defaults, object_of, secret, source, text
from tap_leads.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record
    from tap_leads.query import Cut, Query
    from tap_leads.settings import Config, Schema

CLICK_IDS = {
    "gclid": "Google click id.",
    "dclid": "Google display click id.",
    "wbraid": "Google web-to-app click id.",
    "gbraid": "Google app click id.",
    "ga4cid": "Google Analytics 4 client id.",
    "ga4sid": "Google Analytics 4 session id.",
    "fbc": "Meta click id.",
    "fbp": "Meta browser id.",
    "msclkid": "Microsoft click id.",
    "ttclid": "TikTok click id.",
    "twclid": "X click id.",
    "rdt_cid": "Reddit click id.",
    "sccid": "Snapchat click id.",
    "epik": "Pinterest click id.",
    "li_fat_id": "LinkedIn click id.",
}
_UTM = ("utm_source", "utm_medium", "utm_campaign")
_STATUSES = ("open", "qualified", "won", "lost")
_SOURCES = ("inbound", "gtm", "api", "manual", "wordpress", "import")
_DATES = ("createdAt", "updatedAt", "qualifiedAt")

# An order that tells apart leads of one moment; `id` cannot be sorted by.
_STILL = "createdAt:asc,email:asc,name:asc,value:asc,status:asc"


class OctanistLeads(LeadsStream):
    """Leads by `updatedAt`, which a lead that was never changed may lack."""

    name = "octanist_leads"
    path = "/leads"
    replication_key = "updated_at"
    source = "octanist"
    credential = "api_key"
    address = "`octanist.api_url`"
    page_size = 100
    tick = instants.MILLISECOND
    has_keyless = True
    cuts: ClassVar[Sequence[Cut]] = tuple(
        ({f"{name}[exists]": "true"}, {f"{name}[exists]": "false"}) for name in CLICK_IDS
    )
    columns: ClassVar[Sequence[Column]] = (
        Column("id", TEXT, "Id of the lead."),
        Column("name", TEXT, "Name."),
        Column("email", EMAIL, "E-mail."),
        Column("phone", PHONE, "Phone."),
        Column("status", TEXT, "open, qualified, won or lost."),
        Column("value", NUMBER, "Worth of the lead in the organization's currency, exact."),
        Column("note", TEXT, "Note."),
        Column("custom", TEXT, "Custom data, a JSON text."),
        Column("loss_reason", TEXT, "Why the lead was lost.", "lossReason"),
        Column("conversion_name", TEXT, "Name of the conversion event.", "conversionName"),
        Column(
            "selected_conversion_event_id",
            TEXT,
            "Id of the conversion event.",
            "selectedConversionEventId",
        ),
        Column("label_id", TEXT, "Id of the label.", "labelId"),
        Column("source", TEXT, "inbound, gtm, api, manual, wordpress, import or another."),
        Column("website", TEXT, "Website that the lead came from."),
        Column("path", TEXT, "Path on that website."),
        *(Column(name, TEXT, description) for name, description in CLICK_IDS.items()),
        Column("utm_source", TEXT, "UTM source."),
        Column("utm_medium", TEXT, "UTM medium."),
        Column("utm_campaign", TEXT, "UTM campaign."),
        Column("ad_storage", BOOLEAN, "Consent to the storage of advertising data."),
        Column("ad_user_data", BOOLEAN, "Consent to the use of personal data for advertising."),
        Column("analytics_storage", BOOLEAN, "Consent to the storage of analytics data."),
        Column("ad_personalization", BOOLEAN, "Consent to personalized advertising."),
        Column("google_ads_campaign_id", TEXT, "Id of the campaign.", "googleAdsCampaignId"),
        Column("google_ads_campaign_name", TEXT, "Name of the campaign.", "googleAdsCampaignName"),
        Column("google_ads_ad_group_id", TEXT, "Id of the ad group.", "googleAdsAdGroupId"),
        Column("google_ads_ad_group_name", TEXT, "Name of the ad group.", "googleAdsAdGroupName"),
        Column("google_ads_ad_id", TEXT, "Id of the ad.", "googleAdsAdId"),
        Column("created_at", ISO_TIME, "When the lead was created.", "createdAt"),
        Column("updated_at", ISO_TIME, "When the lead was changed last.", "updatedAt"),
        Column("qualified_at", ISO_TIME, "When the lead was qualified.", "qualifiedAt"),
        Column("expires_at", ISO_TIME, "When the lead expires.", "expiresAt"),
    )

    @override
    def get_base(self, account: Account) -> str:
        url = str(account.settings.get("api_url", "https://octanist.com")).rstrip("/")
        return url if url.endswith("/api") else f"{url}/api"

    @override
    def get_credentials(self, account: Account) -> dict[str, str]:
        return {"X-API-KEY": account.settings["api_key"]}

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        query = ask.query
        page, limit = ask.page or (1, ask.limit)
        order = _STILL if query.whole else "createdAt:asc" if query.unbounded else "updatedAt:asc"
        params: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "sort": "updatedAt:desc" if query.newest else order,
            "search": account.settings.get("search"),
            "fields": self._fields(),
            **_filter_params(account.filters),
        }
        if query.keyless:
            params["updatedAt[exists]"] = "false"
        elif query.low is None and not query.unbounded:
            params["updatedAt[exists]"] = "true"
        if query.low is not None:
            params["updatedAt[gte]"] = _moment(query.low)
        if query.high is not None:
            # One step more: a store may keep finer steps than the answers show.
            params["updatedAt[lte]"] = _moment(query.high + self.tick)
        for part in query.parts:
            params |= part
        return params

    def _fields(self) -> str | None:
        """What to ask for where something is left out; all, with what is not known, otherwise."""
        if not self.deselected:
            return None
        wanted = [c.field for c in self.columns if c.name not in self.deselected]
        return ",".join(dict.fromkeys(["id", "updatedAt", *wanted]))

    @override
    def read_page(self, body: Any, ask: Ask) -> Page:
        if not body["success"]:
            raise self.failure(500, self.read_codes(body))
        paging = body["meta"]["pagination"]
        return Page(body["data"], more=paging["hasMore"], total=paging.get("total"))

    @override
    def read_codes(self, body: Any) -> str:
        error = body["error"]
        code = error["code"] if isinstance(error, dict) else None
        return codes(code, body.get("meta", {}).get("requestId"))

    @override
    def read_key(self, account: Account, record: Record) -> int | None:
        return instants.of_text(record.get("updatedAt"))

    @override
    def get_positions(self, query: Query) -> PageNumberPaginator:
        return PageNumberPaginator(self.page_size, overlap=OVERLAP)

    @override
    def get_user_bounds(self, account: Account) -> tuple[int | None, int | None]:
        span = account.filters.get("updatedAt")
        if not isinstance(span, dict):
            exact = instants.of_text(span)
            return exact, exact
        lows = [instants.of_text(span.get("gte")), _beside(span.get("gt"), self.tick)]
        highs = [instants.of_text(span.get("lte")), _beside(span.get("lt"), -self.tick)]
        return (
            max((low for low in lows if low is not None), default=None),
            min((high for high in highs if high is not None), default=None),
        )

    @override
    def matches(self, account: Account, record: Record) -> bool:
        """Whether bounds that an account may ignore, or heed one of two, are kept."""
        return all(
            _is_within(name, record.get(name), bounds)
            for name, bounds in account.filters.items()
            if name in {"value", *_DATES} and isinstance(bounds, dict)
        )

    @override
    def can_sweep(self, account: Account) -> bool:
        """Where only leads without `updatedAt` are asked for there is nothing to sweep by."""
        return bool(account.filters.get("updatedAt", {}) != {"exists": False})

    @override
    def reads_keyless(self, account: Account) -> bool:
        return account.filters.get("updatedAt", {}) in ({}, {"exists": False})


def _beside(value: Any, step: int) -> int | None:
    instant = instants.of_text(value)
    return None if instant is None else instant + step


_COMPARISONS = {
    "gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt,
}  # fmt: skip


def _is_within(name: str, value: Any, bounds: Mapping[str, Any]) -> bool:
    """Whether a value is what the operators of a filter ask for."""
    if "exists" in bounds and bounds["exists"] != (value is not None):
        return False
    read: Callable[[Any], Any] = instants.of_text if name in _DATES else _number
    have = read(value)
    wanted = {word: read(bound) for word, bound in bounds.items() if word in _COMPARISONS}
    return not wanted or (
        have is not None and all(_COMPARISONS[word](have, bound) for word, bound in wanted.items())
    )


def _number(value: Any) -> Any:
    return value if isinstance(value, (int, float, Decimal)) else None


def _moment(instant: int) -> str:
    """A bound as the API writes its own date-times: with milliseconds."""
    return f"{(instants.text(instant) or '')[:23]}Z"


def _filter_params(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The user's filters as parameters; those of `updatedAt` narrow the bounds of the sweep."""
    params: dict[str, Any] = {}
    for name, value in filters.items():
        if isinstance(value, dict):
            for operator, bound in value.items():
                if name != "updatedAt" or operator == "exists":
                    params[f"{name}[{operator}]"] = _word(name, bound)
        elif name != "updatedAt":
            params[name] = ",".join(value) if isinstance(value, list) else _word(name, value)
    return params


def _word(name: str, value: Any) -> Any:
    """A value of a filter as the API takes it; a whole date is refused there."""
    if isinstance(value, bool):
        return str(value).lower()
    instant = instants.of_text(value) if name in _DATES else None
    return value if instant is None else _moment(instant)


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    if "api_key" not in settings:
        yield "api_key", "must be set"
    for name in _DATES:
        span = settings.get("filters", {}).get(name)
        bounds = span.values() if isinstance(span, dict) else [] if span is None else [span]
        if any(isinstance(b, str) and instants.of_text(b) is None for b in bounds):
            yield f"filters.{name}", "must be a date-time such as 2026-01-01T00:00:00.000Z"


_TEXT: Schema = {"type": "string"}
_EXISTS = {"exists": {"type": "boolean"}}


def _spans(bound: str) -> dict[str, Schema]:
    return {name: {"type": bound} for name in ("gte", "gt", "lte", "lt")}


def _value_or(schema: Schema, kind: str) -> Schema:
    return {**schema, "type": [kind, "object"]}


_STATUS = "|".join(_STATUSES)
_FILTERS = object_of(
    {
        "status": {
            "type": ["array", "string"],
            "items": {"type": "string", "enum": [*_STATUSES]},
            "minItems": 1,
            "pattern": f"^({_STATUS})(,({_STATUS}))*$",
            "description": f"{', '.join(_STATUSES)}: one, or several as a list.",
        },
        "source": {
            "type": "string",
            "enum": [*_SOURCES],
            "description": f"One of {', '.join(_SOURCES)}.",
        },
        "labelId": {**_TEXT, "description": "Id of a label."},
        "website": {**_TEXT, "description": "A website."},
        "value": {
            **_value_or(object_of(_spans("number")), "number"),
            "description": "A worth, or `gte`, `gt`, `lte`, `lt`.",
        },
        **{
            name: {
                **_value_or(object_of(_spans("string") | _EXISTS), "string"),
                "description": "A date-time, or `gte`, `gt`, `lte`, `lt` with one, or `exists`.",
            }
            for name in _DATES
        },
        **{
            name: {
                **_value_or(object_of(_EXISTS), "string"),
                "description": f"{description[:-1]}, or `exists`.",
            }
            for name, description in CLICK_IDS.items()
        },
        **{name: {**_TEXT, "description": "A UTM value."} for name in _UTM},
    },
    description="The API's filters by its names, equal to a value or with an operator; they are "
    "combined with the bookmark's bounds.",
    examples=[{"status": ["won", "lost"], "createdAt": {"gte": "2026-01-01T00:00:00.000Z"}}],
)

Octanist = Source(
    name="octanist",
    settings=source(
        "Octanist",
        "Leads of Octanist.",
        {
            "api_key": secret(
                "API key", "A key of the organization (Settings, General, API Keys). Needed."
            ),
            "search": text("Search", "Only leads in whose name, email or phone Octanist finds it."),
        },
        filters=_FILTERS,
        defaults=Defaults(
            "https://octanist.com/api",
            "Where it is not set: `default`.",
            requests_per_second=5,
            lookback_seconds=300,
        ),
    ),
    streams=(OctanistLeads,),
    label=lambda _: "default",
    problems=_problems,
)
