"""Parses the query string of a Kommo list: PHP brackets, integers and filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.core.store import Lead
    from sandbox.kommo.options import KommoOptions

_INTEGER = re.compile(r"-?\d{1,18}")
_MOST = 10
"""The maximum number of values in some filters of events."""
Test = Callable[["Lead"], bool]
Reader = Callable[["Filters", str, object, "KommoOptions"], None]
"""Parses one filter and adds its conditions to `Filters`."""


class InvalidParameterError(ValueError):
    """Raised for a parameter that cannot be parsed."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail


@dataclass
class Filters:
    """The conditions that the rows of a list meet."""

    ranges: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """Inclusive bounds by field."""
    tests: list[Test] = field(default_factory=list)


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Parse `a[b][]=1` as PHP does; a list becomes a dict by index."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, tail = name.partition("[")
        keys = [head, *re.findall(r"\[([^\]]*)\]", bracket + tail)]
        node = root
        for key in keys[:-1]:
            inner = node.setdefault(key or str(len(node)), {})
            if not isinstance(inner, dict):
                inner = node[key] = {}
            node = inner
        node[keys[-1] or str(len(node))] = value
    return root


def integer(value: object, path: str) -> int:
    """Return the value as an integer.

    Raises:
        InvalidParameterError: It is not an integer.
    """
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise InvalidParameterError(path, "This value should be of type int.")


def read_filters(filters: object, readers: Mapping[str, Reader], options: KommoOptions) -> Filters:
    """Parse the filters of a list. Unknown filters are ignored, as by Kommo."""
    read = Filters()
    if isinstance(filters, dict):
        for name, value in filters.items():
            if name in readers:
                readers[name](read, name, value, options)
    return read


def searching(query: str) -> Test:
    """Return the test for `query`: the text occurs in a field."""
    words = query.casefold()

    def test(lead: Lead) -> bool:
        filled = [lead["name"], lead["price"], lead["id"]]
        for custom in lead["custom_fields_values"] or ():
            filled += [value["value"] for value in custom["values"] or () if "value" in value]
        return any(words in str(text).casefold() for text in filled)

    return test


def _bounds(value: dict[str, Any], path: str, options: KommoOptions) -> tuple[int | None, ...]:
    above = 1 if options.strict_bounds == "exclusive" else 0
    below = 0 if options.strict_bounds == "inclusive" else 1
    low = integer(value["from"], f"{path}.from") + above if "from" in value else None
    high = integer(value["to"], f"{path}.to") - below if "to" in value else None
    return low, high


def span(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    """Parse a range with `[from]` and `[to]`. A bare time matches nothing."""
    if not isinstance(value, dict):
        read.tests.append(lambda _lead: False)
        return
    low, high = _bounds(value, f"filter.{name}", options)
    if low is not None or high is not None:
        read.ranges[name] = (low, high)


def since(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    """Parse a range as `[from]` and `[to]`, as a bare `from`, or as `from,to`."""
    if isinstance(value, str):
        low, _, high = value.partition(",")
        value = {"from": low, "to": high} if high else {"from": low}
    span(read, name, value, options)


def members(read: Filters, name: str, value: object, _options: KommoOptions) -> None:
    """Parse a list of integers. Without `[]` the filter is ignored."""
    if isinstance(value, dict):
        wanted = {integer(item, f"filter.{name}") for item in value.values()}
        read.tests.append(lambda row: row[name] in wanted)


def words(read: Filters, name: str, value: object, _options: KommoOptions) -> None:
    """Parse a list of strings. Without `[]` the filter is ignored."""
    if isinstance(value, dict):
        wanted = set(value.values())
        read.tests.append(lambda row: row[name] in wanted)


def either(read: Filters, name: str, value: object, _options: KommoOptions) -> None:
    """Parse one value, a comma-separated list or an array."""
    wanted = several(value)
    if wanted:
        read.tests.append(lambda row: str(row[name]) in wanted)


def few(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    """Parse the same as `either`, with at most ten values."""
    if len(several(value)) > _MOST:
        raise InvalidParameterError(f"filter.{name}", f"This value should have {_MOST} at most.")
    either(read, name, value, options)


def flag(read: Filters, name: str, value: object, _options: KommoOptions) -> None:
    """Parse `1` or `0`."""
    wanted = value in {"1", "true"}
    read.tests.append(lambda row: row[name] is wanted)


def of(field_name: str, reader: Reader) -> Reader:
    """Return a filter whose name differs from the name of its field."""

    def read_it(read: Filters, _name: str, value: object, options: KommoOptions) -> None:
        reader(read, field_name, value, options)

    return read_it


def several(value: object) -> set[str]:
    """Return the values of a filter, written as one value, with commas or as an array."""
    if isinstance(value, dict):
        return {str(item) for item in value.values()}
    return {item for item in str(value).replace(" ", "").split(",") if item}


def _price(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    if isinstance(value, dict):
        low, high = _bounds(value, f"filter.{name}", options)
        read.ranges[name] = (low, high)
    else:
        exact = integer(value, f"filter.{name}")
        read.ranges[name] = (exact, exact)


def stages_of(value: object, path: str, *, first: bool) -> set[tuple[int, int]]:
    """Return the pairs of pipeline and stage in a filter: all of them, or only the first."""
    stages = set()
    for index, stage in value.items() if isinstance(value, dict) else ():
        if index != "0" and first:
            continue
        if isinstance(stage, dict) and {"pipeline_id", "status_id"} <= stage.keys():
            where = f"{path}.{index}"
            stages.add((integer(stage["pipeline_id"], where), integer(stage["status_id"], where)))
    return stages


def _statuses(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    stages = stages_of(value, f"filter.{name}", first=options.statuses_filter == "first")
    if stages:
        read.tests.append(lambda lead: (lead["pipeline_id"], lead["status_id"]) in stages)


def _custom_fields(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    if not isinstance(value, dict) or not options.custom_fields_filter:
        return
    for field_id, wanted in value.items():
        if not isinstance(wanted, dict):
            continue
        number = integer(field_id, f"filter.{name}")
        low, high = wanted.get("from"), wanted.get("to")
        exact = {item for key, item in wanted.items() if key not in {"from", "to"}}
        read.tests.append(lambda lead, a=(number, low, high, exact): _has_value(lead, *a))  # type: ignore[misc]


def _has_value(
    lead: Lead, field_id: int, low: str | None, high: str | None, exact: set[str]
) -> bool:
    for custom in lead["custom_fields_values"] or ():
        if custom["field_id"] == field_id:
            for value in custom["values"]:
                text = str(value.get("value"))
                if exact and text in exact:
                    return True
                if not exact and _number(low, text) <= _number(text, text) <= _number(high, text):
                    return True
    return False


def _number(text: str | None, default: str) -> float:
    try:
        return float(default if text is None else text)
    except ValueError:
        return float("nan")


def within(lead: Lead, ranges: dict[str, tuple[int | None, int | None]]) -> bool:
    """Return True if the row is within every range. A time of 0 is no time."""
    for name, (low, high) in ranges.items():
        value = lead[name]
        if value is None or (name.endswith("_at") and value <= 0):
            return False
        if (low is not None and value < low) or (high is not None and value > high):
            return False
    return True


LEAD_FILTERS: Mapping[str, Reader] = {
    "id": members,
    "name": words,
    "price": _price,
    "statuses": _statuses,
    "pipeline_id": members,
    "created_by": members,
    "updated_by": members,
    "responsible_user_id": members,
    "created_at": span,
    "updated_at": span,
    "closed_at": span,
    "closest_task_at": span,
    "custom_fields_values": _custom_fields,
}
