"""`make demo`: every lead of four systems through Meltano into CSV files and PostgreSQL.

Run again, it changes a few leads first and loads only those. All it makes is in `output/`.
`python -m sandbox.demo sql` opens psql on what was loaded.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from psycopg import sql

from sandbox.postgres import Postgres, PostgresError
from sandbox.server import Sandbox

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "output"
LEADS, EDITED, NEW = 3000, 7, 3


class DemoError(Exception):
    """What went wrong, in a line for people."""


def main() -> None:
    """Load and tell, or open psql."""
    try:
        with Postgres(OUTPUT / "postgres") as postgres:
            if sys.argv[1:] == ["sql"]:
                sys.exit(subprocess.call([postgres.psql, postgres.url]))
            demo(postgres)
    except (DemoError, PostgresError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def demo(postgres: Postgres) -> None:
    """Load everything, or what changed since the last time, and say what is where."""
    moments = remember(time.time())
    with Sandbox(leads=LEADS, seed=1, start=moments[0]) as box:
        replay(box, moments[1:])
        print(f"Kommo, Dashly, Carrot quest and Octanist as sandboxes on {box.url}")
        if len(moments) == 1:
            print(f"  {LEADS:,} made-up leads each; nothing is loaded yet\n")
        else:
            print(f"  since the last run {EDITED} leads of each changed and {NEW} came in\n")
        before = {slot: csv_rows(slot) for slot in box.apis}
        environment = settings(box, postgres) | {"TARGET_CSV_OUTPUT_PATH": csv_folder(len(moments))}
        requests = load("target-csv", box, environment)
        load("target-postgres", box, environment)
        report(postgres, before, requests)


def remember(now: float) -> list[float]:
    """The moments of all runs, this one the last."""
    file = OUTPUT / "demo.json"
    moments: list[float] = json.loads(file.read_text()) if file.exists() else []
    moments.append(now)
    file.write_text(json.dumps(moments))
    return moments


def replay(box: Sandbox, moments: list[float]) -> None:
    """Let happen again what happened at each run: the leads are those that were loaded."""
    for moment in moments:
        box.clock.advance(moment - box.clock.now())
        for api in box.apis.values():
            api.edit(EDITED)
            api.insert(NEW)


def settings(box: Sandbox, postgres: Postgres) -> dict[str, str]:
    """The environment of Meltano: the sandbox's addresses and credentials, none of the user's."""
    ours = ("MELTANO_", "TAP_LEADS_", "TARGET_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    for slot, api in box.apis.items():
        environment[f"TAP_LEADS_{slot.upper()}_API_URL"] = api.url
        # The defaults keep to the limits of the real APIs; here there are none.
        environment[f"TAP_LEADS_{slot.upper()}_REQUESTS_PER_SECOND"] = "100"
    return environment | {
        "TAP_LEADS_KOMMO_ACCESS_TOKEN": box.kommo.token,
        "TAP_LEADS_KOMMO_SUBDOMAIN": "example",
        "TAP_LEADS_DASHLY_APP_ID": box.dashly.app_id,
        "TAP_LEADS_DASHLY_AUTH_TOKEN": box.dashly.token,
        "TAP_LEADS_CARROTQUEST_APP_ID": box.carrotquest.app_id,
        "TAP_LEADS_CARROTQUEST_AUTH_TOKEN": box.carrotquest.token,
        "TAP_LEADS_OCTANIST_API_KEY": box.octanist.token,
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url.replace("://", "+psycopg://"),
        "MELTANO_ENVIRONMENT": "demo",
        "MELTANO_STATE_BACKEND_URI": (OUTPUT / "state").as_uri(),
        "no_proxy": "127.0.0.1",
    }


def load(target: str, box: Sandbox, environment: dict[str, str]) -> dict[str, int]:
    """Run Meltano, showing that it goes on; gives the number of requests to each API.

    Raises:
        DemoError: it failed.
    """
    command = f"meltano run tap-leads {target}"
    options = ["--log-format=uncolored", f"--env-file={os.devnull}"]
    log = OUTPUT / "logs" / f"{target}.log"
    log.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    asked = {slot: len(api.journal) for slot, api in box.apis.items()}

    def requests() -> dict[str, int]:
        return {slot: len(api.journal) - asked[slot] for slot, api in box.apis.items()}

    def line() -> str:
        seconds = time.monotonic() - began
        return f"{command:<38} {sum(requests().values()):>5} requests  {seconds:>4.0f} s"

    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(
            [Path(sys.executable).with_name("meltano"), *options, *command.split()[1:]],
            cwd=ROOT,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        while process.poll() is None:
            if sys.stdout.isatty():
                print(line(), end="\r", flush=True)
            time.sleep(0.1)
    print(line(), flush=True)
    if process.returncode:
        error = re.search(r"\[(?:error|critical) *\] (\S+) +(.+)", log.read_text(encoding="utf-8"))
        what = ": ".join(error.groups()) if error else f"exit code {process.returncode}"
        msg = f"{command} failed: {what}\nIts log: {log.relative_to(ROOT)}"
        raise DemoError(msg)
    return requests()


def csv_folder(run: int) -> str:
    """A folder for the files of each run: target-csv begins its files anew."""
    return "output/csv" if run == 1 else f"output/csv/run-{run}"


def csv_rows(slot: str) -> int:
    """How many leads the CSV files of a source hold, those of all runs."""
    rows = 0
    for file in (OUTPUT / "csv").rglob(f"{slot}_leads.csv"):
        with file.open(encoding="utf-8", newline="") as stream:
            rows += sum(1 for _ in csv.DictReader(stream))
    return rows


def report(postgres: Postgres, before: dict[str, int], requests: dict[str, int]) -> None:
    """A table of what was read and what is there, and how to look at it."""
    columns = "{:<18} {:>9} {:>11} {:>12} {:>19}"
    print(columns.format("\n", "requests", "leads read", "rows in CSV", "rows in PostgreSQL"))
    repeated = False
    with psycopg.connect(postgres.url) as connection:
        for slot, was in before.items():
            count = sql.SQL("select count(*) from {}").format(sql.Identifier(f"{slot}_leads"))
            found = connection.execute(count).fetchone()
            stored, rows = found[0] if found else 0, csv_rows(slot)
            repeated |= rows > stored
            numbers = (requests[slot], rows - was, rows, stored)
            print(columns.format(f"{slot}_leads", *(f"{number:,}" for number in numbers)))
    if repeated:
        print("A run begins a little before the last one ended (lookback_seconds), lest leads that")
        print("show late be lost. Leads read again are one row in PostgreSQL, several in CSV.")
    print("""
Look:   head -3 output/csv/kommo_leads.csv    (later runs: output/csv/run-2 ...)
        make demo-sql    opens psql, for instance for: select * from octanist_leads limit 3;
Logs:   output/logs
Again:  make demo        changes a few leads and reads what is new""")


if __name__ == "__main__":
    main()
