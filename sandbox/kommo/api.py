"""Kommo's API v4: https://developers.kommo.com/reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from sandbox.core.options import KommoOptions
from sandbox.core.store import Collection, Lead, pick
from sandbox.kommo import control, lead_wire, reference, work
from sandbox.kommo import fields as kommo_fields
from sandbox.kommo import leads as kommo_leads
from sandbox.kommo import people as kommo_people
from sandbox.kommo import users as kommo_users
from sandbox.kommo.events import Happening, History, Stage
from sandbox.kommo.oauth import OAuth, first_token
from sandbox.kommo.routes import Routes
from sandbox.kommo.table import Ground, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.core.api import World
    from sandbox.core.people import Arrival

_ENTITIES = {"contacts": "contact", "companies": "company"}
"""What events call the rows of a table."""


class Kommo(Routes):
    """Kommo: leads with all that they refer to, and the events that they give rise to.

    A deleted lead goes to the recycle bin, which `with=only_deleted` lists. What is there beside
    leads is in `tables`, by path, and is made when it is first asked for. Rows that are changed in
    place give rise to no events.
    """

    options: KommoOptions

    def __init__(self, slot: str, world: World) -> None:
        super().__init__(slot, world)
        self.options = KommoOptions()
        self.token = first_token(world.seed)
        self.tokens = {self.token}
        self.oauth = OAuth(world.seed, world.clock, self.options, self.tokens)
        self.merged: dict[int, int] = {}
        """The lead that each merged lead became a part of."""
        self.purged: set[int] = set()
        """The leads that are gone from the recycle bin."""
        self._bin = Collection(self._key)
        self._next_id = 20_024_930
        self._history = History(world.seed, self.options, self._all_leads)
        ground = Ground(self.lock, self.clock, world.seed, self._visible_at, self._heard)
        fields = kommo_fields.tables(ground)
        people = kommo_people.tables(ground, fields, lambda: self._ready().rows)
        self.tables: dict[str, Table] = {
            **reference.tables(ground),
            **kommo_users.tables(ground),
            **fields,
            **people,
            **work.tables(ground, self._ready, people),
        }
        self.contacts, self.companies = self.tables["contacts"], self.tables["companies"]
        self.users, self.roles = self.tables["users"], self.tables["roles"]
        self.pipelines, self.stages = self.tables["leads/pipelines"], self.tables["statuses"]
        self.loss_reasons, self.sources = self.tables["leads/loss_reasons"], self.tables["sources"]
        self.tasks, self.unsorted = self.tables["tasks"], self.tables["leads/unsorted"]
        self.catalogs, self.elements = self.tables["catalogs"], self.tables["elements"]
        self.fields = cast("kommo_fields.Fields", self.tables["leads/custom_fields"])

    # -- what became of the leads ----------------------------------------------------------------

    @property
    def bin(self) -> dict[Any, Lead]:
        """The leads in the recycle bin by id, as they were."""
        with self.lock:
            self._ready()
            self._bin.doubt()
            return self._bin.rows

    def stage_history(self) -> dict[int, list[Stage]]:
        """The stages that each lead truly was in, in order; leads that are gone are there too."""
        with self.lock:
            return self._history.stages()

    def events(self) -> list[Row]:
        """Every event so far, in order, whatever the lag and the retention."""
        with self.lock:
            return [dict(event) for event in self._history.events().rows.values()]

    def edit_events(self, which: int | Iterable[Any], **fields: object) -> list[Any]:
        """Give events other values, by id or so many at random; returns their ids."""
        with self.lock:
            events = self._history.events()
            ids = pick(events.rows, which, self.rng)
            for event_id in ids:
                events.put(event_id, {**events.rows[event_id], **fields})
            return ids

    def delete_events(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete events, by id or so many at random; returns their ids."""
        with self.lock:
            events = self._history.events()
            ids = pick(events.rows, which, self.rng)
            for event_id in ids:
                events.remove(event_id)
            return ids

    # -- changing leads --------------------------------------------------------------------------

    @override
    def insert(self, count: int = 1, *, at: float | None = None, **fields: object) -> list[Any]:
        with self.lock:
            ids = super().insert(count, at=at, **fields)
            for lead_id in ids:
                lead = self._store.rows[lead_id]
                self._record(Happening("lead", "added", lead["created_at"], None, lead))
                self._accompanied(lead)
            return ids

    def fill_field(
        self,
        field_id: int,
        which: int | Iterable[Any],
        *,
        at: float | None = None,
        touch: bool = True,
    ) -> list[Any]:
        """Give leads a made-up value in a custom field; returns their ids."""
        with self.lock:
            ids = pick(self._ready().rows, which, self.rng)
            for lead_id in ids:
                customs = self._store.rows[lead_id]["custom_fields_values"] or ()
                kept = [custom for custom in customs if custom["field_id"] != field_id]
                customs = [*kept, self.fields.values_for(field_id, lead_id)]
                self.edit([lead_id], at=at, touch=touch, custom_fields_values=customs)
            return ids

    def restore(self, which: int | Iterable[Any]) -> list[Any]:
        """Take leads out of the recycle bin; returns their ids."""
        with self.lock:
            ids = pick(self._bin.rows, which, self.rng)
            for lead_id in ids:
                gone = self._bin.remove(lead_id, self._visible_at())
                lead = {**gone, "is_deleted": False, "updated_at": int(self.clock.now())}
                self._store.put(lead_id, lead, self._visible_at())
                self._record(Happening("lead", "restored", lead["updated_at"], gone, lead))
            return ids

    def purge(self, which: int | Iterable[Any]) -> list[Any]:
        """Empty the recycle bin of these leads; returns their ids."""
        with self.lock:
            ids = pick(self._bin.rows, which, self.rng)
            for lead_id in ids:
                lead = self._bin.remove(lead_id, self._visible_at())
                self._record(Happening("lead", "purged", self.clock.now(), lead, None))
            self.purged.update(ids)
            return ids

    def merge(self, ids: Iterable[int], into: int, *, at: float | None = None) -> None:
        """Merge leads into another, which takes over their tags and contacts.

        The merged leads vanish: they are in no list, not even that of deleted leads.
        """
        with self.lock:
            store, moment = self._ready(), self.clock.now() if at is None else at
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
    def _new(self, arrival: Arrival) -> tuple[Any, Lead]:
        self._next_id += self.rng.choice((2, 2, 4, 6, 14))
        return self._next_id, kommo_leads.new_lead(self.rng, arrival, self._next_id)

    @override
    def _changed(self, lead: Lead, at: float | None, fields: dict[str, object]) -> Lead:
        changes = fields or kommo_leads.something_happens(self.rng, lead)
        moment = {} if at is None else {"updated_at": int(at)}
        changed = {**lead, **moment, **changes}
        self._record(
            Happening("lead", "edited", self.clock.now() if at is None else at, lead, changed)
        )
        if self.contacts.filled and lead["status_id"] in reference.INCOMING:
            self._accepted(changed)
        return changed

    @override
    def _deleted(self, lead: Lead) -> None:
        gone = {**lead, "is_deleted": True, "updated_at": int(self.clock.now())}
        self._bin.put(lead["id"], gone, self._visible_at())
        self._record(Happening("lead", "deleted", gone["updated_at"], lead, None))

    def _all_leads(self) -> list[Lead]:
        return [*self._ready().rows.values(), *self._bin.rows.values()]

    def _accompanied(self, lead: Lead) -> None:
        """The contacts and the company of a new lead are there too."""
        for table, rows in (
            (self.contacts, kommo_people.contacts_of(self.seed, lead)),
            (self.companies, kommo_people.companies_of(self.seed, lead)),
        ):
            if table.filled:
                for row in rows:
                    table.add(row)

    def _accepted(self, lead: Lead) -> None:
        """The contacts of an incoming lead show once it is accepted."""
        if lead["status_id"] in reference.INCOMING:
            return
        for contact_id in lead["_embedded"]["contacts"]:
            contact = self.contacts.store.rows.get(contact_id)
            if contact is not None and contact["is_unsorted"]:
                self.contacts.put({**contact, "is_unsorted": False})

    # -- remembering -----------------------------------------------------------------------------

    def _record(self, happening: Happening) -> None:
        options = self.options
        visible_at = None if options.prompt_events else self._visible_at()
        if options.events_lag and self._order_rng.random() < options.late_events:
            visible_at = max(visible_at or 0.0, self.clock.now() + options.events_lag)
        self._history.record(happening._replace(visible_at=visible_at))

    def _heard(
        self, path: str, what: str, at: float, before: Row | None, after: Row | None
    ) -> None:
        if path in _ENTITIES:
            self._record(Happening(_ENTITIES[path], what, at, before, after))

    # -- answers -------------------------------------------------------------------------------

    @override
    def _another_token(self, number: int) -> str:
        return self.oauth.long_lived()

    @override
    def act(self, action: str, content: dict[str, Any]) -> object:
        return control.act(self, action, content)

    @override
    def _rendered(self, lead: Lead) -> Lead:
        with_ = frozenset(kommo_leads.WITH)
        fields, embedded = lead_wire.parts(self.current(lead), with_, self.url, self.options)
        link = {"self": {"href": f"{self.url}/api/v4/leads/{lead['id']}"}}
        return {**fields, "_links": link, "_embedded": embedded}
