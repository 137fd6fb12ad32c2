"""What streams share that send a request for each lead or conversation."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_leads.replication.model import AccountLists
    from tap_leads.rest.errors import PermanentError


def is_gone(error: PermanentError) -> bool:
    """Return True if no record has the requested ID (apis/dashly.md 25)."""
    return error.status == HTTPStatus.BAD_REQUEST and "LookupError" in error.details


def announce(account: AccountLists, count: int, things: str) -> None:
    """Log how long it takes to send a request for each of `count` things.

    `things` names them, such as `the details of {} leads`.
    """
    if count:
        rate = account.settings["requests_per_second"]
        seconds = round(count / rate)
        minutes, hours = seconds // 60, seconds // 3600
        length = f"{hours} h {minutes % 60} min" if hours else f"{minutes} min {seconds % 60} s"
        what = things.format(f"{count:,}")
        account.inform(f"reading {what} takes about {length} at {rate:g} requests per second")
