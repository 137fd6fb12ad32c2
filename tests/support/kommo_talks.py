"""Kommo's conversations and messages in the sandbox, and what a run asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo
    from sandbox.kommo.talks import Messages, Talks

MESSAGES = "kommo_messages"


def talks_of(kommo: Kommo) -> Talks:
    """Return the table of conversations."""
    return cast("Talks", kommo.tables["talks"])


def messages_of(kommo: Kommo) -> Messages:
    """Return the table of messages."""
    return cast("Messages", kommo.tables["messages"])


def all_messages(kommo: Kommo) -> set[str]:
    """Return the IDs of all messages."""
    return set(messages_of(kommo).rows)


def some_talks(kommo: Kommo, count: int) -> list[int]:
    """Return the IDs of the oldest conversations."""
    return sorted(talks_of(kommo).rows)[:count]


def talks_read(kommo: Kommo, since: int = 0) -> list[int]:
    """Return the conversations whose messages were requested, in order, each once."""
    paths = [request.path.split("/") for request in kommo.journal[since:]]
    return list(dict.fromkeys(int(path[-2]) for path in paths if path[-1] == "messages"))
