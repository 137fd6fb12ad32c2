"""What a lead system declares: its settings, its streams, and how to speak to its API.

A source is data and pure functions. It sends nothing itself and knows nothing of Singer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from tap_leads.errors import LeadsError
from tap_leads.replication.full_table import FullTable
from tap_leads.replication.model import Bounds, Record
from tap_leads.replication.pagination import PageNumberPaginator

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_leads.records.columns import Column
    from tap_leads.replication.model import Paginator, Query, Strategy, Traits
    from tap_leads.rest.auth.token import Auth
    from tap_leads.rest.client import AccountClient, Observer, Request, Wording
    from tap_leads.settings.model import SourceSettings
    from tap_leads.timestamps import Micros

T = TypeVar("T")

Settings: TypeAlias = Mapping[str, Any]
"""The settings of one account, with the defaults filled in."""


class StatusInBodyError(Exception):
    """An answer of status 200 whose body reports another status."""

    def __init__(self, status: int) -> None:
        """Keep the status that the body reports."""
        super().__init__(status)
        self.status = status


class RecordError(LeadsError):
    """A record that cannot be read; the message names a field, never a value."""


class FieldError(ValueError):
    """A field that does not have the form that its record cannot be read without."""

    def __init__(self, field: str) -> None:
        """Keep the API's name of the field."""
        super().__init__(field)
        self.field = field


def expect(record: Any, field: str, kind: type[T]) -> T:
    """Return a field of a record.

    Raises:
        FieldError: it is missing, or of another type than `kind`.
    """
    value = record.get(field) if isinstance(record, dict) else None
    if not isinstance(value, kind):
        raise FieldError(field)
    return value


def odd_record(error: Exception) -> RecordError:
    """Return the failure to read a record, with the field at fault if it is known."""
    if isinstance(error, FieldError):
        return RecordError(f"the API returned a record without a usable `{error.field}`")
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return RecordError(f"the API returned a record without `{error.args[0]}`")
    return RecordError(f"the API returned a record of an unexpected form ({type(error).__name__})")


class RawPage(NamedTuple):
    """The records of one answer, and what the API says about those after them.

    `total` counts the whole result set where the API declares it; `next` is the link or token of
    the following page where the API pages by one.
    """

    records: Sequence[Record]
    has_more: bool
    total: int | None = None
    next: str | None = None


class Api(Protocol):
    """Translates for one account of a source: requests out, pages in. Pure."""

    base_url: str
    """The URL that the path of a stream is appended to; requests never leave its origin."""

    def request(self, stream: StreamSpec, query: Query, at: Any, now: Micros) -> Request:
        """Return the request for the page at `at`, a position of the stream's paginator.

        `now` is the server's clock, for bounds that count back from it.
        """

    def page(self, stream: StreamSpec, body: Any, at: Any) -> RawPage:
        """Return the page in a decoded body.

        Raises:
            StatusInBodyError: the body reports a failure of its own.
            KeyError, TypeError, ...: the body is not a page.
        """

    def error_codes(self, body: Any) -> Iterable[object]:
        """Yield what an error body may add to a log line: codes and request IDs, never texts."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its label in the `account` column, its settings, and what its lists share."""

    label: str
    settings: Mapping[str, Any]
    api: Api
    client: AccountClient


@dataclass(frozen=True, slots=True)
class Cursor:
    """A replication key: its column, and how it is read from a record.

    `field` is the API's name for it, to filter and sort by.
    """

    column: str
    read: Callable[[Record, Settings], Micros | None]
    field: str = ""


def all_rows(settings: Settings) -> Bounds:  # noqa: ARG001
    """Return bounds that leave nothing out."""
    return Bounds()


def as_is(record: Record, account: Account) -> Mapping[str, Any]:  # noqa: ARG001
    """Return the record itself: its fields are columns by name."""
    return record


def always(record: Record, settings: Settings) -> bool:  # noqa: ARG001
    """Return True: no filter of the user's has to be checked here."""
    return True


@dataclass(frozen=True, kw_only=True)
class StreamSpec:
    """A stream, declared.

    Attributes:
        path: Path of the list below the API's base URL.
        columns: Every column but `account` and `extra`, which all streams have.
        primary_key: Columns that identify a row over all accounts.
        identity: What tells a record from all others of its account.
        replication_key: The cursor of an incremental stream; None: full table.
        paginator: How the API pages.
        traits: Facts about the list.
        strategy: How the list is read.
        params: Parameters of each request: a mapping, or a function of the account's settings
            and the deselected columns.
        records: Takes the records out of a body that lacks the API's usual envelope.
        fields: Turns a record into its fields by the API's names of the columns.
        wanted: True for a record that matches the user's filters, which an API may ignore.
        bounds: The user's own bounds of the replication key.
        stable_sort: The field to sort by where an order must survive edits, if there is one.
        absent: HTTP statuses which say that an account has no such list: no failure.
        selected_by_default: False for streams that few need and that cost many requests.
        state: Values to keep in the stream's state.
        dynamic_columns: A regular expression for columns that are known only at run time.
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
    records: Callable[[Any], Sequence[Record]] | None = None
    fields: Callable[[Record, Account], Mapping[str, Any]] = as_is
    wanted: Callable[[Record, Settings], bool] = always
    bounds: Callable[[Settings], Bounds] = all_rows
    stable_sort: str | None = None
    absent: frozenset[int] = frozenset()
    selected_by_default: bool = True
    state: Mapping[str, Any] = field(default_factory=dict)
    dynamic_columns: str = ""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a source needs to look for streams and columns that only an account knows.

    `bookmarks` is the state of earlier runs by stream; `observer` receives what the requests of
    a stream and account do, and `warn` logs a line.
    """

    accounts: Sequence[Account]
    bookmarks: Mapping[str, Any]
    observer: Callable[[str, str], Observer]
    warn: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A lead system: its settings, its API, and its streams.

    Attributes:
        auth: Returns how an account authenticates, from its label and settings.
        wording: The settings that error messages point to.
        discover: Returns the streams with what only an account knows, such as custom fields; it
            may send requests.
    """

    settings: SourceSettings
    api: Callable[[Settings], Api]
    streams: Sequence[StreamSpec]
    auth: Callable[[str, Settings], Auth]
    wording: Wording
    discover: Callable[[Discovery, Sequence[StreamSpec]], Sequence[StreamSpec]] | None = None

    @property
    def name(self) -> str:
        """Return the name of the source's settings object."""
        return self.settings.name
