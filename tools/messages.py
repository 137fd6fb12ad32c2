"""The tap's messages by code, for the reference: what they say, and what to do."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from tap_leads.errors import Code
from tools.reference import table


class Message(NamedTuple):
    """A message with its variants, and the remedy in Markdown; `…` stands for what varies."""

    lines: list[str]
    help: str


def messages() -> dict[Code, list[Message]]:
    """Return the messages of each code, in the order of the codes."""
    path = Path(__file__).with_name("messages.toml")
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := found.keys() - set(Code):
        msg = f"messages.toml explains codes that the tap does not have: {sorted(unknown)}"
        raise ValueError(msg)
    return {code: [Message(**each) for each in found[code]] for code in Code}


def reference() -> str:
    """Return a section for each code."""
    return "\n".join(f"## {code}\n\n{_rows(each)}" for code, each in messages().items())


def _span(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _rows(each: list[Message]) -> str:
    rows = [[", ".join(map(_span, message.lines)), message.help] for message in each]
    return table(["message", "what to do"], rows)
