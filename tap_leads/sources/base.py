"""Declarations of a lead system: its settings, its streams, and its API.

A source consists of data and pure functions. It sends no requests and does not depend on Singer;
`collection.py` sends the requests that it describes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from tap_leads.errors import Code, LeadsError
from tap_leads.replication.full_table import FullTable
from tap_leads.replication.model import Bounds, Record
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.sources.shared import SharedData

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_leads.records.columns import Column
    from tap_leads.replication.model import Paginator, Query, Strategy, Traits
    from tap_leads.rest.auth.token import Auth
    from tap_leads.rest.client import AccountClient, Observer, Request, Wording
    from tap_leads.rest.clock import Clock
    from tap_leads.settings.model import SourceSettings
    from tap_leads.timestamps import Micros

T = TypeVar("T")

Settings: TypeAlias = Mapping[str, Any]
"""The settings of one account, with the defaults filled in."""


class StatusInBodyError(Exception):
    """A response with status 200 whose body reports another status (apis/dashly.md 16)."""

    def __init__(self, status: int) -> None:
        """Keep the status that the body reports."""
        super().__init__(status)
        self.status = status


class RecordError(LeadsError):
    """Raised if a record cannot be read; the message names a field, never a value."""

    advice = "Contact the vendor's support"
    code = Code.INVALID_RECORD


class FieldError(ValueError):
    """Raised if a required field of a record is missing or has an unexpected type."""

    def __init__(self, field: str) -> None:
        """Keep the API's name of the field."""
        super().__init__(field)
        self.field = field


def expect(record: Any, field: str, kind: type[T]) -> T:
    """Return a field of a record.

    Raises:
        FieldError: The field is missing, or its type is not `kind`.
    """
    value = record.get(field) if isinstance(record, dict) else None
    if not isinstance(value, kind):
        raise FieldError(field)
    return value


def record_error(error: Exception) -> RecordError:
    """Return the error for a record that cannot be read; it names the field if that is known."""
    if isinstance(error, FieldError):
        return RecordError(f"the API returned a record with a missing or invalid `{error.field}`")
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return RecordError(f"the API returned a record without `{error.args[0]}`")
    return RecordError(
        f"the API returned a record in an unexpected format ({type(error).__name__})"
    )


class RawPage(NamedTuple):
    """The records of one response, and what it reports about the records that follow.

    `total` is the size of the result set if the API returns it; `next` is the link or token of the
    next page if the API has one.
    """

    records: Sequence[Record]
    has_more: bool
    total: int | None = None
    next: str | None = None


