"""Moves of tokens between a file and a table: which tokens are kept, and what is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.errors import Code
from tap_leads.rest.auth.move import move
from tap_leads.rest.auth.token_store import Tokens, TokensMovedError, digest
from tap_leads.rest.errors import CredentialError
from tests.unit.rest.places import File, Place, Table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.token_database import TokenDatabase

pytestmark = pytest.mark.postgres

OLD = Tokens("access", "refresh", obtained_at=1000.5, expires_at=87_400.0, spent=("a",))
NEW = Tokens("access2", "refresh2", 2000.0, 88_400.0, ("a", digest("refresh")))
NEWEST = Tokens("access3", "refresh3", 3000.0, 89_400.0, (*NEW.spent, digest("refresh2")))
FOREIGN = Tokens("access9", "refresh9", 9000.0, 99_400.0, ("b",))


@pytest.fixture(params=["import", "export"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path, token_database: TokenDatabase
) -> tuple[Place, Place]:
    """The place that tokens are moved from, and the one that they are moved to."""
    file, table = File(tmp_path / "acme.json"), Table(token_database)
    return (file, table) if request.param == "import" else (table, file)


def save(place: Place, tokens: Tokens | None) -> None:
    if tokens:
        store = place.store()
        with store.locked(), store.draft() as saved:
            saved(tokens)


def load(place: Place) -> Tokens | None:
    store = place.store()
    with store.locked():
        return store.load()


def moved(places: tuple[Place, Place]) -> bool:
    origin, destination = (place.store() for place in places)
    with origin.locked(), destination.locked():
        return move(origin, destination)


def assert_retired(place: Place) -> None:
    with pytest.raises(TokensMovedError) as caught:
        load(place)
    assert caught.value.code is Code.TOKENS_MOVED


@pytest.mark.parametrize(
    ("here", "there", "kept"),
    [
        (OLD, None, OLD),
        (OLD, OLD, OLD),  # killed before the origin was retired
        (OLD, NEW, NEW),  # and renewed at the destination since
        (OLD, NEWEST, NEWEST),
        (NEW, OLD, NEW),  # or at the origin
        (NEWEST, OLD, NEWEST),
    ],
)
def test_the_newest_tokens_are_kept_and_the_origin_cannot_be_used_any_more(
    places: tuple[Place, Place], here: Tokens, there: Tokens | None, kept: Tokens
) -> None:
    origin, destination = places
    save(origin, here)
    save(destination, there)
    assert moved(places)
    assert load(destination) == kept
    assert_retired(origin)
    assert not moved(places)  # it is done
    assert load(destination) == kept


def test_tokens_can_be_moved_back(places: tuple[Place, Place]) -> None:
    origin, destination = places
    save(origin, OLD)
    assert moved(places)
    save(destination, NEW)
    assert moved((destination, origin))
    assert load(origin) == NEW
    assert_retired(destination)


def test_tokens_of_two_authorizations_are_left_alone(places: tuple[Place, Place]) -> None:
    origin, destination = places
    save(origin, OLD)
    save(destination, FOREIGN)
    with pytest.raises(CredentialError, match="come from two authorizations") as caught:
        moved(places)
    assert caught.value.code is Code.TOKENS_DIFFER
    assert (load(origin), load(destination)) == (OLD, FOREIGN)


def test_nothing_can_be_moved_where_there_are_no_tokens(places: tuple[Place, Place]) -> None:
    with pytest.raises(CredentialError, match="there are no tokens to move in"):
        moved(places)


@pytest.mark.parametrize("index", [0, 1], ids=["origin", "destination"])
def test_a_place_that_cannot_be_written_is_found_out_before_anything_is_moved(
    places: tuple[Place, Place], index: int
) -> None:
    origin, destination = places
    save(origin, NEW)
    save(destination, OLD)
    places[index].block()
    with pytest.raises(CredentialError, match="cannot be written"):
        moved(places)
    assert (load(origin), load(destination)) == (NEW, OLD)


def test_a_program_that_writes_new_tokens_into_the_row_makes_it_usable_again(
    tmp_path: Path, token_database: TokenDatabase
) -> None:
    table, file = Table(token_database), File(tmp_path / "acme.json")
    save(table, OLD)
    assert moved((table, file))
    token_database.query(
        "update tap_leads_tokens set access_token = 'access2', refresh_token = 'refresh2', "
        "obtained_at = to_timestamp(2000), expires_at = to_timestamp(88400)"
    )
    found = load(table)
    assert found
    assert (found.access_token, found.expires_at) == ("access2", 88_400.0)
