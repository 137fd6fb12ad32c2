"""A buffered writer: many Singer messages in one write to stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from singer_sdk.contrib.msgspec import MsgSpecWriter, serialize_jsonl
from singer_sdk.singerlib import RecordMessage, StateMessage
from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib.encoding.simple import Message

_FLUSH_BYTES = 1 << 16
# Larger than any line: a line that fits is buffered completely or not at all, so that a signal
# never cuts one in two.
_BUFFER_BYTES = 1 << 24


class OutputError(OSError):
    """Raised if the output cannot be written: its reader has ended, or the disk is full."""


class Writer(MsgSpecWriter):
    """Buffers records, and writes them with the next STATE at the latest.

    The SDK's writer flushes after each record, which costs more than building the record.
    """

    def __init__(self) -> None:
        """Open stdout when the first message is written."""
        self._out: BinaryIO | None = None
        self._buffered = 0

    @override
    def write_message(self, message: Message) -> None:
        if isinstance(message, StateMessage):
            # `to_dict` would copy the state of all accounts, part by part, for each message.
            line = serialize_jsonl({"type": message.type, "value": message.value})
        else:
            line = self.format_message(message)
        try:
            if self._out is None:
                self._out = _stdout()
            self._out.write(line)
            self._buffered += len(line)
            if self._buffered >= _FLUSH_BYTES or not isinstance(message, RecordMessage):
                self._out.flush()
                self._buffered = 0
        except OSError as error:
            raise OutputError(error.errno, error.strerror) from None


def _stdout() -> BinaryIO:
    sys.stdout.flush()
    try:
        return open(sys.stdout.fileno(), "wb", buffering=_BUFFER_BYTES, closefd=False)
    except OSError:  # not a file: a test that captures what is printed
        return sys.stdout.buffer
