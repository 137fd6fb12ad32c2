"""The file that keeps an account's tokens: whole at any moment, and in one program's hands."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import msgspec
from typing_extensions import override

from tap_leads.errors import CredentialError, LeadsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Seconds to wait for another program, which keeps the file for one request at a time.
_PATIENCE = 300
# What is kept free on the disk while new tokens are asked for: they are many times smaller.
_ROOM = 1 << 16
# Seconds before its end at which a token counts as ended, and the part of its life if it is short.
_MARGIN, _MARGIN_PART = 60, 0.1
_PRIVATE = 0o600

Token = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]
"""A token that a header can carry."""


class Tokens(msgspec.Struct, frozen=True):
    """What the file holds: a pair of tokens, and the times of the first in Unix seconds."""

    access_token: Token
    refresh_token: Token
    obtained_at: float
    expires_at: float
    spent: tuple[str, ...] = ()
    """The SHA-256 of each token and code that these have come from, the last ones at the end."""

    @override
    def __repr__(self) -> str:
        """Nothing that a log must not show."""
        return "Tokens(...)"

    def is_due(self, now: float) -> bool:
        """Whether the access token is to be renewed before it is used again."""
        margin = min(_MARGIN, (self.expires_at - self.obtained_at) * _MARGIN_PART)
        return now >= self.expires_at - margin


_decoder = msgspec.json.Decoder(Tokens)


class TokenFile:
    """One account's tokens on disk, in a file that only its owner may read."""

    def __init__(self, path: Path, setting: str, *, own_folder: bool) -> None:
        """Keep them at `path`, which `setting` can change; the tap makes its own folder."""
        self.path = path.expanduser()
        self._setting = setting
        self._own_folder = own_folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other program, and thread, from the file meanwhile.

        Raises:
            LeadsError: the folder is not there or cannot be written to, or the wait is too long.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415  # few runs need it, and it is slow

        with self._told("written"):
            if self._own_folder and not self.path.parent.is_dir():
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (self.path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
            os.stat(self.path.parent)  # noqa: PTH116  # `filelock` would make it
            lock = FileLock(self._beside(".lock"), mode=_PRIVATE)
        for _ in range(_PATIENCE):
            with self._told("locked"), suppress(Timeout):
                lock.acquire(timeout=1)
                break
            if not threading.main_thread().is_alive():
                raise LeadsError("the run has ended")
        else:
            raise LeadsError(f"another program keeps the tokens in {self.path} to itself; end it")
        try:
            yield
        finally:
            lock.release()

    def load(self) -> Tokens | None:
        """The tokens, None where there is no file yet.

        Raises:
            CredentialError: the file cannot be read, or is not one of the tap's.
        """
        if tokens := self._left_over():
            self._save(self._beside(".new"), tokens)
            return tokens
        with self._told("read"):
            try:
                content = self.path.read_bytes()
            except FileNotFoundError:
                return None
            if self.path.stat().st_mode & ~_PRIVATE & 0o777:
                with suppress(PermissionError):
                    self.path.chmod(_PRIVATE)
        try:
            return _decoder.decode(content)
        except msgspec.DecodeError:
            raise CredentialError(
                f"the token file {self.path} is not one that the tap has written; delete it, and "
                f"consent again, or set `{self._setting}` to another file"
            ) from None

    def _left_over(self) -> Tokens | None:
        """The tokens that a run which was killed had written, and not put in their place."""
        new = self._beside(".new")
        with suppress(OSError, msgspec.DecodeError):
            if not new.is_symlink():
                return _decoder.decode(new.read_bytes())
        return None

    @contextmanager
    def draft(self) -> Iterator[Callable[[Tokens], None]]:
        """A way to save tokens that are yet to be asked for.

        Whatever keeps them from being saved is found out before: afterwards the old ones may be
        worth nothing. What is saved is on the disk, whole, when the call returns.
        """
        path = self.path.resolve()  # a link stays one
        new = self._beside(".new")
        try:
            with self._told("written"):
                if path.exists():
                    # A file that a container has mounted by itself can be written, not replaced.
                    self._replace(new, path.read_bytes())
                self._write(new, b" " * _ROOM)
            yield lambda tokens: self._save(new, tokens)
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)

    def _save(self, new: Path, tokens: Tokens) -> None:
        content = msgspec.json.format(msgspec.json.encode(tokens), indent=2)
        with self._told("written"):
            self._replace(new, content + b"\n")

    def _replace(self, new: Path, content: bytes) -> None:
        self._write(new, content)
        new.replace(self.path.resolve())
        if os.name == "posix":  # elsewhere a folder is no file
            folder = os.open(new.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @staticmethod
    def _write(new: Path, content: bytes) -> None:
        """Write over what the file has, so that the room it takes on the disk stays its own."""
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(new, flags, _PRIVATE)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, for its mode
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(descriptor)
        new.chmod(_PRIVATE)

    def _beside(self, ending: str) -> Path:
        """A file in the same folder: only there can one take the other's place at once."""
        path = self.path.resolve()
        return path.with_name(path.name + ending)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn what the system refuses into a line for people."""
        try:
            yield
        except OSError as error:
            raise CredentialError(
                f"the token file {self.path} cannot be {what} ({error.strerror}); look at its "
                f"folder, or set `{self._setting}` to another file"
            ) from None
