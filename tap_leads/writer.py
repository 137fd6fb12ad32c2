"""Messages on their way to stdout, many at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib.encoding.simple import Message

_SEND_AT = 1 << 16
# Larger than any line: one that fits is taken whole or not at all, so a signal cuts none in two.
_ROOM = 1 << 24


class Writer(MsgSpecWriter):
    """Gathers records, and writes them out with the next state at the latest.

    The SDK's writes and flushes each record by itself, which costs more than making it.
    """

    def __init__(self) -> None:
        """Write to stdout as it is when the first message comes."""
        self._out: BinaryIO | None = None
        self._waiting = 0

    @override
    def write_message(self, message: Message) -> None:
        line = self.format_message(message)
        if self._out is None:
            self._out = _stdout()
        self._out.write(line)
        self._waiting += len(line)
        if self._waiting >= _SEND_AT or not isinstance(message, RecordMessage):
            self.flush()

    def flush(self) -> None:
        """Write out what waits."""
        if self._out is not None:
            self._out.flush()
            self._waiting = 0


def _stdout() -> BinaryIO:
    sys.stdout.flush()
    try:
        return open(sys.stdout.fileno(), "wb", buffering=_ROOM, closefd=False)
    except OSError:  # not a file: a test that catches what is printed
        return sys.stdout.buffer
