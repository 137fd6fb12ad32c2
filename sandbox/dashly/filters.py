"""Parses the `filters` of Dashly's lead list: https://developers.dashly.io/filters."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.core.store import Lead

Test = Callable[[Any], bool]
_UNITS = {"minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
_LONGEST = 255


class InvalidFilterError(ValueError):
    """Raised for filters that cannot be parsed."""


@dataclass
class Filters:
    """Conditions on properties, combined with `and` or `or`."""

    every: bool = True
    tests: list[tuple[str, Test]] = field(default_factory=list)
    older_than: dict[str, datetime] = field(default_factory=dict)
    """Inclusive upper bounds by property; only for `and`."""
    younger_than: dict[str, datetime] = field(default_factory=dict)
    """Inclusive lower bounds by property; only for `and`."""
    relative: bool = False
    """The result depends on the time."""

    def hold(self, lead: Lead) -> bool:
        """Return True if the lead meets the conditions, except for the bounds."""
        props = lead["props"]
        results = (test(props.get(name)) for name, test in self.tests)
        return all(results) if self.every or not self.tests else any(results)


def read_filters(text: str, now: datetime, *, inclusive: bool) -> Filters:
    """Parse filters.

    Args:
        text: The JSON.
        now: The time that ages are relative to.
        inclusive: An age matches its exact time.

    Raises:
        InvalidFilterError: The text is not JSON, or not a documented filter.
    """
    try:
        content = json.loads(text)
    except ValueError:
        message = "filters: not a JSON object"
        raise InvalidFilterError(message) from None
    if not isinstance(content, dict) or content.get("type") not in {"and", "or"}:
        message = "filters: type must be 'and' or 'or'"
        raise InvalidFilterError(message)
    conditions = content.get("filters")
    if not isinstance(conditions, list):
        message = "filters: filters must be an array"
        raise InvalidFilterError(message)
    filters = Filters(every=content["type"] == "and")
    for condition in conditions:
        _read(filters, condition, now, inclusive=inclusive)
    return filters


def _read(filters: Filters, condition: object, now: datetime, *, inclusive: bool) -> None:
    if not isinstance(condition, dict):
        message = "filters: a condition must be an object"
        raise InvalidFilterError(message)
    name, kind = condition.get("property_name"), condition.get("type")
    if not isinstance(name, str) or not name:
        message = "filters: property_name is required"
        raise InvalidFilterError(message)
    if not isinstance(kind, str):
        message = "filters: type is required"
        raise InvalidFilterError(message)
    value = _object(condition.get("value", {}))
    plain, _, alternative = kind.partition("_or_")
    or_unknown = alternative == "unknown"
    if plain in {"daysmore", "daysless"} and alternative in {"", "unknown"}:
        bound = now - _age(value)
        filters.relative = True
        if plain == "daysmore":
            bound -= timedelta(0) if inclusive else timedelta(microseconds=1)
        else:
            bound += timedelta(0) if inclusive else timedelta(microseconds=1)
        side = filters.older_than if plain == "daysmore" else filters.younger_than
        if filters.every and not or_unknown and name not in side:
            side[name] = bound
            return
        test = _older(bound) if plain == "daysmore" else _younger(bound)
    elif plain in {"gt", "lt"} and alternative in {"", "unknown"}:
        test = _number_test(plain, value)
    elif kind in _OTHERS:
        test = _OTHERS[kind](value)
    else:
        message = f"filters: unknown type {kind!r}"
        raise InvalidFilterError(message)
    filters.tests.append((name, _or_unknown(test) if or_unknown else test))


def as_moment(value: object) -> datetime | None:
    """Return a date property as a `datetime`; `None` if it is not a date."""
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else None  # noqa: DTZ001 - property dates have no zone


def _object(value: object) -> dict[str, Any]:
    """Return the `value` of a condition, which some clients send as JSON in a string."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value else {}
        except ValueError:
            value = None
    if not isinstance(value, dict):
        message = "filters: value must be an object"
        raise InvalidFilterError(message)
    return value


def _number(value: dict[str, Any], key: str) -> float:
    number = value.get(key)
    if isinstance(number, str):
        try:
            number = float(number)
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        message = f"filters: {key} must be a number"
        raise InvalidFilterError(message)
    return number


def _age(value: dict[str, Any]) -> timedelta:
    count, unit = _number(value, "value"), value.get("unit", "days")
    if count != int(count):
        message = "filters: an age must be a whole number"
        raise InvalidFilterError(message)
    if unit not in _UNITS:
        message = f"filters: unknown unit {unit!r}"
        raise InvalidFilterError(message)
    try:
        return timedelta(seconds=int(count) * _UNITS[unit])
    except OverflowError:
        message = "filters: an age is out of range"
        raise InvalidFilterError(message) from None


def _text(value: dict[str, Any]) -> str:
    text = value.get("value")
    if not isinstance(text, str) or len(text) > _LONGEST:
        message = f"filters: value must be text of at most {_LONGEST} characters"
        raise InvalidFilterError(message)
    return text.casefold()


def _older(bound: datetime) -> Test:
    return lambda held: (at := as_moment(held)) is not None and at <= bound


def _younger(bound: datetime) -> Test:
    return lambda held: (at := as_moment(held)) is not None and at >= bound


def _or_unknown(test: Test) -> Test:
    return lambda held: held is None or test(held)


def _is_number(held: object) -> bool:
    return isinstance(held, int | float) and not isinstance(held, bool)


def _number_test(kind: str, value: dict[str, Any]) -> Test:
    bound = _number(value, "value")
    if kind == "gt":
        return lambda held: _is_number(held) and held > bound
    return lambda held: _is_number(held) and held < bound


def _range(value: dict[str, Any]) -> Test:
    low, high = _number(value, "value1"), _number(value, "value2")
    return lambda held: _is_number(held) and low <= held <= high


def _eq(value: dict[str, Any]) -> Test:
    number = _number(value, "value")
    return lambda held: _is_number(held) and held == number


def _str_eq(value: dict[str, Any]) -> Test:
    text = _text(value)
    return lambda held: isinstance(held, str) and held.casefold() == text


def _str_contains(value: dict[str, Any]) -> Test:
    text = _text(value)
    return lambda held: isinstance(held, str) and text in held.casefold()


def _lcontains(value: dict[str, Any]) -> Test:
    text = value.get("value")
    if not isinstance(text, str):
        message = "filters: value must be text"
        raise InvalidFilterError(message)
    return lambda held: isinstance(held, list) and text in held


def _not(make: Callable[[dict[str, Any]], Test]) -> Callable[[dict[str, Any]], Test]:
    def made(value: dict[str, Any]) -> Test:
        test = make(value)
        return lambda held: not test(held)

    return made


_OTHERS: dict[str, Callable[[dict[str, Any]], Test]] = {
    "known": lambda _: lambda held: held is not None,
    "unknown": lambda _: lambda held: held is None,
    "range": _range,
    "eq": _eq,
    "neq": _not(_eq),
    "str_eq": _str_eq,
    "str_neq": _not(_str_eq),
    "str_contains": _str_contains,
    "str_notcontains": _not(_str_contains),
    "bool_true": lambda _: lambda held: held is True,
    "bool_false": lambda _: lambda held: held is False,
    "lcontains": _lcontains,
}
