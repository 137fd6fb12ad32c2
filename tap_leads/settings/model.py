"""The schema of all settings: those of every source, those of one source, and global ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tap_leads.settings.load import with_defaults
from tap_leads.settings.oauth import inherited
from tap_leads.settings.schema import (
    Config,
    Schema,
    boolean,
    integer,
    is_credential,
    list_of,
    number,
    object_of,
    one_of,
    secret,
    text,
    with_variables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = [
    "Config",
    "Defaults",
    "Schema",
    "SourceSettings",
    "boolean",
    "integer",
    "list_of",
    "number",
    "object_of",
    "one_of",
    "secret",
    "source",
    "text",
    "top_level",
]


_TEN_YEARS = 10 * 365 * 86_400


class Defaults(NamedTuple):
    """The defaults of a source's settings.

    `api_url` and `name` describe the defaults in the documentation; they are not values.
    """

    api_url: str
    name: str
    requests_per_second: float
    lookback_seconds: int


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """The settings of a source.

    Attributes:
        name: The name of the settings object.
        schema: The schema of the settings object, as `source` returns it.
        label: Returns the label of an account that has no `name`.
        problems: Yields errors that the schema cannot express, as (setting, message).
        normalize: Returns settings of an account in their usual form, if they have another one.
        required: The settings to set for an account, for each way of authorizing it. Any of them,
            or a list of accounts, configures the source. By default, each credential in the schema,
            or object that contains one, is one way.
    """

    name: str
    schema: Schema
    label: Callable[[Config], str]
    problems: Callable[[Config], Iterable[tuple[str, str]]]
    normalize: Callable[[Config], Config] = lambda _: {}
    required: Sequence[Sequence[str]] = ()

    def __post_init__(self) -> None:
        """Set `required` if it is empty."""
        credentials = [
            (name,)
            for name, schema in self.schema["properties"].items()
            if any(map(is_credential, (schema, *schema.get("properties", {}).values())))
        ]
        object.__setattr__(self, "required", self.required or credentials)

    def is_configured(self, config: Config) -> bool:
        """Return True if all settings contain a credential of the source, or a part of one.

        Other settings do not configure it: Meltano may pass on defaults of all sources.
        """
        settings = config.get(self.name)
        if not isinstance(settings, dict):
            return settings is not None  # an error for `validate` to report
        parts = {name.partition(".")[0] for names in self.required for name in names}
        return not {"accounts", "accounts_file", *parts}.isdisjoint(settings)

    def labels(self, config: Config) -> list[str]:
        """Return the label of each account; the settings need not be valid."""
        shared = {name: value for name, value in config.items() if name != "accounts"}
        return [
            self._account("", {**shared, **own})[1] if isinstance(own, dict) else ""
            for own in config.get("accounts", [{}])
        ]

    def accounts(self, config: Config) -> list[tuple[str, str, Config]]:
        """Return (name of the settings object, label, settings with defaults) of each account.

        Args:
            config: The settings object of the source, valid by its schema.
        """
        shared = {name: value for name, value in config.items() if name != "accounts"}
        if "accounts" not in config:
            return [self._account(self.name, shared)]
        return [
            self._account(f"{self.name}.accounts[{index}]", inherited(shared, own))
            for index, own in enumerate(config["accounts"])
        ]

    def _account(self, where: str, own: Config) -> tuple[str, str, Config]:
        settings = with_defaults(own, self.schema)
        return where, str(settings.get("name") or self.label(settings)), settings


def source(
    title: str,
    description: str,
    own: Mapping[str, Schema],
    *,
    filters: Schema,
    defaults: Defaults,
) -> Schema:
    """Return the schema of a source's settings: its own, the common ones, and `accounts`."""
    common = {
        "name": text(
            "Account name",
            f"Label of the account in the `account` column and in the state. {defaults.name}",
            minLength=1,
        ),
        **own,
        "filters": {**filters, "title": "Filters"},
        "requests_per_second": number(
            "Requests per second",
            "Rate limit: the maximum number of requests per second, across all streams and, unless "
            "`share_rate_limit` is false, across all accounts of the source.",
            default=defaults.requests_per_second,
            minimum=0.001,
            maximum=10_000,
        ),
        "lookback_seconds": integer(
            "Lookback",
            "Overlap between runs, in seconds. Each run starts this long before the bookmark to "
            "catch records that the API publishes late. The overlap is emitted again, so use a "
            "target that upserts.",
            default=defaults.lookback_seconds,
            minimum=0,
            maximum=_TEN_YEARS,
        ),
        "api_url": text(
            "API URL",
            "Base URL of the API: https, or http on a loopback address. The credential is sent "
            f"there. Default: {defaults.api_url}.",
            format="uri",
        ),
    }
    of_all_accounts = {
        "share_rate_limit": boolean(
            "Share the rate limit",
            "Share one rate limit among all accounts of this source, because the APIs limit "
            "requests per IP address. If false, each account has its own rate limit.",
            default=True,
        ),
        "accounts": list_of(
            object_of(with_variables(common)),
            title="Accounts",
            description="Several accounts of the source: a list of objects, each with a `name` "
            "and the settings that differ from those next to `accounts`. `<name>_env` names the "
            "environment variable that holds the secret `<name>`.",
            minItems=1,
        ),
        "accounts_file": text(
            "Accounts file",
            "Alternative to `accounts`, for any number of accounts: the path of a JSON file with "
            "such a list, or of a CSV file whose header has the names of the settings. A relative "
            "path starts at the current folder.",
            minLength=1,
        ),
    }
    return object_of({**common, **of_all_accounts}, title=title, description=description)


