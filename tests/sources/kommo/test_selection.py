"""What is deselected is not requested from Kommo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.leads import WITH
from tests.support.run import sync
from tests.support.selection import chosen, columns_of, only
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Api, Sandbox


def with_of(api: Api) -> set[str]:
    """What the requests asked Kommo to add, which is the same in each."""
    (asked,) = {tuple(request.query.get("with", [])) for request in api.journal}
    return set(asked[0].split(",")) if asked else set()


def test_kommo_is_asked_for_everything_but_deleted_leads(box: Sandbox) -> None:
    sync({"kommo": settings_for(box.kommo)})
    assert with_of(box.kommo) == set(WITH)


@pytest.mark.parametrize("name", WITH)
def test_kommo_is_not_asked_for_what_is_deselected(box: Sandbox, name: str) -> None:
    config = {"kommo": settings_for(box.kommo)}
    sync(config, catalog=chosen(config, name))
    assert with_of(box.kommo) == set(WITH) - {name}


def test_kommo_is_asked_for_nothing_more_where_nothing_more_is_selected(box: Sandbox) -> None:
    config = {"kommo": settings_for(box.kommo)}
    run = sync(config, catalog=only(config, "name"))
    assert with_of(box.kommo) == set()
    assert columns_of(run, "kommo_leads") == ["account", "id", "name", "updated_at"]


@pytest.mark.parametrize("wanted", [["contacts", "source"], "contacts,source"])
def test_kommo_is_asked_for_what_the_settings_say(box: Sandbox, wanted: Any) -> None:
    config = {"kommo": settings_for(box.kommo, **{"with": wanted})}
    records = sync(config).records("kommo_leads")
    assert with_of(box.kommo) == {"contacts", "source"}
    assert any(record["contacts"] for record in records)
    assert {record["loss_reason"] for record in records} == {None}
    box.kommo.journal.clear()
    sync(config, catalog=chosen(config, "contacts"))
    assert with_of(box.kommo) == {"source"}


def test_kommo_is_asked_for_nothing_more_where_the_settings_say_so(box: Sandbox) -> None:
    sync({"kommo": settings_for(box.kommo, **{"with": []})})
    assert with_of(box.kommo) == set()
