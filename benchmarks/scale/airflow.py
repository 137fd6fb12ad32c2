"""A real Airflow: API server, scheduler with LocalExecutor, and DAG processor."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import requests

from benchmarks.scale.processes import tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

PARTS = ("api-server", "scheduler", "dag-processor")
START_SECONDS, STOP_SECONDS = 300, 15


class AirflowError(Exception):
    """Raised if Airflow does not start; the message names the log."""


class Airflow:
    """An Airflow that runs as long as the `with` block.

    Args:
        program: The command `airflow`.
        home: Its folder, for logs and generated settings.
        dags: The folder with the DAGs.
        database: The SQLAlchemy address of its database.
        environment: The environment of the tasks.
    """

    def __init__(
        self, program: Path, home: Path, dags: Path, database: str, environment: Mapping[str, str]
    ) -> None:
        self._program = program
        self._home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._environment = {
            **environment,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__BASE_URL": self._url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "5",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",  # only the runs that are triggered
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "PATH": f"{program.parent}{os.pathsep}{environment['PATH']}",
            "DO_NOT_TRACK": "1",
        }
        self._parts: list[subprocess.Popen[bytes]] = []
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def pids(self) -> list[int]:
        """Return the process IDs of the parts."""
        return [part.pid for part in self._parts]

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True)
        try:
            self._run("db", "migrate")
            self._parts = [self._start(part) for part in PARTS]
            self._wait_until_healthy()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def ask(self, method: str, path: str, **content: object) -> Any:
        """Return the answer of the REST API."""
        url = f"{self._url}/api/v2/{path}"
        reply = self._session.request(method, url, json=content or None, timeout=30)
        reply.raise_for_status()
        return reply.json()

    def wait_for_dag(self, dag: str) -> None:
        """Wait until a DAG has been read, and activate it."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if errors := self.ask("GET", "importErrors")["import_errors"]:
                raise AirflowError(errors[0]["stack_trace"])
            found = self.ask("GET", f"dags?dag_id_pattern={dag}")["dags"]
            if any(each["dag_id"] == dag for each in found):
                self.ask("PATCH", f"dags/{dag}", is_paused=False)
                return
            time.sleep(0.5)
        raise AirflowError(f"the DAG {dag} was not found; logs: {self._home}")

    def trigger(self, dag: str, run: str, **settings: object) -> None:
        """Start a run of a DAG."""
        self.ask("POST", f"dags/{dag}/dagRuns", dag_run_id=run, logical_date=None, conf=settings)

    def state(self, dag: str, run: str) -> str:
        """Return the state of a run of a DAG, such as `success`."""
        return str(self.ask("GET", f"dags/{dag}/dagRuns/{run}")["state"])

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Return the tasks of a run that load an account."""
        found = self.ask("GET", f"dags/{dag}/dagRuns/{run}/taskInstances?limit=1000")
        return [each for each in found["task_instances"] if each["task_id"] == "load"]

    def _start(self, part: str) -> subprocess.Popen[bytes]:
        with (self._home / f"{part}.log").open("wb") as log:
            return subprocess.Popen(
                [self._program, part],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _run(self, *arguments: str) -> None:
        log = self._home / "setup.log"
        with log.open("ab") as stream:
            done = subprocess.run(
                [self._program, *arguments],
                env=self._environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise AirflowError(f"airflow {' '.join(arguments)} failed; see {log}")

    def _wait_until_healthy(self) -> None:
        """Wait for the API server and for the heartbeats of the other parts."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for part, process in zip(PARTS, self._parts, strict=True):
                if process.poll() is not None:
                    raise AirflowError(f"airflow {part} ended; see {self._home / part}.log")
            try:
                health = self.ask("GET", "monitor/health")
                if {health["scheduler"]["status"], health["dag_processor"]["status"]} == {
                    "healthy"
                }:
                    token = self._session.get(f"{self._url}/auth/token", timeout=30).json()
                    self._session.headers["Authorization"] = f"Bearer {token['access_token']}"
                    return
            except requests.RequestException:
                pass
            time.sleep(0.5)
        raise AirflowError(f"Airflow did not start; logs: {self._home}")

    def _stop(self) -> None:
        """Stop the parts, and what they have started."""
        processes = tree(*self.pids)
        for part in self._parts:
            part.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(part.poll() is None for part in self._parts) and time.monotonic() < deadline:
            time.sleep(0.2)
        for process in [each for each in processes if each.is_running]:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for part in self._parts:
            part.wait()
