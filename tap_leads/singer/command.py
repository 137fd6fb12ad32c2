"""The command line: prints each error as one line, and exits with code 1."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_leads.errors import DATA_ERRORS, LeadsError, internal_error
from tap_leads.settings.errors import SettingsError
from tap_leads.singer.writer import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


class FailedStreamsError(LeadsError):
    """Streams of some accounts failed and were reported; the others were read."""

    def __init__(self, failures: Sequence[str], streams: int) -> None:
        """Count the failures among all `streams` to sync, each counted once per account."""
        super().__init__(
            f"{len(failures)} of {streams} streams failed (counted for each account); records "
            "synced so far are kept"
        )


class Terminated(SystemExit):
    """A signal ended the run."""

    def __init__(self, number: int) -> None:
        """Set the exit code that shells use: 128 plus the number of the signal."""
        super().__init__(128 + number)
        self.signal = number


def handle_signals() -> None:
    """Make SIGINT and SIGTERM end the run with `Terminated`.

    The SDK would exit as if the run had succeeded, and in the middle of an output line.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _terminate)


def _terminate(signum: int, _frame: FrameType | None) -> None:
    # The terminal and Meltano both send a signal: the second must not interrupt the last STATE.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Terminated(signum)


class Command(SingerCommand):
    """The SDK's command, without its tracebacks."""

    @classmethod
    def from_singer(cls, command: click.Command, logger: logging.Logger) -> Command:
        """Return `command` with the error handling of this class."""
        return cls(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=logger,
        )

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except SettingsError as error:
            self._end(*error.lines)
        except ConfigValidationError as error:
            self._end(*error.errors)
        except LeadsError as error:
            self._end(str(error))
        except OutputError as error:
            self._end(f"cannot write the output: {error.strerror}")
        except Exception as error:  # noqa: BLE001  # its text may hold a lead's data
            self._end(internal_error(error))

    @override
    def invoke(self, ctx: click.Context) -> Any:
        logging.captureWarnings(capture=True)
        return click.Command.invoke(self, ctx)  # the SDK's own `invoke` prints tracebacks

    def _end(self, *lines: str) -> None:
        for line in lines:
            self.logger.error(line)
        sys.exit(1)


def read_state(file: IO[str]) -> dict[str, Any]:
    """Return the state in a file.

    Raises:
        SettingsError: it is not a Singer state.
    """
    state = _read_object(file, "state")
    bookmarks = state.get("bookmarks", {})
    if (
        "value" in state
        or not isinstance(bookmarks, dict)
        or not all(map(_is_bookmark, bookmarks.values()))
    ):
        msg = f"--state {file.name}: not a Singer state; expected the value of a STATE message"
        raise SettingsError([msg])
    return state


def _is_bookmark(value: Any) -> bool:
    """True if the state of a stream has the form that the SDK writes."""
    if not isinstance(value, dict) or not isinstance(value.get("partitions", []), list):
        return False
    states = [value, *value.get("partitions", [])]
    contexts = [state.get("context") for state in states[1:] if isinstance(state, dict)]
    return (
        len(contexts) == len(states) - 1
        and all(isinstance(context, dict) for context in contexts)
        and all(contexts.count(context) == 1 for context in contexts)
        and all(isinstance(state.get("progress_markers", {}), dict) for state in states)
    )


def read_catalog(file: IO[str]) -> Catalog:
    """Return the catalog in a file.

    Raises:
        SettingsError: it is not a Singer catalog.
    """
    content = _read_object(file, "catalog")
    try:
        if isinstance(content["streams"], list):
            return Catalog.from_dict(content)
    except DATA_ERRORS:
        pass
    msg = f"--catalog {file.name}: not a Singer catalog; create one with --discover"
    raise SettingsError([msg])


def _read_object(file: IO[str], option: str) -> dict[str, Any]:
    try:
        content = json.load(file)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        msg = f"--{option} {file.name}: not a JSON object"
        raise SettingsError([msg])
    return content
