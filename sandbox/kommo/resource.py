"""Descriptions of Kommo's lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from sandbox.core.store import Collection, Lead
    from sandbox.kommo.query import Reader, Test

MAX_LIMIT = 250


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A type of list, as Kommo documents it."""

    key: str
    """Its key in `_embedded`."""
    orders: tuple[str, ...] = ()
    """The fields that `order[...]` supports; others are ignored."""
    filters: Mapping[str, Reader] = field(default_factory=dict)
    """The supported filters; others are ignored."""
    order: str = "id"
    """The default sort field."""
    descending: bool = False
    """The default sort direction."""
    totals: bool = False
    """Responses include the number of rows and pages."""
    paged: bool = True
    """The list has pages. Otherwise every response has all rows."""
    search: Callable[[str], Test] | None = None
    """Returns the test for `query`, if it is supported."""
    noted: bool = False
    """The `self` links of rows repeat `page` and `limit`."""
    admin: bool = False
    """Only administrators may read the list."""
    linked: bool = True
    """Rows have a `self` link."""
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The fields that rows have only with a value of `with`, by that value."""
    recycles: bool = False
    """Deleted rows are listed by `with=only_deleted`."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The rows that a request asks for, and how they are encoded."""

    resource: Resource
    store: Collection
    encode: Callable[[Lead, frozenset[str], str], tuple[bytes, bytes]]
    """Encodes a row as JSON, split where the query of its `self` link goes."""
    kind: tuple[Hashable, ...] = ()
    """The values that the encoding depends on, besides the row and `with`."""
    scopes: tuple[tuple[Hashable, Test], ...] = ()
    """Tests that every row passes, each with a key that identifies it."""
    filtered: bool = True
    """Filters apply."""
    shuffled: bool | None = None
    """Shuffle rows with equal sort keys. Default: if the option `ties` says so and the request
    names a sort order."""
    max_limit: int = MAX_LIMIT
