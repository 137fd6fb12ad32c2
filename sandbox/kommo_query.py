"""Reading the query of a Kommo list: PHP brackets, and filters as Kommo takes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.options import KommoOptions
    from sandbox.store import Lead

TIMES = ("created_at", "updated_at", "closed_at", "closest_task_at")
_ARRAYS = ("id", "pipeline_id", "created_by", "updated_by", "responsible_user_id")
_INTEGER = re.compile(r"-?\d{1,18}")
Test = Callable[["Lead"], bool]


class InvalidParameterError(ValueError):
    """A parameter that cannot be read; its words are the path and the detail."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail


@dataclass
class Filters:
    """What a list is narrowed to."""

    ranges: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """Inclusive bounds by field."""
    tests: list[Test] = field(default_factory=list)


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][]=1` as PHP reads it; a list is a dict of its indexes."""
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
    """A whole number.

    Raises:
        InvalidParameterError: It is none.
    """
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise InvalidParameterError(path, "This value should be of type int.")


def read_filters(filters: object, options: KommoOptions) -> Filters:
    """The filters that have an effect; Kommo passes over what it does not know.

    A list filter without `[]` is passed over too, and a bare time matches nothing.
    """
    read = Filters()
    if not isinstance(filters, dict):
        return read
    for name, value in filters.items():
        if name in TIMES:
            _time(read, name, value, options)
        elif name in _ARRAYS and isinstance(value, dict):
            wanted = {integer(item, f"filter.{name}") for item in value.values()}
            read.tests.append(lambda lead, n=name, w=wanted: lead[n] in w)  # type: ignore[misc]
        elif name == "name" and isinstance(value, dict):
            names = set(value.values())
            read.tests.append(lambda lead, w=names: lead["name"] in w)  # type: ignore[misc]
        elif name == "price":
            _price(read, value, options)
        elif name == "statuses" and isinstance(value, dict):
            _statuses(read, value, options)
        elif name == "custom_fields_values" and options.custom_fields_filter:
            _custom_fields(read, value)
    return read


def searching(query: str) -> Test:
    """The test of `query`: it occurs in a filled field."""
    words = query.casefold()

    def test(lead: Lead) -> bool:
        filled = [lead["name"], lead["price"], lead["id"]]
        for custom in lead["custom_fields_values"] or ():
            filled += [value["value"] for value in custom["values"] if "value" in value]
        return any(words in str(text).casefold() for text in filled)

    return test


def _bounds(value: dict[str, Any], path: str, options: KommoOptions) -> tuple[int | None, ...]:
    above = 1 if options.strict_bounds == "exclusive" else 0
    below = 0 if options.strict_bounds == "inclusive" else 1
    low = integer(value["from"], f"{path}.from") + above if "from" in value else None
    high = integer(value["to"], f"{path}.to") - below if "to" in value else None
    return low, high


def _time(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    if not isinstance(value, dict):
        read.tests.append(lambda _lead: False)
        return
    low, high = _bounds(value, f"filter.{name}", options)
    if low is not None or high is not None:
        read.ranges[name] = (low, high)


def _price(read: Filters, value: object, options: KommoOptions) -> None:
    if isinstance(value, dict):
        low, high = _bounds(value, "filter.price", options)
        read.ranges["price"] = (low, high)
    else:
        exact = integer(value, "filter.price")
        read.ranges["price"] = (exact, exact)


def _statuses(read: Filters, value: dict[str, Any], options: KommoOptions) -> None:
    stages = set()
    for index, stage in value.items():
        if index != "0" and options.statuses_filter == "first":
            continue
        if isinstance(stage, dict) and {"pipeline_id", "status_id"} <= stage.keys():
            path = f"filter.statuses.{index}"
            stages.add((integer(stage["pipeline_id"], path), integer(stage["status_id"], path)))
    if stages:
        read.tests.append(lambda lead: (lead["pipeline_id"], lead["status_id"]) in stages)


def _custom_fields(read: Filters, value: object) -> None:
    if not isinstance(value, dict):
        return
    for field_id, wanted in value.items():
        if not isinstance(wanted, dict):
            continue
        number = integer(field_id, "filter.custom_fields_values")
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
    """Whether the lead is inside every range; a time of 0 means "not set"."""
    for name, (low, high) in ranges.items():
        value = lead[name]
        if value is None or (name in TIMES and value <= 0):
            return False
        if (low is not None and value < low) or (high is not None and value > high):
            return False
    return True
