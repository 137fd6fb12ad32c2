"""Reads the accounts of a source from a file: a list in JSON, or a table in CSV.

Messages name the line and the setting, never a value.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_leads.errors import printable
from tap_leads.settings.load import from_texts, parse_json, settings_in, tidy
from tap_leads.settings.suggest import closest, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.settings.schema import Schema

_SPACE = re.compile(r"[ \t\r\n]*")


class Entry(NamedTuple):
    """An account in a file: the line it begins in, and its settings, which are not validated.

    `errors` has a line for each value that cannot be read.
    """

    line: int
    settings: Any
    errors: Sequence[str] = ()


class AccountsFileError(Exception):
    """A file of accounts cannot be used; `lines` has one line per reason."""

    def __init__(self, *lines: str) -> None:
        """Keep the lines."""
        super().__init__("; ".join(lines))
        self.lines = lines


def read_accounts(path: str, schema: Schema) -> list[Entry]:
    """Return the accounts in a file.

    Args:
        path: The path; a relative one starts at the current folder.
        schema: The schema of an account.

    Raises:
        AccountsFileError: The file cannot be read, or is not a list of accounts.
    """
    ending = Path(path).suffix.lower()
    if ending not in {".json", ".csv"}:
        raise AccountsFileError("must be the path of a file whose name ends in .json or .csv")
    name = printable(path)
    try:
        # Excel begins a file with a byte order mark.
        text = Path(path).expanduser().read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise AccountsFileError(f"cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AccountsFileError(
            f"{name} is not UTF-8; save it as UTF-8, in Excel as `CSV UTF-8`"
        ) from None
    except (RuntimeError, ValueError):  # no such home folder, or no path at all
        raise AccountsFileError("must be the path of a file") from None
    if not text.strip():
        raise AccountsFileError(f"{name} is empty")
    try:
        entries = [*(_in_csv(text, schema) if ending == ".csv" else _in_json(text))]
    except AccountsFileError as error:
        raise AccountsFileError(*(f"{name}, {line}" for line in error.lines)) from None
    if not entries:
        raise AccountsFileError(f"{name} has no accounts")
    return entries


def _in_json(text: str) -> Iterator[Entry]:
    try:
        content = parse_json(text)
    except json.JSONDecodeError as error:
        raise AccountsFileError(f"line {error.lineno}: is not valid JSON") from None
    except (ValueError, RecursionError):
        raise AccountsFileError("line 1: is not valid JSON") from None
    if not isinstance(content, list):
        raise AccountsFileError("line 1: must be a list of objects, one for each account")
    # The parser does not say where an element begins, so a second pass goes from one to the next.
    decode = json.JSONDecoder().raw_decode
    line, counted, at = 1, 0, text.index("[") + 1
    for each in content:
        start = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        line += text.count("\n", counted, start)
        counted = start
        yield Entry(line, tidy(each))
        at = _SPACE.match(text, decode(text, start)[1]).end() + 1  # type: ignore[union-attr]


def _in_csv(text: str, schema: Schema) -> Iterator[Entry]:
    # Excel separates by semicolons where numbers have a decimal comma.
    header = text.lstrip().partition("\n")[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    rows = _csv_rows(text, delimiter)
    line, names = next(rows)
    columns = _columns(line, names, schema)
    for line, cells in rows:
        texts = []
        errors = []
        if any(cells[len(columns) :]):
            errors.append("has more values than the header has columns")
        for column, cell in zip(columns, cells, strict=False):
            if cell and column is None:
                errors.append("has a value in a column without a name")
            elif cell and column is not None:
                texts.append((*column, cell))
        settings, wrong = from_texts(sorted(texts, key=lambda each: len(each[1])))
        yield Entry(line, settings, errors + wrong)


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the cells of each row that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            message = f"line {line}: is not valid CSV, such as a quote that is not closed"
            raise AccountsFileError(message) from None
        if any(cells):
            yield line, cells


_Column = tuple[str, tuple[str, ...], "Schema"]


def _columns(line: int, names: Sequence[str], schema: Schema) -> list[_Column | None]:
    """Return the name, path and schema of the setting in each column, None without a name."""
    known = {".".join(path): (path, kind) for path, kind in settings_in(schema)}
    if known.keys().isdisjoint(names):
        # Nothing of it is shown: without a header, it is an account with its secrets.
        message = "must be a header with the names of settings, such as name,access_token_env"
        raise AccountsFileError(f"line {line}: {message}")
    columns: list[_Column | None] = []
    errors: list[str] = []
    for number, name in enumerate(names, 1):
        if not name:
            columns.append(None)
        elif name in names[: number - 1]:
            errors.append(f"line {line}: {printable(name)}: has more than one column")
        elif name in known:
            columns.append((name, *known[name]))
        else:
            hint = did_you_mean(closest(name, known))
            errors.append(f"line {line}: {printable(name)}: unknown setting{hint}")
    if errors:
        raise AccountsFileError(*errors)
    return columns
