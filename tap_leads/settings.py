"""Settings: the words in which a source declares its own, and the schema of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


Schema: TypeAlias = dict[str, Any]
Config: TypeAlias = dict[str, Any]


def text(title: str, description: str, **keywords: Any) -> Schema:
    """The schema of a setting that is a string."""
    return {"type": "string", "title": title, "description": description, **keywords}


def secret(title: str, description: str) -> Schema:
    """The schema of a setting that no log and no message may show, and that a header can carry."""
    form = r"^[!-~]*$(?!\n)"
    return text(title, description, minLength=1, pattern=form, secret=True, writeOnly=True)


def number(title: str, description: str, **keywords: Any) -> Schema:
    """The schema of a setting that is a number."""
    return {"type": "number", "title": title, "description": description, **keywords}


def integer(title: str, description: str, **keywords: Any) -> Schema:
    """The schema of a setting that is a whole number."""
    return {"type": "integer", "title": title, "description": description, **keywords}


def one_of(title: str, description: str, *choices: str) -> Schema:
    """The schema of a setting with a few choices, of which the first is the default."""
    return text(title, description, enum=[*choices], default=choices[0])


def object_of(properties: Mapping[str, Schema], **keywords: Any) -> Schema:
    """The schema of an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": {**properties},
        "additionalProperties": False,
        **keywords,
    }


def list_of(items: Schema, **keywords: Any) -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": items, **keywords}


class Defaults(NamedTuple):
    """What a source has where the user says nothing."""

    api_url: str
    name: str
    requests_per_second: float
    lookback_seconds: int


def source(
    title: str,
    description: str,
    own: Mapping[str, Schema],
    *,
    filters: Schema,
    defaults: Defaults,
) -> Schema:
    """The settings object of a source: its own settings, those of every source, and `accounts`."""
    common = {
        "name": text(
            "Account name",
            f"The label of the account in the `account` column and in the state. {defaults.name}",
            minLength=1,
        ),
        **own,
        "filters": {**filters, "title": "Filters"},
        "requests_per_second": number(
            "Requests per second",
            "How many requests the tap may send for an account in any one second, over all its "
            "streams.",
            default=defaults.requests_per_second,
            exclusiveMinimum=0,
        ),
        "lookback_seconds": integer(
            "Lookback",
            "How many seconds before its bookmark a run begins: leads that the API shows late "
            "are not lost, and the newest ones come again.",
            default=defaults.lookback_seconds,
            minimum=0,
        ),
        "api_url": text(
            "API address",
            "Another address of the API: https, or http on a loopback address. The credential "
            f"goes there. Default: {defaults.api_url}.",
            format="uri",
        ),
    }
    accounts = list_of(
        object_of(common),
        title="Accounts",
        description="Several accounts of the source: objects with a `name` each, and the keys in "
        "which they differ from those beside `accounts`.",
        minItems=1,
    )
    return object_of({**common, "accounts": accounts}, title=title, description=description)


def top_level(sources: Mapping[str, Schema]) -> Schema:
    """The schema of all settings."""
    return object_of(
        {
            "start_date": text(
                "Start date",
                "Leads that last changed before this date or date-time (UTC unless it says "
                "otherwise) are left out. Default: every lead.",
                format="date-time",
                examples=["2026-01-01", "2026-01-01T00:00:00Z"],
            ),
            **sources,
            "nested_values": one_of(
                "Nested values",
                "`text`: lists and objects as JSON text, which every target keeps. `native`: "
                "lists and objects; in Postgres they are jsonb.",
                "text",
                "native",
            ),
            "hash_fields": list_of(
                text("Column", "A column."),
                title="Hashed columns",
                description="Columns, such as `email`, or `dashly_leads.email` for those of one "
                "stream alone, whose values leave as HMAC-SHA256 in hex: one that a person has in "
                "several sources is the same in each. E-mails are trimmed and put into small "
                "letters before, phones reduced to their digits, other texts trimmed.",
                examples=[["email", "phone", "name"]],
            ),
            "hash_key": text(
                "Key of the hashes",
                "What `hash_fields` is hashed with: long, secret, and the same in every run.",
                minLength=1,
                secret=True,
                writeOnly=True,
            ),
            "concurrency": integer(
                "Concurrency",
                "How many requests of an account may be under way at once, all under its one "
                "budget of `requests_per_second`.",
                default=4,
                minimum=1,
                maximum=32,
            ),
            "request_timeout": number(
                "Request timeout",
                "Seconds that one request may take in all.",
                default=60,
                exclusiveMinimum=0,
            ),
            "user_agent": text(
                "User agent",
                "How the tap names itself to the APIs. Default: tap-leads and its version.",
                minLength=1,
                pattern=r"^[ -~]*\Z",
            ),
        }
    )
