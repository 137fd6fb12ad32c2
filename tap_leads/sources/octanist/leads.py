"""Octanist's leads.

https://octanist.com/docs/api-reference/endpoint/get-leads
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column
from tap_leads.records.convert import BOOLEAN, EMAIL, ISO_TIME, NUMBER, PHONE, TEXT
from tap_leads.replication.model import Traits
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.sources.base import Cursor, StreamSpec
from tap_leads.sources.octanist.comparison import CountedLeads
from tap_leads.sources.octanist.filters import matches, user_bounds
from tap_leads.timestamps import MILLISECOND, from_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_leads.sources.base import Settings

CLICK_IDS = {
    "gclid": "Google click ID.",
    "dclid": "Google display click ID.",
    "wbraid": "Google web-to-app click ID.",
    "gbraid": "Google app click ID.",
    "ga4cid": "Google Analytics 4 client ID.",
    "ga4sid": "Google Analytics 4 session ID.",
    "fbc": "Meta click ID.",
    "fbp": "Meta browser ID.",
    "msclkid": "Microsoft click ID.",
    "ttclid": "TikTok click ID.",
    "twclid": "X click ID.",
    "rdt_cid": "Reddit click ID.",
    "sccid": "Snapchat click ID.",
    "epik": "Pinterest click ID.",
    "li_fat_id": "LinkedIn click ID.",
}
COLUMNS = (
    Column("id", TEXT, "ID of the lead."),
    Column("name", TEXT, "Name of the lead."),
    Column("email", EMAIL, "Email address of the lead."),
    Column("phone", PHONE, "Phone number of the lead."),
    Column("status", TEXT, "Status of the lead: open, qualified, won or lost."),
    Column("value", NUMBER, "Value of the lead in the organization's currency, exact."),
    Column("note", TEXT, "Note about the lead."),
    Column("custom", TEXT, "Custom data of the lead, as JSON text."),
    Column("loss_reason", TEXT, "Why the lead was lost.", "lossReason"),
    Column("conversion_name", TEXT, "Name of the lead's conversion event.", "conversionName"),
    Column(
        "selected_conversion_event_id",
        TEXT,
        "ID of the lead's conversion event.",
        "selectedConversionEventId",
    ),
    Column("label_id", TEXT, "ID of the lead's label.", "labelId"),
    Column(
        "source",
        TEXT,
        "How the lead was created: inbound, gtm, api, manual, wordpress, import or another.",
    ),
    Column("website", TEXT, "Website that the lead came from."),
    Column("path", TEXT, "Path of the page on that website."),
    *(Column(name, TEXT, description) for name, description in CLICK_IDS.items()),
    Column("utm_source", TEXT, "UTM source of the visit, such as google."),
    Column("utm_medium", TEXT, "UTM medium of the visit, such as cpc."),
    Column("utm_campaign", TEXT, "UTM campaign of the visit."),
    Column("ad_storage", BOOLEAN, "Consent to the storage of advertising data."),
    Column("ad_user_data", BOOLEAN, "Consent to the use of personal data for advertising."),
    Column("analytics_storage", BOOLEAN, "Consent to the storage of analytics data."),
    Column("ad_personalization", BOOLEAN, "Consent to personalized advertising."),
    Column("google_ads_campaign_id", TEXT, "ID of the Google Ads campaign.", "googleAdsCampaignId"),
    Column(
        "google_ads_campaign_name",
        TEXT,
        "Name of the Google Ads campaign.",
        "googleAdsCampaignName",
    ),
    Column("google_ads_ad_group_id", TEXT, "ID of the Google Ads ad group.", "googleAdsAdGroupId"),
    Column(
        "google_ads_ad_group_name", TEXT, "Name of the Google Ads ad group.", "googleAdsAdGroupName"
    ),
    Column("google_ads_ad_id", TEXT, "ID of the Google Ads ad.", "googleAdsAdId"),
    Column("created_at", ISO_TIME, "When the lead was created.", "createdAt"),
    Column("updated_at", ISO_TIME, "When the lead was last modified.", "updatedAt"),
    Column("qualified_at", ISO_TIME, "When the lead was qualified.", "qualifiedAt"),
    Column("expires_at", ISO_TIME, "When the lead expires.", "expiresAt"),
)
_TRAITS = Traits(
    page_size=100,
    granularity=MILLISECOND,
    cursor_nullable=True,  # a lead can lack `updatedAt` (apis/octanist.md 3)
    splits=[({f"{n}[exists]": "true"}, {f"{n}[exists]": "false"}) for n in CLICK_IDS],
)


def _params(settings: Settings, deselected: Collection[str]) -> dict[str, Any]:
    """Return the fields to request if some are deselected; else all (apis/octanist.md 7)."""
    if not deselected:
        return {}
    fields = [column.field for column in COLUMNS if column.name not in deselected]
    # `matches` needs the fields that the user filters by.
    fields += settings.get("filters", ())
    return {"fields": ",".join(dict.fromkeys(["id", "updatedAt", *fields]))}


LEADS = StreamSpec(
    name="octanist_leads",
    path="/leads",
    columns=COLUMNS,
    replication_key=Cursor("updated_at", from_text, "updatedAt"),
    paginator=PageNumberPaginator,
    strategy=CountedLeads(),
    traits=_TRAITS,
    params=_params,
    bounds=user_bounds,
    wanted=matches,
)
