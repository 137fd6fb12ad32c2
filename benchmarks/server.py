"""Run the sandbox in its own process, so that its CPU time is not counted with the tools'.

It reads commands as lines of JSON, `[name, {arguments}]`, and answers each with a line of JSON.
`Serving` sends them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from sandbox.server import Sandbox

if TYPE_CHECKING:
    import random
    from types import TracebackType

    from sandbox.core.api import Api

DAY = 86_400
EDITS, INSERTS, DELETES = 3, 2, 2
"""The leads that change after each page, in the case of changing leads."""


class Serving:
    """A sandbox process that runs as long as the `with` block.

    Args:
        leads: The number of leads that Kommo starts with.
        tied: How many of them share one modification date.
        options: Options of the Kommo sandbox, as in `sandbox.kommo.options`.
    """

    def __init__(self, leads: int, *, tied: int = 0, **options: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server", f"--leads={leads}", f"--tied={tied}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        about = self.ask("about")
        self.url: str = about["url"]
        self.token: str = about["token"]
        # No rate limit: otherwise the benchmark would measure how a tool without a limit of its
        # own handles rejected requests.
        self.ask("options", rate_limit=None, **options)

    def ask(self, name: str, **arguments: object) -> Any:
        """Return the answer to a command, which is a method of `_Answers`."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101 - the same
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


class _Answers:
    def __init__(self, box: Sandbox, tied: int) -> None:
        self._box = box
        self._api = box.kommo
        if tied:
            self._api.edit(tied, at=box.clock.now() - 3 * DAY)
        self._first: set[int] = set()
        self._heard: list[bool] = []

    def about(self) -> dict[str, str]:
        """Return the URL of Kommo and its token."""
        return {"url": self._api.url, "token": self._api.token}

    def options(self, **options: object) -> None:
        """Set options of the sandbox."""
        for name, value in options.items():
            setattr(self._api.options, name, value)

    def forget(self) -> None:
        """Clear the request log."""
        self._api.journal.clear()

    def journal(self) -> dict[str, Any]:
        """Return a summary of the requests since the log was cleared."""
        requests = list(self._api.journal)
        times = [request.at for request in requests]
        return {
            "requests": len(requests),
            "rows": sum(request.rows for request in requests),
            "statuses": dict(Counter(request.status for request in requests)),
            "seconds": max(times) - min(times) if times else 0.0,
            "most_in_a_second": self._api.requests_per_second_max(),
        }

    def watch(self, *, change: bool) -> int:
        """Record the existing leads; if `change` is true, modify some leads after each page."""
        self._first = set(self._api.leads)
        self._api.after_request = self._change if change else None
        return len(self._first)

    def untouched(self) -> list[int]:
        """Return the IDs of the recorded leads that have not changed since."""
        return sorted(self._first)

    def foreign(self) -> None:
        """Make next links point to another host, which returns no leads."""
        other = _Foreign(self._heard)
        self._api.options.foreign_next = f"http://localhost:{other.server_address[1]}"

    def heard(self) -> dict[str, int]:
        """Return how many requests the other host received, and how many with the token."""
        return {"requests": len(self._heard), "with_token": sum(self._heard)}

    def _change(self, api: Api, _rng: random.Random) -> None:
        self._first.difference_update(api.edit(EDITS), api.delete(DELETES))
        api.insert(INSERTS)


class _Foreign(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, heard: list[bool]) -> None:
        super().__init__(("localhost", 0), _ForeignHandler)
        self.heard = heard
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _ForeignHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Foreign

    def do_GET(self) -> None:
        """Record whether the request has the token, and return an empty last page."""
        self.server.heard.append("Authorization" in self.headers)
        body = b'{"_page":2,"_links":{},"_embedded":{"leads":[]}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/hal+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_args: object) -> None:
        """Log nothing."""


def main() -> None:
    """Run the sandbox, and answer commands until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, required=True)
    parser.add_argument("--tied", type=int, default=0)
    arguments = parser.parse_args()
    with Sandbox(leads=arguments.leads, seed=1) as box:
        answers = _Answers(box, arguments.tied)
        for line in sys.stdin:
            name, asked = json.loads(line)
            print(json.dumps(getattr(answers, name)(**asked)), flush=True)


if __name__ == "__main__":
    main()
