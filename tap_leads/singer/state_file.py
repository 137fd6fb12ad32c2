"""The forms in which a state is kept: the value of a STATE message, the message, or in Meltano."""

from __future__ import annotations

from typing import Any, TypeAlias

from tap_leads.settings.load import merge

State: TypeAlias = dict[str, Any]

EXPECTED = 'expected the value of a STATE message, such as {"bookmarks": {...}}'


def unwrap(content: State) -> State | None:
    """Return the state in the content of a state file; None if there is none.

    Meltano keeps the state of the last complete run, and apart from it what later runs reached
    that did not complete.
    """
    if content.get("type") == "STATE":
        return _unwrap_value(content.get("value"))
    if "completed" in content or "partial" in content:
        parts = [_unwrap_value(content.get(name) or {}) for name in ("completed", "partial")]
        completed, partial = parts
        return None if completed is None or partial is None else merge(completed, partial)
    return _unwrap_value(content)


def _unwrap_value(value: Any) -> State | None:
    if isinstance(value, dict) and "singer_state" in value:
        value = value["singer_state"]
    is_state = isinstance(value, dict) and (not value or _has_bookmarks(value))
    return value if is_state else None


def _has_bookmarks(state: State) -> bool:
    bookmarks = state.get("bookmarks")
    return isinstance(bookmarks, dict) and all(map(_is_bookmark, bookmarks.values()))


def _is_bookmark(value: Any) -> bool:
    """True if the state of a stream has the form that the SDK writes."""
    if not isinstance(value, dict) or not isinstance(value.get("partitions", []), list):
        return False
    states = [value, *value.get("partitions", [])]
    contexts = [state.get("context") for state in states[1:] if isinstance(state, dict)]
    return (
        len(contexts) == len(states) - 1
        and all(isinstance(context, dict) for context in contexts)
        and all(contexts.count(context) == 1 for context in contexts)
        and all(isinstance(state.get("progress_markers", {}), dict) for state in states)
    )
