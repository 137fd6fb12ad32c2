"""Errors in what a source's schema cannot express: its accounts, and the columns to hash."""

from __future__ import annotations

import pytest

from tests.support.refusals import NOTHING, changed
from tests.unit.settings.support import CANARY, GOOD, errors_of

# Accounts


def test_two_accounts_cannot_have_one_name() -> None:
    same = [{"name": "north"}, {"name": "south"}, {"name": "north"}]
    assert errors_of(changed(GOOD, "shop.accounts", same)) == [
        "shop.accounts[2]: has the name of shop.accounts[0], north; give each a unique `name`"
    ]
    assert errors_of(changed(GOOD, "shop.accounts", [{}, {}])) == [
        "shop.accounts[1]: has the name of shop.accounts[0], default; give each a unique `name`"
    ]


def test_each_account_needs_a_credential_of_its_own_or_a_shared_one() -> None:
    config = changed(GOOD, "shop.accounts", [{"name": "a", "api_key": CANARY}, {"name": "b"}])
    assert errors_of(config) == []
    assert errors_of(changed(config, "shop.api_key", NOTHING)) == [
        "shop.accounts[1].api_key: is required"
    ]


def test_what_an_account_lacks_is_named_with_the_account() -> None:
    accounts = [{"name": "north"}, {"name": "south", "oauth": {"client_id": "x"}}]
    config = changed(GOOD, "crm.accounts", accounts)
    assert errors_of(changed(config, "crm.oauth.redirect_uri", NOTHING)) == [
        "crm.accounts[0].oauth.redirect_uri: is required",
        "crm.accounts[1].oauth.redirect_uri: is required",
    ]


@pytest.mark.parametrize("other", ["shared.json", "./shared.json", "folder/../shared.json"])
def test_two_accounts_cannot_keep_their_tokens_in_one_file(other: str) -> None:
    files = [{"code": "1", "token_file": "shared.json"}, {"code": "2", "token_file": other}]
    accounts = [{"name": str(n), "oauth": file} for n, file in enumerate(files)]
    (line,) = errors_of(changed(GOOD, "crm.accounts", accounts))
    assert line == (
        "crm.accounts[1].oauth.token_file: is also the file of crm.accounts[0]; give each account "
        "its own file"
    )


def test_accounts_may_keep_their_tokens_in_files_of_their_own() -> None:
    accounts = [{"name": n, "oauth": {"code": n, "token_file": f"{n}.json"}} for n in "abc"]
    assert errors_of(changed(GOOD, "crm.accounts", accounts)) == []


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg"])
def test_accounts_may_share_a_database_that_has_their_first_tokens(driver: str) -> None:
    store = {"token_store": f"{driver}://x:y@z:1/z?sslmode=require"}
    accounts = [{"name": name, "oauth": store} for name in ("north", "south")]
    assert errors_of(changed(GOOD, "crm.accounts", accounts)) == []


# Columns to hash


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("email", None),
        ("crm_people.rank", None),
        ("cf_7", None),
        ("crm_people.cf_7", None),
        ("emial", "; did you mean email?"),
        ("shop_leads.emial", "; did you mean shop_leads.email?"),
        ("id", ""),
        ("shop_leads.cf_7", "; did you mean shop_leads.phone?"),
        ("cf_7x", ""),
        ("crm_people.rank.", "; did you mean crm_people.rank?"),
    ],
)
def test_a_column_to_hash_must_exist(name: str, hint: str | None) -> None:
    unknown = "hash_fields[0]: unknown column, or a key, which cannot be hashed"
    lines = errors_of({**GOOD, "hash_fields": [name], "hash_key": CANARY})
    assert lines == ([] if hint is None else [unknown + hint])
