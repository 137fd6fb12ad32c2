"""The conversations of the sandbox, and how they move."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from sandbox import Api
    from sandbox.dashly.api import Dashly


def everyone(api: Dashly) -> set[str]:
    return {str(row) for row in api.conversations.rows}


def all_parts(api: Dashly) -> set[str]:
    return {str(part["id"]) for parts in api.conversations.parts.values() for part in parts}


def moving(api: Dashly) -> None:
    """Change conversations after each request, also those that are not read yet."""
    rows = sorted(api.conversations.rows)

    def change(_: Api, rng: random.Random) -> None:
        api.conversations.edit(rng.sample(rows, 5))

    api.after_request = change
