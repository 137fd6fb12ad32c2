"""Files of accounts: what is read from them, and which line a message names."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.settings.accounts_file import AccountsFileError, read_accounts
from tap_leads.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., str]

KOMMO = SOURCES[0].settings.schema["properties"]["accounts"]["items"]
CANARY = "canary-4f1c"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of accounts, and return its path."""

    def write(content: str | bytes, name: str = "accounts.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def accounts_in(path: str) -> list[tuple[int, Any]]:
    """Return line and settings of each account in a file in which every value can be read."""
    entries = read_accounts(path, KOMMO)
    assert not any(entry.errors for entry in entries)
    return [(entry.line, entry.settings) for entry in entries]


def errors_of(path: str) -> list[str]:
    """Return the lines of the error, with the name of the file in place of its path."""
    with pytest.raises(AccountsFileError) as caught:
        read_accounts(path, KOMMO)
    folder = path.rpartition("/")[0]
    lines = [line.replace(f"{folder}/", "") for line in caught.value.lines]
    assert not any(CANARY in line or "\n" in line for line in lines)
    return lines


def test_a_table_has_the_settings_of_an_account_in_each_row(write: Write) -> None:
    path = write(
        "name,subdomain,access_token_env,oauth.client_id,oauth.code_env,requests_per_second,filters\n"
        "berlin,acme,BERLIN,,,2.5,\n"
        'porto,"acme-porto",,id,CODE,,"{""pipeline_id"": [1]}"\n'
    )
    assert accounts_in(path) == [
        (2, {"name": "berlin", "subdomain": "acme", "access_token_env": "BERLIN",
             "requests_per_second": 2.5}),
        (3, {"name": "porto", "subdomain": "acme-porto",
             "oauth": {"client_id": "id", "code_env": "CODE"}, "filters": {"pipeline_id": [1]}}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "name,subdomain\nberlin,acme\n",
        "name,subdomain\nberlin,acme",
        "name,subdomain\r\nberlin,acme\r\n",
        "\ufeffname;subdomain;\r\nberlin;acme;\r\n;;\r\n",
        '"name","subdomain"\n"berlin","acme"\n\n\n',
        "name , subdomain\n berlin , acme \n",
        "name,subdomain,access_token\nberlin,acme,\n",
        "name,subdomain,access_token\nberlin,acme\n",
    ],
)
def test_a_table_may_come_from_excel_or_by_hand(write: Write, content: str) -> None:
    assert accounts_in(write(content)) == [(2, {"name": "berlin", "subdomain": "acme"})]


def test_a_row_counts_from_its_first_line(write: Write) -> None:
    content = 'name,subdomain,query\n\nberlin,a,"two\nlines"\nporto,b,x\n'
    entries = read_accounts(write(content), KOMMO)
    assert [(entry.line, entry.settings["name"]) for entry in entries] == [
        (3, "berlin"), (5, "porto")
    ]  # fmt: skip


def test_a_list_says_where_each_of_its_objects_begins(write: Write) -> None:
    content = (
        '\ufeff[\n  {"name": "berlin",\n   "with": ["a", "]"]}, {"name": "[{"}\n,\n\n3,null]\n'
    )
    assert accounts_in(write(content, "accounts.json")) == [
        (2, {"name": "berlin", "with": ["a", "]"]}), (3, {"name": "[{"}), (6, 3), (6, None)
    ]  # fmt: skip


def test_null_in_a_list_is_not_set(write: Write) -> None:
    (entry,) = read_accounts(write('[{"name": "a", "query": null}]', "accounts.json"), KOMMO)
    assert entry.settings == {"name": "a"}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "accounts.csv is empty"),
        ("\ufeff\n", "accounts.csv is empty"),
        ("name,subdomain\n", "accounts.csv has no accounts"),
        ("name,subdomain\n,\n", "accounts.csv has no accounts"),
        (
            "name,acces_token_env\nberlin,X\n",
            (
                "accounts.csv, line 1: acces_token_env: unknown setting; did you mean "
                "access_token_env?"
            ),
        ),
        (
            "name,oauth.token\nberlin,X\n",
            "accounts.csv, line 1: oauth.token: unknown setting; did you mean oauth.token_file?",
        ),
        ("name,name\na,b\n", "accounts.csv, line 1: name: has more than one column"),
        (
            f"berlin,acme,{CANARY}\nporto,acme2,{CANARY}\n",
            (
                "accounts.csv, line 1: must be a header with the names of settings, such as "
                "name,access_token_env"
            ),
        ),
        (
            f'name,subdomain\nberlin,acme\nporto,"{CANARY}\n',
            "accounts.csv, line 3: is not valid CSV, such as a quote that is not closed",
        ),
    ],
)
def test_a_line_says_what_is_wrong_in_a_table(write: Write, content: str, line: str) -> None:
    assert errors_of(write(content)) == [line]