def top_level(sources: Mapping[str, Schema]) -> Schema:
    """Return the schema of all settings; `sources` are the schemas of the sources by name."""
    return object_of(
        {
            "start_date": text(
                "Start date",
                "Sync records modified on or after this date or date-time. ISO 8601; UTC unless an "
                "offset is given. Default: no limit.",
                format="date-time",
                examples=["2026-01-01", "2026-01-01T00:00:00Z"],
            ),
            "end_date": text(
                "End date",
                "Sync records modified on or before this date or date-time, such as for a backfill "
                "in parts. A date is its first moment, 00:00. A later run without it syncs the "
                "records modified since. Full-table streams are not limited. Default: no limit.",
                format="date-time",
                examples=["2026-02-01", "2026-02-01T00:00:00Z"],
            ),
            **sources,
            "account": text(
                "Account",
                "Sync only this account, by its ID that `tap-leads-admin accounts` prints, such as "
                "`kommo-berlin`. Credentials of other accounts are not needed. Default: all "
                "accounts.",
                minLength=1,
                examples=["kommo-berlin"],
            ),
            "nested_values": one_of(
                "Nested values",
                "`text`: emit lists and objects as JSON text, which every target can load. "
                "`native`: emit them as they are; target-postgres stores them as jsonb.",
                "text",
                "native",
            ),
            "hash_fields": list_of(
                text("Column", "Name of a column."),
                title="Hashed columns",
                description="Columns to pseudonymize, such as `email`, or `dashly_leads.email` for "
                "one stream only. Each value is replaced by its HMAC-SHA256 (hex), keyed with "
                "`hash_key`, so the same person has the same hash in every source. Emails are "
                "trimmed and lowercased first, phone numbers are reduced to digits, and other "
                "strings are trimmed.",
                examples=[["email", "phone", "name"]],
            ),
            "hash_key": text(
                "Hash key",
                "Key of the hashes of `hash_fields`: long, random, and the same in every run. "
                "Required with `hash_fields`.",
                minLength=1,
                secret=True,
                writeOnly=True,
            ),
            "concurrency": integer(
                "Concurrency",
                "Maximum number of concurrent requests per account, across all of its streams.",
                default=4,
                minimum=1,
                maximum=32,
            ),
            "request_timeout": number(
                "Request timeout",
                "Timeout of a request in seconds, from connecting to the end of the response.",
                default=60,
                exclusiveMinimum=0,
                maximum=3600,
            ),
            "max_retry_seconds": number(
                "Retry time",
                "How long a failing request is retried, in seconds. Lower it where a failed run "
                "should end soon.",
                default=300,
                minimum=0,
            ),
            "user_agent": text(
                "User agent",
                "User-Agent header of all requests, in printable ASCII characters. Default: "
                "tap-leads and its version.",
                minLength=1,
                pattern=r"^[ -~]*\Z",
            ),
        }
    )
