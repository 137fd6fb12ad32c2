"""The lower bound: fetch a page, decode it, print its leads, follow the next link, nothing else.

It prints exactly the tap's records with as little code as possible: no schema, no state, no checks,
no retries. Usage: `python bare.py URL TOKEN [ORDER]`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import requests

WITH = "contacts,loss_reason,is_price_modified_by_robot,catalog_elements,source_id,source"
PLAIN = (
    "id",
    "price",
    "responsible_user_id",
    "group_id",
    "status_id",
    "pipeline_id",
    "created_by",
    "updated_by",
    "is_deleted",
    "account_id",
    "labor_cost",
    "is_price_computed",
    "is_price_modified_by_robot",
)
POSITIVE = ("loss_reason_id", "source_id", "score")
MOMENTS = ("created_at", "updated_at", "closed_at", "closest_task_at")
NESTED = ("tags", "contacts", "companies", "catalog_elements", "loss_reason", "source")
encode = msgspec.json.encode


def main(url: str, token: str, order: str = "updated_at") -> None:
    """Print every lead."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    query = {"limit": "250", f"order[{order}]": "asc", "with": WITH}
    response = session.get(f"{url}/api/v4/leads", params=query, timeout=60)
    while response.status_code != requests.codes.no_content:
        response.raise_for_status()
        page = msgspec.json.decode(response.content)
        now = moment(datetime.now(UTC).timestamp())
        lines = [
            encode(
                {
                    "type": "RECORD",
                    "stream": "kommo_leads",
                    "record": row(lead),
                    "time_extracted": now,
                }
            )
            for lead in page["_embedded"]["leads"]
        ]
        sys.stdout.buffer.write(b"\n".join([*lines, b""]))
        following = page["_links"].get("next")
        if following is None:
            return
        response = session.get(following["href"], timeout=60)


def row(lead: dict[str, Any]) -> dict[str, Any]:
    """Return a lead as the tap's record."""
    embedded = lead["_embedded"]
    fields = lead["custom_fields_values"]
    record: dict[str, Any] = {"account": "bench", "name": lead["name"].replace("\x00", "")}
    for name in PLAIN:
        record[name] = lead[name]
    for name in POSITIVE:
        record[name] = lead[name] or None
    for name in MOMENTS:
        record[name] = moment(lead[name]) if lead[name] else None
    for name in NESTED:
        value = embedded[name]
        record[name] = None if value is None else encode(value).decode()
    record["price_with_minor_units"] = float(lead["price_with_minor_units"])
    record["custom_fields_values"] = None if fields is None else encode(fields).decode()
    record["extra"] = None
    return record


def moment(seconds: float) -> str:
    """Return a Unix time in the tap's format."""
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='microseconds')[:-6]}Z"


if __name__ == "__main__":
    main(*sys.argv[1:])
