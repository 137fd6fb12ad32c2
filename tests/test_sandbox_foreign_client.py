"""A Kommo client that knows nothing of the sandbox reads it to the end."""

from __future__ import annotations

import asyncio

import pytest
from aioamocrm import AmoCRMClient, LongLivedToken

from sandbox import Sandbox


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