class Api(Protocol):
    """Translates queries to requests and responses to pages for one account, without any I/O."""

    base_url: str
    """The URL that the path of a stream is appended to; requests never leave its origin."""

    def request(self, stream: StreamSpec, query: Query, at: Any, now: Micros) -> Request:
        """Return the request for the page at `at`, a position of the stream's paginator.

        `now` is the server's clock, for bounds that count back from it (apis/dashly.md 3).
        """

    def page(self, stream: StreamSpec, body: Any, at: Any) -> RawPage:
        """Return the page in a decoded body.

        Raises:
            StatusInBodyError: The body reports an error status.
            KeyError, TypeError, ...: The body is not a page.
        """

    def error_codes(self, body: Any) -> Iterable[object]:
        """Yield the codes and request IDs of an error body, which are safe to log; never texts."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its label in the `account` column, its settings, and its API and client."""

    label: str
    settings: Mapping[str, Any]
    api: Api
    client: AccountClient
    endpoint: StreamSpec | None = None
    """The stream at the account's own endpoint; if it returns 404, the account does not exist."""
    shared: SharedData = field(default_factory=SharedData)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A replication key: its column, and how to parse its values.

    Attributes:
        column: The name of the column.
        parse: Returns the time of a value in microseconds; None if the value is not a time.
        field: The API's name of it, to filter and sort by; empty if it is the column's name.
        read: Replaces `parse` if the value is not a field of the record itself, or depends on the
            account's settings.
    """

    column: str
    parse: Callable[[Any], Micros | None]
    field: str = ""
    read: Callable[[Record, Settings], Micros | None] | None = None

    def __post_init__(self) -> None:
        """Set `field` if it is empty."""
        object.__setattr__(self, "field", self.field or self.column)


def no_bounds(settings: Settings) -> Bounds:  # noqa: ARG001
    """Return bounds that exclude no row."""
    return Bounds()


def as_is(record: Record, account: Account) -> Mapping[str, Any]:  # noqa: ARG001
    """Return the record itself: its fields have the names of the columns."""
    return record


def spread(name: str, value: Any) -> dict[str, Any]:
    """Return the fields of an object as `name.field`; other values as `name`.

    An empty list counts as an empty object (apis/kommo.md 41).
    """
    if isinstance(value, dict):
        return {f"{name}.{field}": part for field, part in value.items()}
    return {name: value} if value else {}


def always(record: Record, settings: Settings) -> bool:  # noqa: ARG001
    """Return True: the stream has no user filters to check."""
    return True


@dataclass(frozen=True, kw_only=True)
class StreamSpec:
    """The declaration of a stream.

    Attributes:
        path: The path of the list below the API's base URL.
        method: The HTTP method of its requests.
        columns: All columns except `account` and `extra`, which every stream has.
        primary_key: Columns that identify a row across all accounts.
        identity: Returns the value that identifies a record within its account.
        replication_key: The cursor of an incremental stream; None for a full-table stream.
        paginator: How the API paginates the list.
        traits: Facts about the list.
        strategy: How the list is read.
        params: Parameters of each request: a mapping, or a function of the account's settings
            and the deselected columns.
        decode: Decodes a body, if a general JSON decoder would lose digits of its numbers.
        records: Returns the records of a body, if it does not have the API's usual envelope.
        fields: Returns the fields of a record, keyed by the API's names of the columns.
        wanted: Returns True if a record matches the user's filters, which an API may ignore.
        bounds: Returns the bounds that the user's filters put on the replication key.
        stable_sort: A field to sort by that edits do not change, if there is one.
        optional: True if the other streams of the account are usable without the list. The stream
            is then skipped if the API does not have the list for the account; and if the list is
            small enough to prefetch, its requests are retried for a shorter time.
        forbidden_advice: What to do after a 403, if the general advice does not apply.
        forbidden_warning: A warning about other streams of the account, if the list is skipped
            because of a 403.
        selected_by_default: False for streams that few users need and that cost many requests.
        is_shared: True if other streams read the same responses, so that each is requested once.
        edited_at: The date of the last edit, if the list has no replication key. It shows which
            rows may have moved while the list was read.
        state: Values to keep in the stream's state.
        dynamic_columns: A regular expression for columns whose names are known only at run time.
    """

    name: str
    path: str
    columns: Sequence[Column]
    traits: Traits
    primary_key: tuple[str, ...] = ("account", "id")
    identity: Callable[[Record], Hashable] = itemgetter("id")
    replication_key: Cursor | None = None
    paginator: type[Paginator] = PageNumberPaginator
    strategy: Strategy = field(default_factory=FullTable)
    params: Mapping[str, Any] | Callable[[Settings, Collection[str]], Mapping[str, Any]] = field(
        default_factory=dict
    )
    decode: Callable[[bytes], Any] | None = None
    records: Callable[[Any], Sequence[Record]] | None = None
    fields: Callable[[Record, Account], Mapping[str, Any]] = as_is
    wanted: Callable[[Record, Settings], bool] = always
    bounds: Callable[[Settings], Bounds] = no_bounds
    stable_sort: str | None = None
    optional: bool = False
    forbidden_advice: str = ""
    forbidden_warning: str = ""
    selected_by_default: bool = True
    is_shared: bool = False
    edited_at: Cursor | None = None
    method: str = "GET"
    state: Mapping[str, Any] = field(default_factory=dict)
    dynamic_columns: str = ""

    @property
    def hashable_columns(self) -> list[str]:
        """Return the columns that can be hashed: all but the primary key and replication key."""
        cursor = self.replication_key.column if self.replication_key else None
        keys = {*self.primary_key, cursor}
        return [column.name for column in self.columns if column.name not in keys]


@dataclass(frozen=True, slots=True)
class Discovery:
    """Inputs for the discovery of columns that differ between accounts.

    `bookmarks` is the state of earlier runs by stream, `observer` returns the observer for the
    requests of a stream and account, and `warn` logs a warning with its code.
    """

    accounts: Sequence[Account]
    bookmarks: Mapping[str, Any]
    observer: Callable[[str, str], Observer]
    warn: Callable[[str, Code], None]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A lead system: its settings, its API, and its streams.

    Attributes:
        auth: Returns the authentication of an account, given its label, its settings and the clock.
        wording: The settings that error messages refer to.
        endpoint: The stream at an account's own endpoint, if there is one. A 404 there means that
            the account does not exist; without it, a 404 for the first request means that.
        discover: Returns the streams with the columns that differ between accounts, such as custom
            fields; it may send requests.
    """

    settings: SourceSettings
    api: Callable[[Settings], Api]
    streams: Sequence[StreamSpec]
    auth: Callable[[str, Settings, Clock], Auth]
    wording: Wording
    endpoint: StreamSpec | None = None
    discover: Callable[[Discovery, Sequence[StreamSpec]], Sequence[StreamSpec]] | None = None

    @property
    def name(self) -> str:
        """Return the name of the source's settings object."""
        return self.settings.name
