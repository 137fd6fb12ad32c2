"""`python -m sandbox`: serve the four APIs until interrupted."""

from __future__ import annotations

import argparse
import random
import sys
import time

from sandbox.server import Sandbox


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8070, help="0 picks a free port (default 8070)")
    parser.add_argument("--leads", type=int, default=3000, help="leads in each API (default 3000)")
    parser.add_argument("--seed", type=int, default=1, help="seed for the leads (default 1)")
    parser.add_argument("--live", action="store_true", help="add and edit leads all the time")
    arguments = parser.parse_args()
    with Sandbox(port=arguments.port, leads=arguments.leads, seed=arguments.seed) as box:
        sys.stdout.write(banner(box, live=arguments.live))
        sys.stdout.flush()
        try:
            while True:
                time.sleep(0.5)
                if arguments.live:
                    live(box)
        except KeyboardInterrupt:
            sys.stdout.write("\nStopped.\n")


def banner(box: Sandbox, *, live: bool = False) -> str:
    """What is served, with which credentials, and how to drive it."""
    state = "added and edited all the time" if live else "unchanged"
    lines = [f"Four lead APIs at {box.url} with made-up leads, {state}. Press Ctrl-C to stop.", ""]
    for name, api, credential in (
        ("Kommo", box.kommo, "access_token"),
        ("Dashly", box.dashly, "auth_token"),
        ("Carrot quest", box.carrotquest, "auth_token"),
        ("Octanist", box.octanist, "api_key"),
    ):
        lines.append(f"{name}, {api.count} leads")
        lines.append(f"  api_url       {api.url}")
        if hasattr(api, "app_id"):
            lines.append(f"  app_id        {api.app_id}")
        lines += [f"  {credential:<13} {api.token}", ""]
    control = f"{box.url}/_control"
    lines += [
        "Try:",
        f"  curl {control}",
        f"  curl -X POST {control}/kommo/edit -d '{{\"count\": 5}}'",
        f"  curl -X POST {control}/octanist/insert -d '{{\"count\": 2}}'",
        f"  curl -X POST {control}/dashly/options -d '{{\"latency\": 0.3}}'",
        f"  curl -X POST {control}/octanist/options -d '{{\"late_rows\": true}}'",
        f'  curl -X POST {control}/kommo/faults -d \'{{"plan": ["reset", 503]}}\'',
        "",
    ]
    return "\n".join(lines)


def live(box: Sandbox) -> None:
    """Let a little happen in each API."""
    for api in box.apis.values():
        chance = random.random()
        if chance < 0.6:  # noqa: PLR2004 - most of what happens is an edit
            api.edit(random.randint(1, 3))
        elif chance < 0.85:  # noqa: PLR2004 - some are new
            api.insert()


if __name__ == "__main__":
    main()
