"""Actions of the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.core.faults import Faults
    from sandbox.core.rows import Rows

Content = dict[str, Any]
"""The JSON object in the body of a request to the control plane."""


class Action(NamedTuple):
    """An action: `POST /_control/{api}/{name}`."""

    help: str
    """The JSON object it takes, and what it does if the name does not say that."""
    run: Callable[[Content], object]
    """Performs the action; returns the answer, which is encoded as JSON."""


def chosen(content: Content) -> int | list[Any]:
    """Return the IDs or the number of rows that an action applies to."""
    if "ids" not in content:
        return int(content.get("count", 1))
    # An ID that is a pair of numbers, as those of Kommo's stages, is an array in JSON.
    return [tuple(each) if isinstance(each, list) else each for each in content["ids"]]


def change_actions(rows_of: Callable[[Content], Rows], note: str = "") -> dict[str, Action]:
    """Return the actions that insert, edit and delete.

    Args:
        rows_of: Returns the rows that an action applies to.
        note: Added to the help of each action.
    """

    def insert(content: Content) -> object:
        count, fields = content.get("count", 1), content.get("fields", {})
        return {"ids": rows_of(content).insert(count, at=content.get("at"), **fields)}

    def edit(content: Content) -> object:
        at, touch = content.get("at"), content.get("touch", True)
        fields = content.get("fields", {})
        return {"ids": rows_of(content).edit(chosen(content), at=at, touch=touch, **fields)}

    def delete(content: Content) -> object:
        return {"ids": rows_of(content).delete(chosen(content))}

    return {
        "insert": Action('{"count": 3, "at": 1760976072, "fields": {...}}' + note, insert),
        "edit": Action('{"count": 3} or {"ids": [...]}, with "at" and "fields"' + note, edit),
        "delete": Action('{"count": 3} or {"ids": [...]}' + note, delete),
    }


def plan(faults: Faults, content: Content) -> object:
    """Plan faults, or set the rate of random ones; return how many are planned."""
    if "rate" in content:
        faults.random(content["rate"], content.get("kinds", ("reset", 503, 429)))
    faults.plan(*content.get("plan", ()))
    return {"planned": faults.pending}
