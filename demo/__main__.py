"""Load the four sandbox APIs with Meltano, build the models and write the report: `make demo`.

Later runs first change a few leads, then load only the changes. All output is in `output/`.
`python -m demo sql` opens psql on the loaded database.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg
from psycopg import sql

from demo.environment import OUTPUT, ROOT, environment_of
from demo.postgres import Postgres, PostgresError
from examples.report.__main__ import report
from sandbox.server import Sandbox
from tap_leads.sources import SOURCES

LEADS, EDITED, NEW, DELETED = 1000, 7, 3, 2
MODELS = "analytics"
"""The schema of the models."""
DESELECTED = [
    f"!{stream.name}.*"
    for source in SOURCES
    for stream in source.streams
    if not (stream.selected_by_default or stream.name == "kommo_lead_notes")
]
"""What the tap does not select by default, but for notes, which have the calls."""


TABLES = """
    select relname from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace order by oid
"""
"""Selects the tables in the order in which they were first loaded."""


class DemoError(Exception):
    """Raised if the demo fails; the message is for the user."""


def main() -> None:
    """Run the demo, or open psql."""
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
    """Load everything, or what changed since the last run, and print a summary."""
    moments = remember(time.time())
    with Sandbox(leads=LEADS, seed=1, start=moments[0]) as box:
        box.kommo.options.customers_mode = "segments"
        replay(box, moments[1:])
        print(f"Sandboxes of Kommo, Dashly, Carrot quest and Octanist at {box.url}")
        if len(moments) == 1:
            print(f"  {LEADS:,} made-up leads each; nothing is loaded yet\n")
        else:
            print(f"  since the last run: {EDITED} leads edited and {NEW} added in each,")
            print(f"  {DELETED} deleted in Kommo\n")
        before = csv_rows()
        environment = environment_of(box, postgres) | {
            "TAP_LEADS__SELECT": json.dumps(["*.*", *DESELECTED]),
            "TARGET_CSV_OUTPUT_PATH": csv_folder(len(moments)),
        }
        requests = load("target-csv", box, environment)
        load("target-postgres dbt-postgres:build", box, environment)
        summarize(postgres, before, requests)
    report(postgres.url, MODELS, OUTPUT / "report.html")


def remember(now: float) -> list[float]:
    """Record the time of this run and return the times of all runs, oldest first."""
    file = OUTPUT / "demo.json"
    moments: list[float] = json.loads(file.read_text()) if file.exists() else []
    moments.append(now)
    file.write_text(json.dumps(moments))
    return moments


def replay(box: Sandbox, moments: list[float]) -> None:
    """Repeat the changes of each run, so that the sandbox has the leads that were loaded."""
    for moment in moments:
        box.clock.advance(moment - box.clock.now())
        for api in box.apis.values():
            api.edit(EDITED)
            api.insert(NEW)
        box.kommo.delete(DELETED)


def load(targets: str, box: Sandbox, environment: dict[str, str]) -> dict[str, int]:
    """Run Meltano, show its progress, and return the number of requests to each API.

    Raises:
        DemoError: Meltano failed.
    """
    command = f"meltano run tap-leads {targets}"
    options = ["--log-format=uncolored", f"--env-file={os.devnull}"]
    log = OUTPUT / "logs" / f"{targets.partition(' ')[0]}.log"
    log.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    asked = {slot: len(api.journal) for slot, api in box.apis.items()}

    def requests() -> dict[str, int]:
        return {slot: len(api.journal) - asked[slot] for slot, api in box.apis.items()}

    def line() -> str:
        seconds = time.monotonic() - began
        return f"{command:<57} {sum(requests().values()):>5} requests  {seconds:>4.0f} s"

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
        msg = f"{command} failed: {what}\nLog: {log.relative_to(ROOT)}"
        raise DemoError(msg)
    return requests()


def csv_folder(run: int) -> str:
    """Return the output folder of a run; each has its own, as target-csv overwrites its files."""
    return "output/csv" if run == 1 else f"output/csv/run-{run}"


def csv_rows() -> Counter[str]:
    """Return the number of rows in the CSV files of each stream, across all runs."""
    rows: Counter[str] = Counter()
    for file in (OUTPUT / "csv").rglob("*.csv"):
        with file.open(encoding="utf-8", newline="") as stream:
            rows[file.stem] += sum(1 for _ in csv.DictReader(stream))
    return rows


def summarize(postgres: Postgres, before: Counter[str], requests: dict[str, int]) -> None:
    """Print the rows that were read and loaded, and how to look at them."""
    columns = "{:<28} {:>9} {:>12} {:>19}"
    print(columns.format("\n", "rows read", "rows in CSV", "rows in PostgreSQL"))
    repeated, rows = False, csv_rows()
    with psycopg.connect(postgres.url) as connection:
        tables = [str(name) for (name,) in connection.execute(TABLES)]
        for table in sorted(tables, key=lambda name: list(requests).index(name.partition("_")[0])):
            count = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
            found = connection.execute(count).fetchone()
            stored = found[0] if found else 0
            repeated |= rows[table] > stored
            numbers = (rows[table] - before[table], rows[table], stored)
            print(columns.format(table, *(f"{number:,}" for number in numbers)))
    print("requests:", ", ".join(f"{slot} {count}" for slot, count in requests.items()))
    if repeated:
        print("Each run starts before its bookmark (lookback_seconds) to catch late records, and")
        print("syncs small lists as full tables. A record that is synced again is one row in")
        print("PostgreSQL and several rows in CSV.")
    print("""
Look:   head -3 output/csv/kommo_leads.csv    (later runs: output/csv/run-2 ...)
        output/report.html    leads, funnel, win rate and more, in a browser
        make demo-sql    opens psql; try: select * from analytics.leads limit 9;
Logs:   output/logs
Again:  make demo        changes a few leads and loads only the changes""")


if __name__ == "__main__":
    main()
