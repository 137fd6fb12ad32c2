"""Run the tap, and look at what it emits."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter
from typing_extensions import override

from tap_leads.tap import TapLeads
from tests.support.catalogs import LEADS, catalog_for
from tests.support.logs import uncoded
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from singer_sdk.singerlib.encoding.simple import Message

    from sandbox import Api
    from tests.support.settings import Config


@dataclass
class Run:
    """The outcome of a run of the tap."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""
    code: int = 0

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Return the records of a stream, in order."""
        return [
            m["record"] for m in self.messages if m["type"] == "RECORD" and m["stream"] == stream
        ]

    def ids(self, stream: str) -> list[str]:
        """Return the IDs of a stream's records as text, in order."""
        return [str(record["id"]) for record in self.records(stream)]

    @property
    def schemas(self) -> dict[str, dict[str, Any]]:
        """Return the last SCHEMA message of each stream."""
        return {m["stream"]: m for m in self.messages if m["type"] == "SCHEMA"}

    @property
    def states(self) -> list[dict[str, Any]]:
        """Return the value of each STATE, in order."""
        return [m["value"] for m in self.messages if m["type"] == "STATE"]

    @property
    def state(self) -> dict[str, Any]:
        """Return the last state."""
        return self.states[-1]

    def bookmark(self, stream: str, account: str | None = None) -> str | None:
        """Return the bookmark of a stream for an account (by default its only one)."""
        partitions = self.state["bookmarks"][stream]["partitions"]
        found = [p for p in partitions if account in {None, p["context"]["account"]}]
        assert len(found) == 1
        value: str | None = found[0].get("replication_key_value")
        return value

    def said(self) -> list[str]:
        """Return the messages on stderr at WARNING or ERROR, without their codes."""
        lines = [line.split(" | ") for line in self.stderr.splitlines()]
        levels = {"WARNING", "ERROR"}
        return [uncoded(x[-1]) for x in lines if len(x) > 1 and x[1].strip() in levels]


class Table:
    """A target that upserts: the last row of each key over several runs."""

    def __init__(self) -> None:
        """Start empty."""
        self.rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def load(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Load the records of a run."""
        for message in messages:
            if message["type"] == "RECORD":
                record = message["record"]
                self.rows[message["stream"]][str(record["id"])] = record


class Capture(MsgSpecWriter):
    """A message writer that keeps the messages."""

    def __init__(self) -> None:
        """Start empty."""
        self.messages: list[dict[str, Any]] = []

    @override
    def write_message(self, message: Message) -> None:
        """Keep a message as a target would see it, with exact numbers."""
        line = bytes(self.serialize_message(message))
        self.messages.append(json.loads(line, parse_float=Decimal))


def everyone(api: Api) -> set[str]:
    """Return the IDs of all leads of a source as text."""
    return {str(lead["id"]) for lead in api.rendered()}


def sync(config: Config, state: dict[str, Any] | None = None, **options: Any) -> Run:
    """Run the tap in this process; a failed account ends in `code` 1 as on the command line."""
    writer = Capture()
    options = {"catalog": LEADS, **options}
    tap = TapLeads(config=config, state=state, message_writer=writer, **options)
    tap.sync_all()
    return Run(messages=writer.messages, code=1 if tap.report.failures else 0)


def read(
    api: Api,
    *streams: str,
    state: dict[str, Any] | None = None,
    catalog: dict[str, Any] | None = None,
    code: int = 0,
    **settings: Any,
) -> Run:
    """Run the tap over one source, and check its exit code.

    Args:
        api: The source in the sandbox.
        streams: The streams to select; its leads if there is no catalog either.
        state: The state of an earlier run.
        catalog: The catalog, instead of streams.
        code: The exit code.
        settings: Settings of the source, or of the tap.
    """
    catalog = catalog or catalog_for(*(streams or [f"{api.slot}_leads"]))
    run = sync(config_of(api, **settings), state, catalog=catalog)
    assert run.code == code
    return run


def read_default_streams(api: Api, **settings: Any) -> Run:
    """Run the tap over the default streams of one source; the run succeeds."""
    run = sync(config_of(api, **settings), catalog=None)
    assert run.code == 0
    return run


def config_of(api: Api, **settings: Any) -> Config:
    """Return the settings of the tap for one source, given those of the source and of the tap."""
    of_source = TapLeads.config_jsonschema["properties"][api.slot]["properties"]
    own = {name: value for name, value in settings.items() if name in of_source}
    top = {name: value for name, value in settings.items() if name not in own}
    return {api.slot: settings_for(api, **own), **top}


def written(folder: Path, **files: Any) -> list[str]:
    """Write files (text and bytes unchanged, the rest as JSON), and return their options."""
    options: list[str] = []
    for option, content in files.items():
        if content is not None:
            path = folder / f"{option}.json"
            text = content if isinstance(content, str | bytes) else json.dumps(content)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            options += [f"--{option}", str(path)]
    return options


def messages_of(stdout: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line, parse_float=Decimal) for line in stdout.splitlines()]
    except ValueError:
        return [{"type": "TEXT", "text": stdout}]
