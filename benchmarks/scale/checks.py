"""What must hold after a run of the DAGs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks.scale import project
from sandbox.core.journal import most_per_second

if TYPE_CHECKING:
    from benchmarks.scale.report import Report
    from demo.postgres import Postgres
    from sandbox import Sandbox
    from sandbox.core.wire import Request
    from sandbox.kommo.api import Kommo


@dataclass(frozen=True)
class Checks:
    """Compares the databases and the project's folder with the sandbox."""

    box: Sandbox
    postgres: Postgres
    environment: dict[str, str]
    report: Report
    limit: int
    """Requests per second that the sandbox allows."""

    @property
    def accounts(self) -> list[Kommo]:
        """Return the accounts of the sandbox."""
        return list(self.box.accounts.values())

    def end(self, dag: str, tasks: list[dict[str, Any]], accounts: int) -> None:
        """Check that each account has a task that succeeded, and that nothing is left of it."""
        states = Counter(each["state"] for each in tasks)
        self.report.check(f"tasks of {dag}", dict(states), holds=states == {"success": accounts})
        left = list((project.PROJECT / ".meltano" / "run" / "elt").glob("*"))
        self.report.check("folders left in .meltano/run/elt", len(left), holds=not left)

    def rows(self) -> None:
        """Check that the database has every lead of every account once, as it is now."""
        with psycopg.connect(self.postgres.url.replace("/postgres?", "/leads?")) as connection:
            found = connection.execute(
                "select account, id, price, extract(epoch from updated_at)::bigint"
                " from leads.kommo_leads"
            ).fetchall()
        expected = {
            (name, lead["id"], lead["price"], lead["updated_at"])
            for name, account in self.box.accounts.items()
            for lead in account.rendered()
        }
        rows = {(name, lead_id, price, at) for name, lead_id, price, at in found}
        self.report.check(
            "rows of kommo_leads: every lead of every account once, as it is",
            f"{len(found):,} of {len(expected):,}",
            holds=len(found) == len(rows) and rows == expected,
        )

    def requests(self) -> None:
        """Check that the requests of all accounts together were within the rate limit."""
        requests = [request for account in self.accounts for request in account.journal]
        refused = [request.status for request in requests if request.status in {403, 429}]
        self.report.check("requests refused", len(refused), holds=not refused)
        most = most_per_second(requests)
        self.report.check(
            f"most requests in a second, of {self.limit} allowed", most, holds=most <= self.limit
        )
        self.report.figure("requests", f"{len(requests):,}")

    def tokens(self) -> None:
        """Check that each account has exchanged its tokens once, and that they still work."""
        exchanges = Counter(
            len([r for r in account.journal if r.method == "POST"]) for account in self.accounts
        )
        self.report.check(
            "token requests per account",
            dict(exchanges),
            holds=exchanges == {1: len(self.accounts)},
        )
        with psycopg.connect(self.postgres.url.replace("/postgres?", "/tokens?")) as connection:
            found = connection.execute(
                "select account, access_token, refresh_token from tap_leads_tokens"
            ).fetchall()
        stored = {account: (access, refresh) for account, access, refresh in found}
        good = [
            name
            for name, account in self.box.accounts.items()
            if name in stored and _is_good(account, *stored[name])
        ]
        self.report.check(
            "accounts whose tokens in the store are valid",
            len(good),
            holds=len(good) == len(self.accounts),
        )

    def states(self, expected: set[str]) -> None:
        """Check that each account and rhythm has its own state."""
        listed = project.meltano("state", "list", environment=self.environment).split()
        found = {word for word in listed if word.startswith("kommo-")}
        self.report.check("state IDs", len(found), holds=found == expected)


def lists_of(account: Kommo) -> list[Request]:
    """Return the requests of an account other than those for tokens."""
    return [request for request in account.journal if request.method == "GET"]


def leads_sent(account: Kommo) -> int:
    """Return how many leads the list of leads that are not deleted has sent."""
    return sum(
        request.rows
        for request in lists_of(account)
        if request.path == "/api/v4/leads" and "only_deleted" not in str(request.query.get("with"))
    )


def _is_good(account: Kommo, access: str, refresh: str) -> bool:
    oauth = account.oauth
    grant = oauth.refreshes[refresh]
    now = account.clock.now()
    return oauth.expiries[access] > now and grant.expires > now and not grant.used
