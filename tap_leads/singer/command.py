"""The command line: prints each error as one line, and exits with code 1."""

from __future__ import annotations

import errno
import io
import json
import logging
import signal
import sys
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_leads.errors import DATA_ERRORS, Code, LeadsError, coded, internal_error
from tap_leads.settings.errors import SettingsError
from tap_leads.singer.state_file import EXPECTED, unwrap
from tap_leads.singer.writer import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType


class FailedStreamsError(LeadsError):
    """Streams of some accounts failed and were reported; the others were read."""

    def __init__(self, failures: Sequence[str], streams: int) -> None:
        """Count the failures among all `streams` to sync, each counted once per account.

        The line ends with the first failure: `meltano config test` shows the last line alone.
        """
        super().__init__(f"{len(failures)} of {streams} streams failed. First: {failures[0]}")


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


def is_useful(record: logging.LogRecord) -> bool:
    """Return False for the SDK's line that it skips the environment, which the tap reads itself."""
    return record.msg != "Skipping parse of env var settings..."


_NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}


@contextmanager
def _output_errors() -> Iterator[None]:
    """Turn an error of stdout into a line; click would exit silently if the target is gone."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, OutputError) and error.errno not in _NOT_WRITTEN:
            raise
        sys.stdout = io.StringIO()  # the rest in its buffer cannot be written at the exit either
        if error.errno == errno.EPIPE:
            message = LeadsError(
                "the target closed the pipe", "See the target's error", code=Code.TARGET_CLOSED
            )
        else:
            cause = f"cannot write to stdout: {error.strerror}"
            message = LeadsError(cause, code=Code.OUTPUT_FAILED)
        raise message from None


def lines_of(error: Exception) -> list[str]:
    """Return the lines that explain an error, each with its code."""
    if isinstance(error, SettingsError):
        return [coded(line, error.code) for line in error.lines]
    if isinstance(error, ConfigValidationError):
        return [coded(line, Code.INVALID_SETTING) for line in error.errors]
    return [str(error if isinstance(error, LeadsError) else internal_error(error))]


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
        except Exception as error:  # noqa: BLE001  # its text may hold a lead's data
            self._end(*lines_of(error))

    @override
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _output_errors():  # `--discover` prints the catalog while options are parsed
            return super().make_context(*args, **kwargs)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        logging.captureWarnings(capture=True)
        with _output_errors():
            return click.Command.invoke(self, ctx)  # the SDK's own `invoke` prints tracebacks

    def _end(self, *lines: str) -> None:
        for line in lines:
            self.logger.error(line)
        sys.exit(1)


def read_state(file: IO[str]) -> dict[str, Any]:
    """Return the state in a file, empty if the file is.

    Raises:
        SettingsError: it is not a Singer state.
    """
    state = unwrap(_read_object(file, "state", empty={}, expected=f"; {EXPECTED}"))
    if state is None:
        lines = [f"--state {file.name}: not a Singer state; {EXPECTED}"]
        raise SettingsError(lines, Code.STATE_FILE)
    return state


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
    raise SettingsError([msg], Code.CATALOG_FILE)


def _read_object(
    file: IO[str], option: str, *, empty: dict[str, Any] | None = None, expected: str = ""
) -> dict[str, Any]:
    try:
        text = file.read()
        content = json.loads(text) if text.strip() else empty
    except ValueError:
        content = None
    if not isinstance(content, dict):
        msg = f"--{option} {file.name}: not a JSON object{expected}"
        raise SettingsError([msg], Code(f"{option}-file"))
    return content
