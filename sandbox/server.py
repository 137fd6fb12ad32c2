"""The HTTP server in front of the four APIs."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote

from typing_extensions import override

from sandbox.core import control
from sandbox.core.api import Api, World
from sandbox.core.clock import Clock
from sandbox.core.wire import Reply, Request
from sandbox.dashly.api import Dashly
from sandbox.kommo.api import Kommo
from sandbox.octanist.api import Octanist

if TYPE_CHECKING:
    from types import TracebackType


class Sandbox:
    """The four APIs on one loopback port, served from threads while the `with` block lasts.

    Args:
        port: The port; 0 takes a free one.
        leads: How many leads each API has to begin with.
        seed: The same seed gives the same leads.
        start: The moment the clock starts at, in epoch seconds. Default: the real one.
    """

    def __init__(
        self, port: int = 0, leads: int = 3000, seed: int = 1, start: float | None = None
    ) -> None:
        self.clock = Clock(start)
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.box = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        began = self.clock.now() if start is None else start
        world = World(self.url, self.clock, began, seed, leads)
        self.kommo = Kommo("kommo", world)
        self.dashly = Dashly("dashly", world)
        self.carrotquest = Dashly("carrotquest", world)
        self.octanist = Octanist("octanist", world)
        self._thread: threading.Thread | None = None

    @property
    def apis(self) -> dict[str, Api]:
        """The APIs by the first part of their path."""
        every: tuple[Api, ...] = (self.kommo, self.dashly, self.carrotquest, self.octanist)
        return {api.slot: api for api in every}

    def start(self) -> None:
        """Begin to serve."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self.closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    box: Sandbox

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connections = count(1)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client goes away in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    @override
    def setup(self) -> None:
        """Number the connection."""
        super().setup()
        self._connection_number = next(self.server.connections)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    @override
    def log_message(self, *_args: object) -> None:
        """Keep quiet: the journal has it all."""

    def _serve(self) -> None:
        box = self.server.box
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        slot, _, rest = path[1:].partition("/")
        api = box.apis.get(slot)
        if api is None:
            self._send(control.answer(box, self.command, unquote(path), body))
            return
        pairs = parse_qsl(query, keep_blank_values=True)
        request = Request(
            method=self.command,
            path=unquote("/" + rest),
            query=_by_name(pairs),
            headers=self.headers,
            at=time.monotonic(),
            clock=box.clock.now(),
            pairs=pairs,
            base=f"http://{self.headers.get('Host') or box.url[7:]}/{slot}",
            body=body,
            connection=self._connection_number,
        )
        self._send(api.answer(request))

    def _send(self, reply: Reply) -> None:
        """Send the reply in one piece, or spoil it as its fault asks."""
        if reply.fault.kind == "reset":
            self._reset()
            return
        if reply.fault.kind == "lost_reply":
            self.close_connection = True
            return
        body = b"" if self.command == "HEAD" else reply.body
        lines = [f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}", "Server: nginx"]
        if reply.status != 204:  # noqa: PLR2004 - no content, so no type and no length
            lines += [f"Content-Type: {reply.type}", f"Content-Length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if reply.fault.kind in {"stall", "truncate"}:
            body = body[: len(body) // 2]
            self.close_connection = True
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        if reply.fault.kind == "stall":
            self.server.box.closing.wait(reply.fault.seconds)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


def _by_name(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query
