"""`python -m tools.mutants`: print how many mutants the unit tests kill, and fail below 85 %.

`mutmut run` has left its results in mutants/. It prints no score of each package itself.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "mutants"
LEAST = 85
# The exit codes of pytest for a failed test and for an internal error, and mutmut's for a timeout.
KILLED = frozenset({1, 3, -24, 24, 36, 152, 255})


def main() -> None:
    """Print the score of each package and of all."""
    rooms: dict[str, list[bool]] = defaultdict(list)
    for file in sorted(RESULTS.glob("tap_leads/**/*.py.meta")):
        codes = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        room, *inside = file.relative_to(RESULTS / "tap_leads").parts
        rooms[f"tap_leads/{room if inside else ''}"] += [code in KILLED for code in codes]
    rooms["all"] = [killed for each in rooms.values() for killed in each]
    too_few = False
    for room, killed in rooms.items():
        if killed:
            score = 100 * sum(killed) / len(killed)
            too_few |= score < LEAST
            print(f"{room:24} {sum(killed):5} of {len(killed):5} killed  {score:5.1f} %")
    if too_few or not rooms["all"]:
        sys.exit(f"less than {LEAST} % of the mutants were killed; see `mutmut results`")


if __name__ == "__main__":
    main()
