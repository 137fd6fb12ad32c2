"""The API of the made-up lead system, over real sockets; its deals move between requests."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import override

from tap_leads.timestamps import SECOND, from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "canary-token"
START = 1_700_000_000


class PipelineCrm:
    """Deals and stages; `after_request` is called after each request for deals."""

    def __init__(self, deals: int) -> None:
        self.deals = [self.deal(f"d{n:05}", START + n // 7) for n in range(deals)]
        self.after_request: Any = lambda: None
        self.odd_deal: Any = None
        self.now = START + 1_000_000
        self.lock = threading.Lock()

    @staticmethod
    def deal(deal_id: str, at: int) -> dict[str, Any]:
        email = f"{deal_id}@example.org"
        return {"id": deal_id, "name": deal_id, "email": email, "changed": to_text(at * SECOND)}

    def edit(self, index: int) -> None:
        """Change a deal now."""
        self.now += 1
        self.deals[index] = self.deal(self.deals[index]["id"], self.now)

    def insert(self) -> None:
        """Add a deal now."""
        self.now += 1
        self.deals.append(self.deal(f"n{self.now}", self.now))

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Return a status and a body."""
        rows: list[Any] = [{"id": f"s{n}", "name": f"Stage {n}"} for n in range(45)]
        if path == "/deals":
            low, high = (from_text(query.get(bound)) for bound in ("since", "until"))
            moments = {deal["id"]: from_text(deal["changed"]) or 0 for deal in self.deals}
            rows = [
                deal
                for deal in self.deals
                if (low is None or moments[deal["id"]] >= low)
                and (high is None or moments[deal["id"]] <= high)
            ]
            key = query["sort"].lstrip("-")
            rows.sort(key=lambda deal: (deal[key], deal["id"]), reverse=query["sort"][0] == "-")
        start = int(query["start"].removeprefix("page-"))
        found = rows[start : start + int(query["limit"])]
        more = start + len(found) < len(rows)
        if path == "/deals":
            if self.odd_deal is not None and found:
                found = [*found[:-1], self.odd_deal]
            self.after_request()
        return 200, {"data": found, "more": more, "next": f"page-{start + len(found)}"}

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve on a free port; the context is the URL."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, crm: PipelineCrm, *args: Any) -> None:
        self._crm = crm
        super().__init__(*args)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.headers["X-Token"] != TOKEN:
            status, body = 401, {"code": "bad_token"}
        else:
            with self._crm.lock:
                status, body = self._crm.answer(parts.path, dict(parse_qsl(parts.query)))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass
