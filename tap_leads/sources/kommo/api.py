"""What all of Kommo's lists have in common: address, credential, parameters and envelope.

https://developers.kommo.com/docs/kommo-for-developers
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads import instants
from tap_leads.columns import INTEGER, TEXT, UNIX_TIME, Column, Nested
from tap_leads.errors import codes
from tap_leads.kinds import SnapshotStream, WindowStream
from tap_leads.leads import LeadsStream
from tap_leads.pagination import OVERLAP, Page, PageNumberPaginator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record
    from tap_leads.query import Query

ID = Column("id", INTEGER, "Id.")
NAME = Column("name", TEXT, "Name.")
SORT = Column("sort", INTEGER, "Place in the order that the account shows.")
ACCOUNT_ID = Column("account_id", INTEGER, "Id of the account.")
CREATED_BY = Column("created_by", INTEGER, "Id of the user who created it; 0 is a robot.")
UPDATED_BY = Column("updated_by", INTEGER, "Id of the user who changed it last; 0 is a robot.")
CREATED_AT = Column("created_at", UNIX_TIME, "When it was created.")
UPDATED_AT = Column("updated_at", UNIX_TIME, "When it was changed last.")
MADE = (CREATED_BY, UPDATED_BY, CREATED_AT, UPDATED_AT)
RESPONSIBLE = Column("responsible_user_id", INTEGER, "Id of the user who is responsible.")
GROUP = Column("group_id", INTEGER, "Id of that user's group; 0 is the default group.")
ANY = Nested({}, rest=TEXT)
"""A list of objects whose fields depend on their kind."""
ANY_OBJECT = Nested({}, many=False, rest=TEXT)


def objects(value: Any) -> list[Record]:
    """The objects of a list; none of what is no list, or in it no object."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def spread(name: str, value: Any) -> dict[str, Any]:
    """The fields of an object, by `name.field`; what is no object stays as it came."""
    if isinstance(value, dict):
        return {f"{name}.{field}": part for field, part in value.items()}
    return {name: value} if value else {}


class KommoStream(LeadsStream):
    """A list of Kommo, by `updated_at`, which has whole seconds."""

    source = "kommo"
    credential = "access_token` or `kommo.oauth"  # whichever is set
    address = "`kommo.subdomain`, `kommo.domain` and `kommo.api_url`"
    page_size = 250
    tick = instants.SECOND
    replication_key: str | None = "updated_at"
    skips = frozenset({HTTPStatus.NOT_FOUND})
    by: ClassVar[str | None] = "updated_at"
    """The field that can be filtered by, and that the replication key is read from."""
    still: ClassVar[str | None] = "id"
    """The field whose order holds still while a list is read by position, where there is one."""
    can_sort: ClassVar[bool] = True
    """Whether the list can be ordered by `by`."""
    adds: ClassVar[str | None] = None
    """What `with` is to add to each record."""

    @override
    def get_base(self, account: Account) -> str:
        return base_of(account.settings)

    @override
    def get_credentials(self, account: Account) -> dict[str, str]:
        return account.auth.headers() if account.auth else {}

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        page, limit = ask.page or (1, ask.limit)
        query = ask.query
        order = self.still if query.whole or query.unbounded else self.by
        params = {"with": self.adds, "page": page, "limit": limit}
        if order and (order == self.still or self.can_sort):
            params[f"order[{order}]"] = "desc" if query.newest else "asc"
        if query.low is not None:
            params[f"filter[{self.by}][from]"] = max(query.low // instants.SECOND, 0)
        if query.high is not None:
            params[f"filter[{self.by}][to]"] = query.high // instants.SECOND
        for part in query.parts:
            params |= part
        return params

    @override
    def read_page(self, body: Any, ask: Ask) -> Page:
        following = body.get("_links", {}).get("next")
        url = following["href"] if following else None
        name = (ask.query.path or self.path).rpartition("/")[2]
        return Page(
            body["_embedded"][name],
            more=url is not None,
            total=body.get("_total_items"),
            next_url=url,
        )

    @override
    def read_codes(self, body: Any) -> str:
        errors = [e for each in body.get("validation-errors", []) for e in each["errors"]]
        return codes(*(value for e in errors for value in (e["code"], e["path"])))

    @override
    def read_key(self, account: Account, record: Record) -> int | None:
        return instants.of_seconds(record.get(self.by)) if self.by else None

    @override
    def get_positions(self, query: Query) -> PageNumberPaginator:
        return PageNumberPaginator(self.page_size, overlap=OVERLAP)

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = {**record}
        fields.pop("_links", None)
        return fields | spread("_embedded", fields.pop("_embedded", None))


class KommoSnapshot(SnapshotStream, KommoStream):
    """A list of Kommo that is read whole in each run."""

    replication_key: str | None = None
    by: ClassVar[str | None] = None
    still: ClassVar[str | None] = None
    tick = instants.SECOND


class KommoWindows(WindowStream, KommoStream):
    """A list of Kommo that cannot be ordered by the field that it can be filtered by."""

    can_sort = False


def base_of(settings: Mapping[str, Any]) -> str:
    """The address of the API; the path of the API is added where `api_url` does not have it."""
    default = f"https://{settings.get('subdomain')}.{settings['domain']}"
    url = str(settings.get("api_url", default)).rstrip("/")
    return url if url.endswith("/api/v4") else f"{url}/api/v4"
