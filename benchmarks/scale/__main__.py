"""Check that hundreds of accounts work, and print what they cost: `make scale`.

The exit code is 1 if something does not hold. All files are in `.scale/`.
"""

from __future__ import annotations

import argparse
import signal
import sys

from benchmarks.scale import alone, engine, snippets
from benchmarks.scale.airflow import AirflowError
from benchmarks.scale.project import SetUpError
from benchmarks.scale.report import Report
from demo.postgres import PostgresError

PARTS = {"engine": (engine.run, 24), "alone": (alone.run, 200), "snippets": (snippets.run, 0)}
"""Each part with its number of accounts."""


def main() -> None:
    """Run the parts that the command line selects."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="run only these")
    parser.add_argument("--accounts", type=int, help="number of accounts of each part (24; 200)")
    arguments = parser.parse_args()
    # So that a run which is told to end stops Airflow and PostgreSQL, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = Report()
    try:
        for part in arguments.parts:
            run, accounts = PARTS[part]
            run(report, arguments.accounts or accounts)
    except (AirflowError, PostgresError, SetUpError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"\n{report.failed} failed" if report.failed else "\nEverything holds.")
    sys.exit(bool(report.failed))


if __name__ == "__main__":
    main()
