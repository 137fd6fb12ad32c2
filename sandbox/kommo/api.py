"""Kommo's API v4: https://developers.kommo.com/reference."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sandbox.core.api import Api
from sandbox.core.store import Collection, Key, Lead, pick
from sandbox.core.wire import Reply, Request
from sandbox.kommo import control, lead_wire, reference, work
from sandbox.kommo import customers as kommo_customers
from sandbox.kommo import fields as kommo_fields
from sandbox.kommo import leads as kommo_leads
from sandbox.kommo import people as kommo_people
from sandbox.kommo import talks as kommo_talks
from sandbox.kommo import users as kommo_users
from sandbox.kommo.account import Account
from sandbox.kommo.events import ENTITIES, Happening, History, Stage
from sandbox.kommo.oauth import OAuth, first_token
from sandbox.kommo.options import KommoOptions
from sandbox.kommo.problems import problem
from sandbox.kommo.routes import Routes
from sandbox.kommo.table import Context, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.core.actions import Action
    from sandbox.core.api import World
    from sandbox.core.people import Arrival


class Kommo(Api):
    """Kommo: leads, the tables that they refer to, and the events of their changes.

    A deleted lead goes to the recycle bin, which `with=only_deleted` lists. `tables` has all rows
    that are not leads, by path; a table is generated on first use. Changing rows in place creates
    no events. Options and rate limit are shared with `first`, another account of the integration.
    """

    options: KommoOptions
    oauth: OAuth

    def __init__(self, slot: str, world: World, first: Kommo | None = None) -> None:
        super().__init__(slot, world)
        self.options = first.options if first else KommoOptions()
        self.limit = first.limit if first else self.limit
        self.token = first_token(world.seed)
        self.tokens = {self.token}
        secret = first.oauth.client_secret if first else ""
        self.oauth = OAuth(world.seed, world.clock, self.options, self.tokens, client_secret=secret)
        self.merged: dict[int, int] = {}
        """The lead that each merged lead became part of."""
        self.purged: set[int] = set()
        """The leads that were deleted from the recycle bin."""
        self._bin = Collection(self._key)
        self._next_id = 20_024_930
        self._history = History(world.seed, self.options, self._all_leads)
        context = Context(
            self.lock, self.clock, world.seed, self._visible_at, self._on_table_change
        )
        fields = kommo_fields.tables(context)
        people = kommo_people.tables(
            context, fields, lambda: self.store.rows, lambda: self.options.merge_deletes
        )
        self.tables: dict[str, Table] = {
            **reference.tables(context),
            **kommo_users.tables(context),
            **fields,
            **people,
            **kommo_customers.tables(
                context, fields, people, lambda: self.store.rows, self.options
            ),
            **work.tables(context, lambda: self.store, people),
            **kommo_talks.tables(context, self.options, lambda: self.store),
        }
        self.contacts, self.companies = people["contacts"], people["companies"]
        self.users, self.roles = self.tables["users"], self.tables["roles"]
        self.pipelines, self.stages = self.tables["leads/pipelines"], self.tables["statuses"]
        self.loss_reasons, self.sources = self.tables["leads/loss_reasons"], self.tables["sources"]
        self.tasks, self.unsorted = self.tables["tasks"], self.tables["leads/unsorted"]
        self.catalogs, self.elements = self.tables["catalogs"], self.tables["elements"]
        self._account = Account(self.options, self.oauth, self.tables, self._bin, self._history)
        self.fields = self._account.fields
        self._routes = Routes(self, self._account)

    # -- deleted leads and events ----------------------------------------------------------------

    @property
    def bin(self) -> dict[Any, Lead]:
        """The leads in the recycle bin by ID, with all their values."""
        with self.lock:
            self._bin.doubt()
            return self._bin.rows

    def stage_history(self) -> dict[int, list[Stage]]:
        """Return the stages that each lead was in, in order, including deleted leads."""
        with self.lock:
            return self._history.stages()

    def events(self) -> list[Row]:
        """Return every event so far, in order, regardless of lag and retention."""
        with self.lock:
            return [dict(event) for event in self._history.events().rows.values()]

    def edit_events(self, which: int | Iterable[Any], **fields: object) -> list[Any]:
        """Edit events by ID, or a number of events chosen at random; return their IDs."""
        with self.lock:
            events = self._history.events()
            ids = pick(events.rows, which, self.rng)
            for event_id in ids:
                events.put(event_id, {**events.rows[event_id], **fields})
            return ids

    def delete_events(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete events by ID, or a number of events chosen at random; return their IDs."""
        with self.lock:
            events = self._history.events()
            ids = pick(events.rows, which, self.rng)
            for event_id in ids:
                events.remove(event_id)
            return ids

    # -- changing leads --------------------------------------------------------------------------

    def fill_field(
        self,
        field_id: int,
        which: int | Iterable[Any],
        *,
        at: float | None = None,
        touch: bool = True,
    ) -> list[Any]:
        """Set a generated value of a custom field in leads; return their IDs."""
        with self.lock:
            ids = pick(self.store.rows, which, self.rng)
            for lead_id in ids:
                customs = self.store.rows[lead_id]["custom_fields_values"] or ()
                kept = [custom for custom in customs if custom["field_id"] != field_id]
                customs = [*kept, self.fields.values_for(field_id, lead_id)]
                self.edit([lead_id], at=at, touch=touch, custom_fields_values=customs)
            return ids

    def restore(self, which: int | Iterable[Any]) -> list[Any]:
        """Restore leads from the recycle bin; return their IDs."""
        with self.lock:
            ids = pick(self._bin.rows, which, self.rng)
            for lead_id in ids:
                gone = self._bin.remove(lead_id, self._visible_at())
                lead = {**gone, "is_deleted": False, "updated_at": int(self.clock.now())}
                self.store.put(lead_id, lead, self._visible_at())
                self._record(Happening("lead", "restored", lead["updated_at"], gone, lead))
            return ids

    def purge(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete leads from the recycle bin; return their IDs."""
        with self.lock:
            ids = pick(self._bin.rows, which, self.rng)
            for lead_id in ids:
                lead = self._bin.remove(lead_id, self._visible_at())
                self._record(Happening("lead", "purged", self.clock.now(), lead, None))
            self.purged.update(ids)
            return ids

    def merge(self, ids: Iterable[int], into: int, *, at: float | None = None) -> None:
        """Merge leads into another lead, which gets their tags and contacts.

        The merged leads are in no list, not even in that of deleted leads.
        """
        with self.lock:
            store, moment = self.store, self.clock.now() if at is None else at
            old = store.rows[into]
            gone = [store.remove(lead_id, self._visible_at()) for lead_id in ids]
            self.merged |= {lead["id"]: into for lead in gone}
            embedded = dict(old["_embedded"])
            tags = {tag["id"]: tag for lead in (old, *gone) for tag in lead["_embedded"]["tags"]}
            contacts = [n for lead in (old, *gone) for n in lead["_embedded"]["contacts"]]
            embedded |= {"tags": list(tags.values()), "contacts": list(dict.fromkeys(contacts))}
            lead = {**old, "updated_at": int(moment), "_embedded": embedded}
            store.put(into, lead, self._visible_at())
            for each in gone:
                what = "deleted" if self.options.merge_deletes else "purged"
                self._record(Happening("lead", what, moment, each, None))
            merged = tuple(each["id"] for each in gone)
            self._record(Happening("lead", "merged", moment, old, lead, merged=merged))

    @override
    def actions(self) -> Mapping[str, Action]:
        return {
            **control.table_actions(self, self.tables),
            **control.lead_actions(self, {"contacts": self.contacts, "companies": self.companies}),
            **control.token_actions(self.oauth),
        }

    # -- what happens with a change --------------------------------------------------------------

    @override
    def _key(self, name: str) -> Key:
        return itemgetter(name)

    @override
    def _new(self, arrival: Arrival) -> tuple[Any, Lead]:
        self._next_id += self.rng.choice((2, 2, 4, 6, 14))
        return self._next_id, kommo_leads.new_lead(self.rng, arrival, self._next_id)

    @override
    def _changed(self, row: Lead, at: float | None, fields: dict[str, Any]) -> Lead:
        changes = fields or kommo_leads.something_happens(self.rng, row)
        moment = {} if at is None else {"updated_at": int(at)}
        return {**row, **moment, **changes}

    @override
    def _happened(self, what: str, at: float, before: Lead | None, after: Lead | None) -> None:
        if what == "added" and after is not None:
            at = after["created_at"]
            self._accompany(after)
        elif what == "deleted" and before is not None:
            at = int(at)
            gone = {**before, "is_deleted": True, "updated_at": at}
            self._bin.put(before["id"], gone, self._visible_at())
        elif before is not None and after is not None:
            self._accept(before, after)
        self._record(Happening("lead", what, at, before, after))

    def _all_leads(self) -> list[Lead]:
        return [*self.store.rows.values(), *self._bin.rows.values()]

    def _accompany(self, lead: Lead) -> None:
        """Add the contacts and the company of a new lead."""
        for table, rows in (
            (self.contacts, kommo_people.contacts_of(self.seed, lead)),
            (self.companies, kommo_people.companies_of(self.seed, lead)),
        ):
            if table.filled:
                for row in rows:
                    table.add(row)

    def _accept(self, before: Lead, after: Lead) -> None:
        """Show the contacts of an incoming lead once it leaves the first stage."""
        if not self.contacts.filled or before["status_id"] not in reference.INCOMING:
            return
        if after["status_id"] in reference.INCOMING:
            return
        for contact_id in after["_embedded"]["contacts"]:
            contact = self.contacts.store.rows.get(contact_id)
            if contact is not None and contact["is_unsorted"]:
                self.contacts.put({**contact, "is_unsorted": False})

    def _record(self, happening: Happening) -> None:
        options = self.options
        visible_at = None if options.prompt_events else self._visible_at()
        if options.events_lag and self.order_rng.random() < options.late_events:
            visible_at = max(visible_at or 0.0, self.clock.now() + options.events_lag)
        self._history.record(happening._replace(visible_at=visible_at))

    def _on_table_change(self, path: str, *change: Any) -> None:
        what, at, before, after, *merged = change
        if path in ENTITIES:
            entity = ENTITIES[path].format_map(after or before or {})
            ids = merged[0] if merged else ()
            self._record(Happening(entity, what, at, before, after, merged=ids))

    # -- answering -------------------------------------------------------------------------------

    @override
    def error(self, status: int) -> Reply:
        return problem(status)

    @override
    def empty(self, total: int = 0) -> Reply:
        return Reply(204)

    @override
    def _route(self, request: Request) -> Reply:
        return self._routes.answer(request)

    @override
    def _token_of(self, request: Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @override
    def _another_token(self, number: int) -> str:
        return self.oauth.long_lived()

    @override
    def _rendered(self, lead: Lead) -> Lead:
        with_ = frozenset(kommo_leads.WITH)
        current = self._account.current(lead)
        fields, embedded = lead_wire.parts(current, with_, self.url, self.options)
        link = {"self": {"href": f"{self.url}/api/v4/leads/{lead['id']}"}}
        return {**fields, "_links": link, "_embedded": embedded}

    @override
    def _finish(self, reply: Reply) -> None:
        reply.headers["X-Request-Id"] = f"{self.order_rng.getrandbits(128):032x}"
