"""The settings of Dashly and Carrot quest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_leads.settings.model import Defaults, SourceSettings, integer, secret, source, text
from tap_leads.sources.dashly.filters import FILTERS
from tap_leads.sources.dashly.leads import zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.settings.model import Config


def _label(settings: Config) -> str:
    return "default" if settings["app_id"] == "$self_app" else str(settings["app_id"])


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    if "auth_token" not in settings:
        yield "auth_token", "is required"
    if not re.fullmatch(r"\$self_app|[A-Za-z0-9_-]+", settings["app_id"]):
        yield "app_id", "must be an app ID or $self_app"
    try:
        zone_of(settings)
    except (KeyError, ValueError, OSError):  # not a name, or unknown on this machine
        yield "timezone", "must be an IANA time zone name, such as Europe/Berlin"


def settings_of(name: str, title: str, host: str) -> SourceSettings:
    """Return the settings of a brand whose API is at `host`."""
    return SourceSettings(
        name=name,
        schema=source(
            title,
            f"Leads of {title}.",
            {
                "app_id": text(
                    "App ID",
                    "ID of the app; also the account's name if `name` is not set. "
                    "$self_app is the app that the token belongs to.",
                    default="$self_app",
                ),
                "auth_token": secret(
                    "API token",
                    "API key from the admin panel: Settings > Developers > API keys. Required.",
                ),
                "timezone": text(
                    "Time zone",
                    "Time zone of the account, such as Europe/Berlin. The API returns dates "
                    "without an offset; they are read in this zone and converted to UTC.",
                    default="UTC",
                    examples=["Europe/Berlin"],
                ),
                "details_per_run": integer(
                    "Lead details per run",
                    f"Maximum number of leads whose details `{name}_lead_details` reads in a run, "
                    "one request each; the next run continues after them. Leads of the overlap "
                    "between runs do not count. Default: no limit.",
                    minimum=1,
                ),
            },
            filters=FILTERS,
            defaults=Defaults(
                host,
                "Default: `app_id`, or `default` if that is $self_app.",
                requests_per_second=2,
                lookback_seconds=1800,
            ),
        ),
        label=_label,
        problems=_problems,
    )
