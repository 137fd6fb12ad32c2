"""Third-party Kommo clients read the sandbox completely."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aioamocrm import AmoCRMClient, LongLivedToken, MemoryTokenStorage, OAuth2
from amocrm_api import AmoOAuthClient
from typing_extensions import override

from sandbox import Sandbox
from tests.sandbox.client import everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.kommo.api import Kommo


class Session(httpx.Client):
    """A session whose `get` ignores `json`, which the client passes and httpx does not accept."""

    @override
    def get(self, *arguments: Any, **others: Any) -> httpx.Response:
        others.pop("json", None)
        return super().get(*arguments, **others)


class Wrapper(AmoOAuthClient):
    """The synchronous client with such a session, which it closes when it opens another."""

    @override
    def _init_session(self, params: dict[str, str] | None = None) -> Session:
        self.close()
        headers = {**self._auth_headers(), **(params or {})}
        return Session(timeout=self.timeout, headers=headers)


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    with Sandbox(leads=400) as box:
        box.kommo.options.rate_limit = None
        yield box.kommo


@pytest.mark.parametrize("last_page_next", [False, True])
def test_a_foreign_kommo_client_reads_each_lead_once(*, last_page_next: bool) -> None:
    async def read(box: Sandbox) -> list[int]:
        token = LongLivedToken(box.kommo.token)
        async with AmoCRMClient(base_url=box.kommo.url, auth=token) as client:
            found = client.leads.iterate(limit=250, with_=["contacts"], order={"id": "asc"})
            return [lead.id async for lead in found if lead.id is not None]

    with Sandbox(leads=1000) as box:
        box.kommo.options.last_page_next = last_page_next
        ids = asyncio.run(read(box))
        assert len(ids) == len(set(ids))
        assert set(ids) == set(box.kommo.leads)


def test_an_asynchronous_client_reads_what_it_knows_of_the_rest(kommo: Kommo) -> None:
    async def read() -> dict[str, int]:
        token = LongLivedToken(kommo.token)
        async with AmoCRMClient(base_url=kommo.url, auth=token, rate_limit=None) as client:
            lists: dict[str, Callable[..., Any]] = {
                "contacts": client.contacts.iterate,
                "companies": client.companies.iterate,
                "tasks": client.tasks.iterate,
                "users": client.users.iterate,
                "leads/custom_fields": client.leads.custom_fields.iterate,
                "leads/notes": client.leads.notes.iterate,
                "contacts/notes": client.contacts.notes.iterate,
                "companies/notes": client.companies.notes.iterate,
            }
            found = {}
            for path, iterate in lists.items():
                found[path] = len({row.id async for row in iterate()})
            pipelines = await client.pipelines.list()
            found["leads/pipelines"] = len(pipelines)
            assert all(pipeline.embedded.statuses for pipeline in pipelines)
            assert (await client.account.get()).subdomain == "example"
            return found

    kommo.users.grow(600)
    for path, count in asyncio.run(read()).items():
        assert count == len(everything(kommo, path)), path


def test_an_asynchronous_client_renews_its_tokens(kommo: Kommo) -> None:
    oauth = kommo.oauth

    async def read() -> tuple[str, int]:
        storage = MemoryTokenStorage()
        auth = OAuth2(oauth.client_id, oauth.client_secret, oauth.redirect_uri, storage)
        async with AmoCRMClient(base_url=kommo.url, auth=auth, rate_limit=None) as client:
            first = await client.exchange_code(oauth.consent())
            oauth.expire()
            count = len([lead async for lead in client.leads.iterate()])
            kept = await storage.load()
            assert kept is not None
            assert kept.refresh_token != first.refresh_token
            return kept.access_token, count

    for rotation in ("grace", "strict"):
        kommo.options.rotation = rotation
        token, count = asyncio.run(read())
        assert count == kommo.count
        assert oauth.accepts(token)


def test_a_synchronous_client_reads_lists_and_renews_its_tokens(kommo: Kommo) -> None:
    kept: list[tuple[str, str]] = []
    oauth, pair = kommo.oauth, kommo.oauth.issue()
    client = Wrapper(
        pair.access_token,
        pair.refresh_token,
        kommo.url,
        oauth.client_id,
        oauth.client_secret,
        oauth.redirect_uri,
        token_store=lambda access, refresh: kept.append((access, refresh)),
    )
    oauth.expire()
    kommo.contacts.grow(500)
    try:
        assert {lead["id"] for lead in client.iter_leads()} == set(kommo.leads)
        assert len(kept) == 1
        contacts = {contact["id"] for contact in client.iter_contacts()}
        assert contacts == {contact["id"] for contact in everything(kommo, "contacts")}
        assert len(list(client.iter_tasks())) == len(everything(kommo, "tasks"))
        for answer, path in (
            (client.get_users(), "users"),
            (client.get_roles(), "roles"),
            (client.get_pipelines(), "leads/pipelines"),
            (client.get_loss_reasons(), "leads/loss_reasons"),
            (client.get_sources(), "sources"),
            (client.get_catalogs(), "catalogs"),
            (client.get_catalog_elements(1057), "catalogs/1057/elements"),
            (client.get_leads_custom_fields(), "leads/custom_fields"),
            (client.get_leads_custom_field_groups(), "leads/custom_fields/groups"),
            (client.get_tags_by_entity_type("leads"), "leads/tags"),
            (client.get_events_type(), "events/types"),
        ):
            (rows,) = answer["_embedded"].values()
            assert rows == everything(kommo, path), path
        gone = kommo.delete(2)
        events = client.get_events(limit=100, filter_by_type=["lead_deleted"])
        assert sorted(e["entity_id"] for e in events["_embedded"]["events"]) == sorted(gone)
    finally:
        client.close()
        asyncio.run(client.close_async())


def test_a_synchronous_client_reads_notes_customers_and_events_of_entities(kommo: Kommo) -> None:
    kommo.options.customers_mode = "periodicity"
    kommo.tables["customers"].edit(2, name="Renamed")
    pair = kommo.oauth.issue()
    names = (kommo.oauth.client_id, kommo.oauth.client_secret, kommo.oauth.redirect_uri)
    client = Wrapper(pair.access_token, pair.refresh_token, kommo.url, *names)
    kinds = ["call_in", "call_out"]
    calls = everything(kommo, "contacts/notes", filter__note_type__=kinds)
    renamed = everything(kommo, "events", filter__entity="customer")
    try:
        for answer, rows in (
            (client.get_notes_by_entity_type("contacts", filter_by_note_type=kinds), calls),
            (client.get_customers(), everything(kommo, "customers")),
            (client.get_customer_statuses(), everything(kommo, "customers/statuses")),
            (client.get_customer_segments(), everything(kommo, "customers/segments")),
            (client.get_transactions(), everything(kommo, "customers/transactions")),
            (client.get_customers_custom_fields(), everything(kommo, "customers/custom_fields")),
            (
                client.get_catalog_custom_fields(1057),
                everything(kommo, "catalogs/1057/custom_fields"),
            ),
            (client.get_events(filter_by_entity="customer"), renamed),
        ):
            (found,) = answer["_embedded"].values()
            ids = sorted(row["id"] for row in found)
            assert ids == sorted(row["id"] for row in rows)[: len(ids)]
            assert len(ids) == min(len(rows), 250) > 0
    finally:
        client.close()
        asyncio.run(client.close_async())
