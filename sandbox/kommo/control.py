"""The control plane's actions for Kommo."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.core.actions import Action, Content, change_actions, chosen, plan
from sandbox.kommo.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.core.rows import Rows
    from sandbox.core.store import Lead
    from sandbox.kommo.events import Stage
    from sandbox.kommo.oauth import OAuth
    from sandbox.kommo.table import Table

_IDS = '{"ids": [...]} or {"count": 3}'
_PEOPLE = '; with "of", contacts or companies'
_OF = '; with "of", the rows of a table: {"of": "contacts", "count": 2}'


class Recycling(Protocol):
    """The changes of rows that have a recycle bin."""

    merged: dict[int, int]
    purged: set[int]

    def restore(self, which: int | Iterable[Any]) -> list[Any]:
        """Restore rows from the recycle bin."""

    def purge(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete rows from the recycle bin."""

    def merge(self, ids: Iterable[int], into: int, *, at: float | None = None) -> None:
        """Merge rows into another row."""


class KommoLeads(Recycling, Protocol):
    """The changes that only Kommo's leads have."""

    @property
    def bin(self) -> dict[Any, Lead]:
        """The leads in the recycle bin."""

    def stage_history(self) -> dict[int, list[Stage]]:
        """Return the stages that each lead was in."""

    def fill_field(
        self, field_id: int, which: int | Iterable[Any], *, at: float | None = None
    ) -> list[Any]:
        """Set a custom field in leads."""


def lead_actions(leads: KommoLeads, people: Mapping[str, Recycling]) -> dict[str, Action]:
    """Return the actions on leads, contacts and companies that no other API has."""

    def rows(content: Content) -> Recycling:
        return people[content["of"]] if "of" in content else leads

    def merge(content: Content) -> object:
        rows(content).merge(content["ids"], content["into"], at=content.get("at"))
        return {"merged": content["ids"]}

    def fill_field(content: Content) -> object:
        at = content.get("at")
        return {"ids": leads.fill_field(content["field"], chosen(content), at=at)}

    def truth(_content: Content) -> object:
        return {
            "stages": {str(n): past for n, past in leads.stage_history().items()},
            "merged": {str(n): into for n, into in leads.merged.items()},
            "purged": sorted(leads.purged),
            "bin": sorted(leads.bin),
        }

    return {
        "restore": Action(
            f"{_IDS}: restores leads from the recycle bin{_PEOPLE}",
            lambda content: {"ids": rows(content).restore(chosen(content))},
        ),
        "purge": Action(
            f"{_IDS}: deletes leads from the recycle bin{_PEOPLE}",
            lambda content: {"ids": rows(content).purge(chosen(content))},
        ),
        "merge": Action(f'{{"ids": [...], "into": 20024932}}{_PEOPLE}', merge),
        "fill_field": Action(
            '{"field": 1928052, "count": 5}: sets a custom field in leads', fill_field
        ),
        "truth": Action(
            "{}: the actual stages of leads, and which leads were merged, purged or deleted", truth
        ),
    }


def token_actions(oauth: OAuth) -> dict[str, Action]:
    """Return the actions on tokens."""

    def consent(_content: Content) -> object:
        return {
            "code": oauth.consent(),
            "client_id": oauth.client_id,
            "client_secret": oauth.client_secret,
            "redirect_uri": oauth.redirect_uri,
        }

    def long_lived(content: Content) -> object:
        expires = (content["exp"],) if content.get("exp") is not None else ()
        return {"access_token": oauth.long_lived(*expires)}

    def expire(_content: Content) -> object:
        oauth.expire()
        return {"expired": True}

    def revoke(_content: Content) -> object:
        oauth.revoke()
        return {"revoked": True}

    return {
        "consent": Action("{}: returns an authorization code, valid for 20 minutes", consent),
        "issue": Action(
            "{}: returns a pair of tokens, as for an authorization code",
            lambda _content: dataclasses.asdict(oauth.issue()),
        ),
        "long_lived": Action('{"exp": 1893456000}: returns a long-lived token', long_lived),
        "expire": Action("{}: expires all access tokens", expire),
        "revoke": Action("{}: revokes all tokens", revoke),
        "token_faults": Action(
            '{"plan": ["lost_reply", 503]}: faults of the token endpoint',
            lambda content: plan(oauth.faults, content),
        ),
    }


def table_actions(leads: Rows, tables: Mapping[str, Table]) -> dict[str, Action]:
    """Return the actions on tables, and those on leads that tables have too.

    Args:
        leads: The leads, which actions change if they name no table.
        tables: The tables by path.
    """

    def table(content: Content) -> Table:
        return tables[content["of"]]

    def rename_enum(content: Content) -> object:
        fields = table(content)
        if not isinstance(fields, Fields):
            raise TypeError(f"not a table of custom fields: {content['of']}")
        fields.rename_enum(content["field"], content["enum"], content["value"])
        return {"ids": [content["field"]]}

    return {
        **change_actions(lambda content: table(content) if "of" in content else leads, _OF),
        "tables": Action(
            '{}: the tables that "of" can name', lambda _content: {"tables": sorted(tables)}
        ),
        "rows": Action(
            '{"of": "leads/custom_fields"}: the current rows, regardless of the lag',
            lambda content: {"rows": table(content).rendered()},
        ),
        "grow": Action(
            '{"of": "users", "to": 1000}: inserts rows until there are that many',
            lambda content: {"rows": table(content).grow(content["to"])},
        ),
        "rename_enum": Action(
            '{"of": "leads/custom_fields", "field": 1928058, "enum": 1669868, "value": "New"}',
            rename_enum,
        ),
    }
