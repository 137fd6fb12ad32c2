"""Conversations with their parts, and channels: https://developers.dashly.io/webapi/endpoints."""
# ruff: noqa: PLR2004 - shares of generated data

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from sandbox.core.rows import Rows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.core.clock import Clock
    from sandbox.core.store import Key, Lead

ADMINS = tuple(
    {"id": 24601 + number, "name": name, "avatar": f"https://files.dashly.app/{number}.png",
     "type": "admin"}
    for number, name in enumerate(("Maks", "Alex", "Ольга"))
)  # fmt: skip
CHANNELS = tuple(
    {"id": 310 + number, "name": name, "type": type_, "avatar": None, "not_assigned_count": number,
     "not_read_count": 2 * number, "operators": [24601]}
    for number, (name, type_) in enumerate(zip(("Site", "Mail"), ("chat", "email"), strict=True))
)  # fmt: skip
_TYPES = ("popup_chat", "email", "popup_small", "popup_big")
_TEXTS = ("Hello!", "When will my order arrive?", "Позвоните мне 🙏", "Thank you", "We will check.")


class Conversations(Rows):
    """The conversations of an app, by ID.

    `last_update` is in whole microseconds, as text with seven decimals on the wire: no number type
    of a client keeps that text. `insert` and `edit` add a part, unless `touch` is false.

    Args:
        clock: Gives the time of each change.
        lock: Held during each change.
        seed: Chooses the values.
        leads: Returns the leads, some of whom have conversations.
        visible_at: Returns when lists show a change made now; `None` is at once.
    """

    def __init__(
        self,
        clock: Clock,
        lock: threading.RLock,
        seed: int,
        leads: Callable[[], Mapping[Any, Lead]],
        visible_at: Callable[[], float | None],
    ) -> None:
        super().__init__(clock, lock, random.Random(f"{seed} conversations"), _key)
        self._leads = leads
        self._shown_at = visible_at
        self.parts: dict[int, list[Lead]] = {}
        """The parts of each conversation, oldest first."""
        self._last_id = 1_160_406_004_324_630_000
        self._last_part = 9_007_199_254_740_992

    @override
    def _seed(self) -> Iterable[tuple[Any, Lead]]:
        leads = sorted(self._leads().values(), key=lambda lead: str(lead["id"]))
        now = self.clock.now()
        for lead in leads[::3]:
            at = now - 60 * 86_400 * self.rng.random() - 3600
            yield self._create(at, {"user": lead})

    @override
    def _create(self, at: float, fields: dict[str, Any]) -> tuple[Any, Lead]:
        self._last_id += 1 + self.rng.randrange(99)
        number = self._last_id
        user = fields.pop("user", None) or {"id": 15131846, "props": {"$name": "Maksim"}}
        row = {
            "id": number,
            "created": int(at),
            "last_update": int(at * 1_000_000),
            "user": user["id"],
            "read": self.rng.random() < 0.5,
            "replied": self.rng.random() < 0.5,
            "clicked": False,
            "unsubscribed": False,
            "closed": self.rng.random() < 0.3,
            "message": None,
            "type": self.rng.choice(_TYPES),
            "reply_type": "text",
            "assignee": self.rng.choice((None, *ADMINS)),
            "last_admin": self.rng.choice((None, *ADMINS)),
            "channel": self.rng.choice(CHANNELS)["id"],
            "tags": self.rng.sample(("vip", "spam", "заказ"), self.rng.randrange(3)),
            **fields,
        }
        self.parts[number] = []
        for _ in range(self.rng.randrange(1, 5)):
            self._add_part(row, at)
        return number, row

    @override
    def _changed(self, row: Lead, at: float | None, fields: dict[str, Any]) -> Lead:
        row = {**row, **fields}
        if at is not None:
            row["last_update"] = fields.get("last_update", int(at * 1_000_000))
            self._add_part(row, at)
        return row

    @override
    def _visible_at(self) -> float | None:
        return self._shown_at()

    def _add_part(self, row: Lead, at: float) -> None:
        self._last_part += 1 + self.rng.randrange(9)
        by_user = self.rng.random() < 0.5
        self.parts[row["id"]].append(
            {
                "id": self._last_part,
                "created": int(at),
                "conversation": row["id"],
                "body": self.rng.choice(_TEXTS),
                "read": self.rng.random() < 0.5,
                "type": "reply_user" if by_user else "reply_admin",
                "sent_via": "web_user" if by_user else "web_panel",
                "from": row["user"] if by_user else self.rng.choice(ADMINS),
                "attachments": [],
            }
        )

    def wire(self, row: Lead, user: Lead | None, *, as_string: bool) -> Lead:
        """Return a conversation as the API returns it."""
        parts = self.parts[row["id"]]
        last = parts[-1] if parts else None
        shown = user or {"id": row["user"], "props": {}}
        fields = {
            **row,
            "last_update": exact(row["last_update"]),
            "user": {
                "id": shown["id"], "app": 1, "user_id": shown["props"].get("$user_id"),
                "presence": "offline", "props": shown["props"],
            },
            "parts_count": len(parts),
            "unread_parts_count": sum(not part["read"] for part in parts),
            "part_last": last,
            "reply_last": next((p for p in reversed(parts) if p["type"] != "note"), None),
            "important_part_last": last,
        }  # fmt: skip
        return texts(fields) if as_string else fields


def exact(micros: int | str) -> msgspec.Raw:
    """Return a moment in seconds with digits that no float keeps."""
    if isinstance(micros, str):
        return msgspec.Raw(micros.encode())
    return msgspec.Raw(f"{micros // 1_000_000}.{micros % 1_000_000:06d}0".encode())


def texts(value: Any) -> Any:
    """Return a value with its primary keys as text, but for those in properties."""
    if isinstance(value, list):
        return [texts(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: str(inner)
        if name in {"id", "conversation", "channel"} and isinstance(inner, int)
        else str(inner)
        if name in {"from", "user"} and isinstance(inner, int)
        else inner
        if name == "props"
        else texts(inner)
        for name, inner in value.items()
    }


def _key(_name: str) -> Key:
    def key(row: Lead) -> tuple[float, int]:
        return int(row["last_update"]), row["id"]

    return key
