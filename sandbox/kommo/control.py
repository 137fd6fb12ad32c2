"""What the control plane can do to Kommo alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sandbox.kommo.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.kommo.api import Kommo
    from sandbox.kommo.table import Table

HELP = {
    "POST /_control/kommo/restore": '{"ids": [...]} or {"count": 3}: out of the recycle bin',
    "POST /_control/kommo/purge": '{"ids": [...]} or {"count": 3}: from the recycle bin for good',
    "POST /_control/kommo/merge": '{"ids": [...], "into": 20024932}',
    "POST /_control/kommo/{insert,edit,delete}": (
        'the same with "of" for what is not a lead: {"of": "contacts", "count": 2}, '
        '{"of": "leads/custom_fields", "ids": [1928052], "fields": {"name": "New name"}}'
    ),
    "POST /_control/kommo/grow": '{"of": "users", "to": 1000}: so many rows there are then',
    "POST /_control/kommo/rows": '{"of": "leads/custom_fields"}: the rows as they truly are',
    "POST /_control/kommo/tables": '{}: what can be given as "of"',
    "POST /_control/kommo/fill_field": '{"field": 1928052, "count": 5}: values for so many leads',
    "POST /_control/kommo/rename_enum": (
        '{"of": "leads/custom_fields", "field": 1928058, "enum": 1669868, "value": "Renamed"}'
    ),
    "POST /_control/kommo/truth": "{}: the true stages of leads, what was merged and purged",
    "POST /_control/kommo/consent": "{}: a code that is good for twenty minutes",
    "POST /_control/kommo/issue": "{}: a pair of tokens, as if a code had been exchanged",
    "POST /_control/kommo/long_lived": '{"exp": 1893456000}: a long-lived token',
    "POST /_control/kommo/expire": "{}: no access token is good any more",
    "POST /_control/kommo/revoke": "{}: no token at all is good any more",
    "POST /_control/kommo/token_faults": '{"plan": ["lost_reply", 503]}: of the token endpoint',
}


def act(api: Kommo, action: str, content: dict[str, Any]) -> object:  # noqa: PLR0911 - one an action
    """Do what is asked; `None` if this is no action of Kommo's alone."""
    if "of" in content:
        return _on_table(api.tables[content["of"]], action, content)
    which = content.get("ids", content.get("count", 1))
    match action:
        case "restore":
            return {"ids": api.restore(which)}
        case "purge":
            return {"ids": api.purge(which)}
        case "merge":
            api.merge(content["ids"], content["into"], at=content.get("at"))
            return {"merged": content["ids"]}
        case "fill_field":
            return {"ids": api.fill_field(content["field"], which, at=content.get("at"))}
        case "tables":
            return {"tables": sorted(api.tables)}
        case "truth":
            return _truth(api)
        case _:
            return _on_tokens(api, action, content)


def _on_table(table: Table, action: str, content: dict[str, Any]) -> object:  # noqa: PLR0911 - one an action
    which, at = content.get("ids", content.get("count", 1)), content.get("at")
    if not isinstance(which, int):
        which = _ids(which)
    fields = content.get("fields", {})
    match action:
        case "insert":
            return {"ids": table.insert(content.get("count", 1), at=at, **fields)}
        case "edit":
            touch = content.get("touch", True)
            return {"ids": table.edit(which, at=at, touch=touch, **fields)}
        case "delete":
            return {"ids": table.delete(which)}
        case "grow":
            return {"rows": table.grow(content["to"])}
        case "rows":
            return {"rows": table.rendered()}
        case "rename_enum":
            if isinstance(table, Fields):
                table.rename_enum(content["field"], content["enum"], content["value"])
            return {"ids": [content["field"]]}
        case _:
            return None


def _on_tokens(api: Kommo, action: str, content: dict[str, Any]) -> object:  # noqa: PLR0911 - one an action
    oauth = api.oauth
    match action:
        case "consent":
            return {
                "code": oauth.consent(),
                "client_id": oauth.client_id,
                "client_secret": oauth.client_secret,
                "redirect_uri": oauth.redirect_uri,
            }
        case "issue":
            return dataclasses.asdict(oauth.issue())
        case "long_lived":
            exp = content.get("exp")
            return {"access_token": oauth.long_lived() if exp is None else oauth.long_lived(exp)}
        case "expire":
            oauth.expire()
            return {"expired": True}
        case "revoke":
            oauth.revoke()
            return {"revoked": True}
        case "token_faults":
            oauth.faults.plan(*content.get("plan", ()))
            return {"planned": oauth.faults.pending}
        case _:
            return None


def _ids(ids: Iterable[Any]) -> list[Any]:
    """Ids as tables have them: the pair of a stage is a list in JSON."""
    return [tuple(each) if isinstance(each, list) else each for each in ids]


def _truth(api: Kommo) -> dict[str, Any]:
    return {
        "stages": {str(n): past for n, past in api.stage_history().items()},
        "merged": {str(n): into for n, into in api.merged.items()},
        "purged": sorted(api.purged),
        "bin": sorted(api.bin),
    }
