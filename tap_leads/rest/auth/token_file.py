"""The file that keeps an account's tokens: always complete, used by one program at a time."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tap_leads.errors import Code
from tap_leads.names import account_id
from tap_leads.rest.auth.token_store import LOCK_SECONDS, Tokens, TokensMovedError
from tap_leads.rest.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Bytes kept free on the disk while new tokens are requested: they are many times smaller. Real
# bytes are written because `posix_fallocate` is not there on every system.
RESERVED_BYTES = 1 << 16
_OWNER_ONLY = 0o600
# What is left of tokens that were moved. A run that has them in its memory must not save them.
_MOVED = b'{"moved": "tap-leads-admin tokens has moved these tokens to another place"}\n'

_decoder = msgspec.json.Decoder(Tokens)


def account_file(source: str, label: str, path: str | None) -> TokenFile:
    """Return the token file of an account: at `path`, else at the default place."""
    return TokenFile(
        Path(path) if path else default_file(source, label),
        f"{source}.oauth.token_file",
        own_folder=not path,
    )


def default_file(source: str, label: str) -> Path:
    """Return where an account's tokens are by default: in the Meltano project, if there is one."""
    project = os.environ.get("MELTANO_PROJECT_ROOT")
    folder = Path(project, ".meltano", "tap-leads") if project else Path(".tap-leads").absolute()
    return folder / f"{account_id(source, label)}.json"


class TokenFile:
    """One account's tokens on disk, in a file that only its owner can read.

    `setting` is the setting that names the file, for messages. With `own_folder` the folder is
    the tap's, and is created.
    """

    def __init__(self, path: Path, setting: str, *, own_folder: bool) -> None:
        self.path = path.expanduser()
        self._setting = setting
        self._own_folder = own_folder

    @property
    def place(self) -> str:
        """Return the path, for messages."""
        return str(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the file against other programs and threads.

        Raises:
            CredentialError: The folder is missing or not writable, or the lock is not released.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415  # few runs need it, and it is slow

        with self._readable_errors("written"):
            if self._own_folder and not self.path.parent.is_dir():
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (self.path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
            os.stat(self.path.parent)  # noqa: PTH116  # `filelock` would create it
            lock = FileLock(self._sibling(".lock"), mode=_OWNER_ONLY)
        with self._readable_errors("locked"):
            try:
                lock.acquire(timeout=LOCK_SECONDS)
            except Timeout:
                raise CredentialError(
                    f"another process keeps the token file {self.path} locked; stop it and run the "
                    "sync again",
                    code=Code.TOKEN_FILE_LOCKED,
                ) from None
        try:
            yield
        finally:
            lock.release()

    def load(self) -> Tokens | None:
        """Return the tokens, None if there is no file yet.

        Raises:
            TokensMovedError: The tokens are in another place now.
            CredentialError: The file cannot be read, or was not written by the tap.
        """
        if tokens := self._left_over():
            self._save(self._sibling(".new"), tokens)
            return tokens
        with self._readable_errors("read"):
            try:
                content = self.path.read_bytes()
            except FileNotFoundError:
                return None
            if self.path.stat().st_mode & ~_OWNER_ONLY & 0o777:
                with suppress(PermissionError):
                    self.path.chmod(_OWNER_ONLY)
        if content == _MOVED:
            raise TokensMovedError(self.place)
        try:
            return _decoder.decode(content)
        except msgspec.DecodeError:
            raise CredentialError(
                f"the token file {self.path} was not written by tap-leads; delete it and authorize "
                f"the integration again, or set `{self._setting}` to another file",
                code=Code.TOKEN_FILE,
            ) from None

    def _left_over(self) -> Tokens | None:
        """Return tokens that a killed run had written but not moved into place."""
        new = self._sibling(".new")
        with suppress(OSError, msgspec.DecodeError):
            if not new.is_symlink():
                return _decoder.decode(new.read_bytes())
        return None

    @contextmanager
    def draft(self) -> Iterator[Callable[[Tokens], None]]:
        """Yield a function that saves tokens which are yet to be requested.

        Whatever prevents saving is found out before: once new tokens are issued, the old ones
        may be invalid. The tokens are on the disk, complete, when that function returns.
        """
        path = self.path.resolve()  # a link stays a link
        new = self._sibling(".new")
        try:
            with self._readable_errors("written"):
                if path.exists():
                    # A file that a container mounts by itself can be written, but not replaced.
                    self._replace(new, path.read_bytes())
                self._write(new, b" " * RESERVED_BYTES)
            yield lambda tokens: self._save(new, tokens)
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)

    def retire(self) -> None:
        """Replace the tokens by a note that they were moved; `load` then raises."""
        with self._readable_errors("written"):
            self._replace(self._sibling(".new"), _MOVED)

    def _save(self, new: Path, tokens: Tokens) -> None:
        content = msgspec.json.format(msgspec.json.encode(tokens), indent=2)
        with self._readable_errors("written"):
            self._replace(new, content + b"\n")

    def _replace(self, new: Path, content: bytes) -> None:
        self._write(new, content)
        new.replace(self.path.resolve())
        if os.name == "posix":  # elsewhere a folder cannot be opened
            folder = os.open(new.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @staticmethod
    def _write(new: Path, content: bytes) -> None:
        """Overwrite the file in place, so that it keeps the space it takes on the disk."""
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(new, flags, _OWNER_ONLY)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, for its mode
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(descriptor)
        new.chmod(_OWNER_ONLY)

    def _sibling(self, ending: str) -> Path:
        """Return a file in the same folder: only such a file can replace this one atomically."""
        path = self.path.resolve()
        return path.with_name(path.name + ending)

    @contextmanager
    def _readable_errors(self, what: str) -> Iterator[None]:
        """Turn an OSError into a message for people."""
        try:
            yield
        except OSError as error:
            raise CredentialError(
                f"the token file {self.path} cannot be {what} ({error.strerror}); check its folder "
                f"or set `{self._setting}` to another file",
                code=Code.TOKEN_FILE,
            ) from None