@pytest.mark.parametrize(
    ("header", "row", "line"),
    [
        ("name,subdomain", "a,b,x", "has more values than the header has columns"),
        ("name,,subdomain", "a,x,b", "has a value in a column without a name"),
        (
            "name,requests_per_second",
            f"a,{CANARY}",
            "requests_per_second: must be a number, in JSON syntax",
        ),
        ("name,oauth,oauth.code", f"a,{CANARY},x", "oauth: must be an object, in JSON syntax"),
        ("name,with", f"a,{CANARY}{{", ""),
    ],
)
def test_a_value_that_cannot_be_read_is_an_error_of_its_row(
    write: Write, header: str, row: str, line: str
) -> None:
    entries = read_accounts(write(f"{header}\n{row}\nb\n"), KOMMO)
    assert [entry.errors for entry in entries] == [[line] if line else [], []]
    assert CANARY not in line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (" \n", "accounts.json is empty"),
        ("[]", "accounts.json has no accounts"),
        (f'[\n{{"name": "{CANARY}"}}\n', "accounts.json, line 3: is not valid JSON"),
        ("[NaN]", "accounts.json, line 1: is not valid JSON"),
        ("[" * 100_000, "accounts.json, line 1: is not valid JSON"),
        (
            f'{{"kommo": "{CANARY}"}}',
            "accounts.json, line 1: must be a list of objects, one for each account",
        ),
    ],
)
def test_a_line_says_what_is_wrong_in_a_list(write: Write, content: str, line: str) -> None:
    assert errors_of(write(content, "accounts.json")) == [line]


@pytest.mark.parametrize("content", ["näme,x\n".encode("latin-1"), "name\n".encode("utf-16")])
def test_a_file_that_is_not_utf_8_is_refused(write: Write, content: bytes) -> None:
    assert errors_of(write(content)) == [
        "accounts.csv is not UTF-8; save it as UTF-8, in Excel as `CSV UTF-8`"
    ]


def test_a_folder_and_a_file_that_is_missing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert errors_of(str(tmp_path / "folder.csv")) == ["cannot read folder.csv: Is a directory"]
    missing = str(tmp_path / "missing.csv")
    assert errors_of(missing) == ["cannot read missing.csv: No such file or directory"]
    assert errors_of("~no_such_user/accounts.csv") == ["must be the path of a file"]
    assert errors_of("a\0.csv") == ["must be the path of a file"]


@pytest.mark.parametrize("name", ["accounts", "accounts.xlsx", ".csv"])
def test_the_name_of_the_file_says_its_format(write: Write, name: str) -> None:
    assert errors_of(write("name\na\n", name)) == [
        "must be the path of a file whose name ends in .json or .csv"
    ]
    assert accounts_in(write("name\na\n", "ACCOUNTS.CSV")) == [(2, {"name": "a"})]


def test_a_path_may_begin_with_the_home_folder_or_the_current_one(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("name\na\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert accounts_in("~/accounts.csv") == [(2, {"name": "a"})]
    monkeypatch.chdir(tmp_path)
    assert accounts_in("accounts.csv") == [(2, {"name": "a"})]


_LABELS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
    lambda text: text.strip() == text
)


@given(labels=st.lists(_LABELS, min_size=1, max_size=6), is_json=st.booleans(), data=st.data())
def test_every_name_comes_back_with_the_line_it_is_in(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], is_json: bool, data: Any
) -> None:
    folder = tmp_path_factory.mktemp("accounts")
    if is_json:
        path = folder / "accounts.json"
        indent = data.draw(st.sampled_from([None, 0, 2]))
        texts = [json.dumps({"name": label}, indent=indent) for label in labels]
        starts, text = [], "["
        for each in texts:
            text += "\n" * data.draw(st.integers(0, 3))
            starts.append(text.count("\n") + 1)
            text += each + ("," if len(starts) < len(texts) else "]")
    else:
        path = folder / "accounts.csv"
        file = io.StringIO()
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["name"])
        starts = []
        for label in labels:
            starts.append(len(csv_lines(file.getvalue())) + 1)
            writer.writerow([label])
        text = file.getvalue()
    path.write_bytes(text.encode())
    entries = read_accounts(str(path), KOMMO)
    assert [entry.settings["name"] for entry in entries] == labels
    assert [entry.line for entry in entries] == starts


def csv_lines(text: str) -> list[str]:
    """Return the lines of a file as an editor counts them: CR, LF and CRLF end one."""
    return [*io.StringIO(text, newline="")]
