"""What the models must have, worked out from the sandbox's own data in Python."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from sandbox.kommo.leads import LOST, WON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox import Api
    from sandbox.kommo.api import Kommo

Row = dict[str, Any]
T = TypeVar("T")
ZONE = "Europe/Berlin"
CURRENCIES = {"default": "GBP"}


@dataclass
class Truth:
    """The leads that were loaded, by source and account, as they were when they were last read.

    Attributes:
        apis: The API of each source and account.
        identify: Returns a value of a person as the tap emits it: itself, or its hash.
    """

    apis: dict[tuple[str, str], Api]
    identify: Callable[[str], str] = str
    loaded: dict[tuple[str, str], dict[Any, Row]] = field(default_factory=dict)

    def remember(self) -> None:
        """Note the leads of all APIs, as a run of the tap does."""
        for place, api in self.apis.items():
            rows = {lead["id"]: lead for lead in api.rendered()}
            self.loaded.setdefault(place, {}).update(rows)

    def kommo(self) -> Iterable[tuple[str, Kommo, Row, bool]]:
        """Yield each lead of Kommo with its account, API, and whether it still exists."""
        for (source, account), api in self.apis.items():
            if source == "kommo":
                alive = {lead["id"] for lead in api.rendered()}
                for lead_id, lead in self.loaded[source, account].items():
                    yield account, api, lead, lead_id in alive  # type: ignore[misc]

    def leads(self) -> dict[str, Row]:
        """Return each lead in the columns of `leads`, by its key."""
        found = dict(self._kommo_leads())
        for (source, account), leads in self.loaded.items():
            for lead in leads.values():
                key = f"{source}:{account}:{lead['id']}"
                if source == "octanist":
                    found[key] = self._of_octanist(lead, account)
                elif source != "kommo":
                    found[key] = self._of_chat(lead)
        for row in found.values():
            row["person_key"] = self.person(row["email"], row["phone"])
            row["email"] = None if row["email"] is None else self.hidden(row["email"], email)
            row["phone"] = None if row["phone"] is None else self.hidden(row["phone"], digits)
        return found

    def person(self, mail: str | None, number: str | None) -> str | None:
        """Return the key of a person: the email address, else the digits of the phone number."""
        key = email(mail or "") or digits(number or "")
        return self.identify(key) if key else None

    def hidden(self, value: str, normal: Callable[[str], str]) -> str | None:
        """Return a value as the tap emits it."""
        hashed = self.identify("x") != "x"
        return (self.identify(normal(value)) if normal(value) else None) if hashed else value

    def _kommo_leads(self) -> Iterable[tuple[str, Row]]:
        for account, api, lead, alive in self.kommo():
            linked = [each["id"] for each in lead["_embedded"]["contacts"]]
            contact = api.contacts.rows.get(linked[0]) if linked else None
            status = {WON: "won", LOST: "lost"}.get(lead["status_id"], "open")
            users = {row["id"]: row["name"] for row in api.users.rendered()}
            yield (
                f"kommo:{account}:{lead['id']}",
                {
                    "status": status if alive else "deleted",
                    "value": lead["price_with_minor_units"],
                    "currency": api.options.currency,
                    "owner": users.get(lead["responsible_user_id"]),
                    "channel": (lead["_embedded"]["source"] or {}).get("name"),
                    "utm_source": code(lead, "UTM_SOURCE"),
                    "loss_reason": next(
                        (r["name"] for r in lead["_embedded"]["loss_reason"]), None
                    ),
                    "email": contact and code(contact, "EMAIL"),
                    "phone": contact and code(contact, "PHONE"),
                },
            )

    def _of_octanist(self, lead: Row, account: str) -> Row:
        names = ("status", "value", "utm_source", "email", "phone")
        return {name: lead[name] for name in names} | {
            "currency": CURRENCIES.get(account, "EUR"),
            "owner": None,
            "channel": lead["source"],
            "loss_reason": lead["lossReason"],
        }

    def _of_chat(self, lead: Row) -> Row:
        nothing = ("value", "currency", "owner", "channel", "utm_source", "loss_reason")
        return dict.fromkeys(nothing) | {
            "status": "open",
            "email": lead["props"].get("$email"),
            "phone": lead["props"].get("$phone"),
        }

    def stays(self) -> dict[str, list[tuple[int, int, int, int | None]]]:
        """Return the stays of each lead: pipeline, stage, from and until, in Unix time."""
        found = {}
        for account, api, lead, alive in self.kommo():
            events = [event for event in api.events() if event["entity_id"] == lead["id"]]
            moves = [event for event in events if event["type"] == "lead_status_changed"]
            gone = [
                event["created_at"] for event in events if event["type"] == "lead_deleted"
            ] or [event["created_at"] for event in api.events()
                  if event["type"] == "entity_merged" and merged_in(event, lead["id"])]  # fmt: skip
            first = stage(moves[0]["value_before"]) if moves else None
            steps = [(first or (lead["pipeline_id"], lead["status_id"]), lead["created_at"])]
            steps += [(stage(move["value_after"]), move["created_at"]) for move in moves]
            kept = [next(run) for _, run in groupby(steps, key=lambda step: step[0])]
            end = None if alive else gone[-1]
            found[f"kommo:{account}:{lead['id']}"] = [
                (*here, at, following[1] if following else end)
                for (here, at), following in with_next(kept)
            ]
        return found

    def funnel(self) -> dict[tuple[Any, ...], Row]:
        """Return the funnel by account, pipeline, stage and cohort."""
        sums: dict[tuple[Any, ...], Row] = {}
        stays, leads = self.stays(), self.leads()
        for account, _, lead, alive in self.kommo():
            created = datetime.fromtimestamp(lead["created_at"], ZoneInfo(ZONE))
            cohort = str(created.date().replace(day=1))
            key = f"kommo:{account}:{lead['id']}"
            for (pipeline, status, since, until), following in with_next(stays[key]):
                if not alive or status in {WON, LOST}:
                    continue
                row = sums.setdefault(
                    (account, pipeline, status, cohort),
                    {name: set() for name in ("entered", "went_on", "won", "lost", "waiting")}
                    | {"days": []},
                )
                row["entered"].add(key)
                row[leads[key]["status"]].add(key) if leads[key]["status"] != "open" else None
                if until is None:
                    row["waiting"].add(key)
                else:
                    row["days"].append((until - since) / 86_400)
                if following and following[1] != LOST:
                    row["went_on"].add(key)
        return sums

    def counts(self, dimension: str) -> dict[tuple[Any, ...], Counter[str]]:
        """Return the number of leads by value, system and account, and by status."""
        found: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
        for key, lead in self.leads().items():
            system, account, _ = key.split(":")
            value = system if dimension == "system" else lead[dimension]
            if lead["status"] != "deleted":
                found[value, system, account][lead["status"]] += 1
        return dict(found)


def with_next(items: list[T]) -> Iterable[tuple[T, T | None]]:
    """Return each item with the one after it."""
    return zip_longest(items, items[1:])


def email(value: str) -> str:
    return value.strip().lower()


def digits(value: str) -> str:
    return re.sub(r"\D", "", value)


def code(row: Row, name: str) -> str | None:
    """Return the first value of the custom field with a code."""
    for custom in row["custom_fields_values"] or ():
        if custom["field_code"] == name:
            return str(custom["values"][0]["value"])
    return None


def stage(values: list[Row]) -> tuple[int, int]:
    """Return the pipeline and the stage in the values of an event."""
    status = values[0]["lead_status"]
    return status["pipeline_id"], status["id"]


def merged_in(event: Row, lead_id: int) -> bool:
    """Return True if a lead was merged into another by an event."""
    return any(each["link"]["entity"]["id"] == lead_id for each in event["value_before"])


def text(seconds: int | None) -> str | None:
    """Return a Unix time as the models have it."""
    return None if seconds is None else str(datetime.fromtimestamp(seconds, UTC))[:19]
