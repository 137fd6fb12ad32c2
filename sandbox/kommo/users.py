"""Users and roles, which only administrators may list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sandbox.kommo.leads import PIPELINES, USERS
from sandbox.kommo.resource import Resource
from sandbox.kommo.table import Context, Row, RowFactory, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = ({"id": 548770, "name": "Managers"}, {"id": 548774, "name": "Вторая линия"})
_ROLES = ((3141, "Manager"), (3145, "Nur Lesen 👀"))
_PEOPLE = (
    # name, role, active, administrator
    ("Ada Abbott", None, True, True),
    ("Łukasz Öztürk", 3141, True, False),
    ("Yara O'Neil 🦊", 3145, True, False),
    ("Gone Since March", 3141, False, False),
)

USER = Resource(
    key="users",
    totals=True,
    admin=True,
    needs={
        "uuid": frozenset({"uuid"}),
        "amojo_id": frozenset({"amojo_id"}),
        "user_rank": frozenset({"user_rank"}),
        "phone_number": frozenset({"phone_number"}),
        "role": frozenset(),
        "group": frozenset(),
    },
)
ROLE = Resource(key="roles", totals=True, admin=True, needs={"users": frozenset()})


class Users(Table):
    """Users; `with` adds their roles and groups."""

    roles: Table

    @override
    def embedded(self, row: Row, with_: frozenset[str], base: str) -> Row | None:
        if not with_ & {"role", "group"}:
            return None
        found: Row = {}
        if "role" in with_:
            role = self.roles.store.rows.get(row["rights"]["role_id"])
            roles = [] if role is None else [{"id": role["id"], "name": role["name"]}]
            found["roles"] = [{**each, **self.roles.linked(each, base)} for each in roles]
        if "group" in with_:
            found["groups"] = [
                group for group in GROUPS if group["id"] == row["rights"]["group_id"]
            ]
        return found


class Roles(Table):
    """Roles; `with=users` adds their users."""

    users: Table

    @override
    def embedded(self, row: Row, with_: frozenset[str], base: str) -> Row | None:
        if "users" not in with_:
            return None
        users = self.users.store.rows.values()
        return {"users": [user["id"] for user in users if user["rights"]["role_id"] == row["id"]]}


def tables(context: Context) -> dict[str, Table]:
    """Return the tables by path."""
    users = Users(context, USER, "users", RowFactory(make=_user, fill=_users, first_id=12_000_001))
    roles = Roles(context, ROLE, "roles", RowFactory(make=_role, fill=_roles, first_id=4001))
    users.roles, roles.users = roles, users
    return {"users": users, "roles": roles}


def _letters(letter: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, letter)


def _rights(letter: str, status_rights: list[Row] | None) -> Row:
    every = ("view", "edit", "add", "delete", "export")
    return {
        "leads": _letters(letter, *every),
        "contacts": _letters(letter, *every),
        "companies": _letters(letter, *every) if letter == "A" else [],
        "tasks": _letters(letter, "edit", "delete"),
        "mail_access": letter == "A",
        "catalog_access": letter == "A",
        "status_rights": status_rights,
    }


def _stage_rights() -> list[Row]:
    pipeline_id, stages = next(iter(PIPELINES.items()))
    rights = _letters("D", "view", "edit", "delete")
    return [
        {
            "entity_type": "leads",
            "pipeline_id": pipeline_id,
            "status_id": stages[1],
            "rights": rights,
        }
    ]


def _user(number: int, row_id: int, _at: int) -> Row:
    return {
        "id": row_id,
        "name": f"User {number}",
        "email": f"user{row_id}@example.com",
        "lang": "en",
        "rights": _rights("M", [])
        | {
            "is_admin": False,
            "is_free": False,
            "is_active": True,
            "group_id": None,
            "role_id": 3141,
        },
        "uuid": f"{row_id:08x}-0000-4000-8000-000000000000",
        "amojo_id": f"{row_id:08x}-0000-4000-9000-000000000000",
        "user_rank": "newbie",
        "phone_number": None,
    }


def _users() -> Iterator[Row]:
    for number, (row_id, (name, role, active, admin)) in enumerate(
        zip(USERS[: len(_PEOPLE)], _PEOPLE, strict=True)
    ):
        status_rights = (None, _stage_rights(), [], None)[number]
        state: dict[str, Any] = {
            "is_admin": admin,
            "is_free": not active,
            "is_active": active,
            "group_id": 548770 if number == 1 else None,
            "role_id": role,
        }
        rights = _rights("A" if admin else "M", status_rights) | state
        phone = "+15550100" if number == 0 else None
        yield {**_user(number, row_id, 0), "name": name, "rights": rights, "phone_number": phone}


def _role(number: int, row_id: int, _at: int) -> Row:
    return {"id": row_id, "name": f"Role {number}", "rights": _rights("M", [])}


def _roles() -> Iterator[Row]:
    for number, (row_id, name) in enumerate(_ROLES):
        yield {**_role(number, row_id, 0), "name": name}
