"""`python -m sandbox`: serve the four APIs until interrupted."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

from sandbox.reference import reference
from sandbox.server import Sandbox

_DESCRIPTION = """\
Simulated lead APIs of Kommo, Dashly, Carrot quest and Octanist for development and tests.

The sandbox serves all four APIs on a loopback port, filled with generated leads. It prints the URL
and the credentials of each API. Over its control plane you change leads and make requests fail
while it runs. Nothing is stored: the same seed generates the same leads at each start, with dates
up to then.
"""
_EXAMPLES = """\
examples:
  python -m sandbox
      serve 3000 leads per API on port 8070
  python -m sandbox --port 0 --leads 100 --live
      serve 100 leads on a free port, and add and edit leads all the time
  python -m sandbox --accounts berlin porto --accounts-file accounts.json
      also serve two further Kommo accounts, and authorize an integration in them
  curl -X POST http://127.0.0.1:8070/_control/kommo/edit -d '{"count": 5}'
      edit five leads of Kommo
  curl -X POST http://127.0.0.1:8070/_control/kommo/faults -d '{"plan": ["reset", 503]}'
      reset the connection of the next list request, and answer 503 to the one after it
  curl -X POST http://127.0.0.1:8070/_control/octanist/options -d '{"latency": 0.3}'
      delay each answer by 0.3 seconds

control plane:
  GET http://127.0.0.1:8070/_control lists the APIs, their options and all actions.
  It has no authentication. The sandbox listens on 127.0.0.1 only.

sandbox/README.md describes the faults, the options and the use from Python tests.
"""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8070,
        help="port to listen on; 0 picks a free one (default: 8070)",
    )
    parser.add_argument(
        "--leads", type=int, default=3000, help="initial number of leads per API (default: 3000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed for the leads (default: 1)")
    parser.add_argument(
        "--live", action="store_true", help="add and edit leads all the time (default: off)"
    )
    parser.add_argument(
        "--accounts",
        nargs="+",
        default=(),
        metavar="NAME",
        help="serve further Kommo accounts, each with its own leads",
    )
    parser.add_argument(
        "--accounts-file",
        type=Path,
        metavar="FILE",
        help="write these accounts as a kommo.accounts_file, with a new authorization code of each",
    )
    parser.add_argument(
        "--reference", action="store_true", help="print all faults and options as Markdown and exit"
    )
    arguments = parser.parse_args()
    if arguments.reference:
        sys.stdout.write(reference())
        return
    with Sandbox(
        port=arguments.port,
        leads=arguments.leads,
        seed=arguments.seed,
        accounts=arguments.accounts,
    ) as box:
        if arguments.accounts_file:
            arguments.accounts_file.write_text(accounts_file(box), encoding="utf-8")
        sys.stdout.write(banner(box, live=arguments.live))
        sys.stdout.flush()
        try:
            while True:
                time.sleep(0.5)
                if arguments.live:
                    change(box)
        except KeyboardInterrupt:
            sys.stdout.write("\nStopped.\n")


def banner(box: Sandbox, *, live: bool = False) -> str:
    """Return the URLs, the credentials and some commands to try."""
    state = "Leads are added and edited all the time." if live else "Leads change on request only."
    lines = [
        f"Four lead APIs with generated leads at {box.url}. {state}",
        "Press Ctrl-C to stop.",
        "",
    ]
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
    for name, account in box.accounts.items():
        lines += [
            f"Kommo account {name}, {account.count} leads",
            f"  api_url       {account.url}",
            "",
        ]
    control = f"{box.url}/_control"
    lines += [
        "Try:",
        f"  curl {control}",
        f"  curl -X POST {control}/kommo/edit -d '{{\"count\": 5}}'",
        f"  curl -X POST {control}/octanist/insert -d '{{\"count\": 2}}'",
        f"  curl -X POST {control}/dashly/options -d '{{\"latency\": 0.3}}'",
        f'  curl -X POST {control}/kommo/faults -d \'{{"plan": ["reset", 503]}}\'',
        "",
    ]
    return "\n".join(lines)


def accounts_file(box: Sandbox) -> str:
    """Return the further Kommo accounts as the tap's setting `kommo.accounts_file` takes them."""
    accounts = [
        {
            "name": name,
            "subdomain": name,
            "api_url": account.url,
            "oauth": {
                "client_id": account.oauth.client_id,
                "client_secret": account.oauth.client_secret,
                "redirect_uri": account.oauth.redirect_uri,
                "code": account.oauth.consent(),
            },
        }
        for name, account in box.accounts.items()
    ]
    return json.dumps(accounts, indent=2) + "\n"


def change(box: Sandbox) -> None:
    """Edit or add a few leads in each API."""
    for api in box.apis.values():
        chance = random.random()
        if chance < 0.6:  # noqa: PLR2004 - most changes are edits
            api.edit(random.randint(1, 3))
        elif chance < 0.85:  # noqa: PLR2004 - some are new leads
            api.insert()


if __name__ == "__main__":
    main()
