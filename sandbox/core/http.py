"""The HTTP server in front of the APIs, and a port that never answers."""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from typing_extensions import override

from sandbox.core.wire import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.core.api import Api
    from sandbox.core.clock import Clock
    from sandbox.core.control import ControlPlane

_HOST = "127.0.0.1"


class HttpServer:
    """Serves the APIs and the control plane on a loopback port, each request in a thread.

    Args:
        port: The port; 0 picks a free one.
        clock: The sandbox's clock.
    """

    def __init__(self, port: int, clock: Clock) -> None:
        self._server = _Server((_HOST, port), _Handler)
        self._server.clock = clock
        self.url = f"http://{_HOST}:{self._server.server_address[1]}"
        self._thread: threading.Thread | None = None

    def start(self, apis: Mapping[str, Api], control: ControlPlane) -> None:
        """Start serving."""
        self._server.apis, self._server.control = apis, control
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class SilentPort:
    """A port that accepts connections and never sends a byte.

    The operating system completes each connection. Nothing ever reads from it.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server((_HOST, 0), backlog=128)
        self.url = f"http://{_HOST}:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        """Free the port; the operating system resets the open connections."""
        self._socket.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    apis: Mapping[str, Api]
    control: ControlPlane
    clock: Clock

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connections = count(1)
        self.closing = threading.Event()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection early; print any other error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


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
        """Print nothing: the journal has every request."""

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        slot, _, rest = path[1:].partition("/")
        api = self.server.apis.get(slot)
        if api is None:
            self._send(self.server.control.answer(self.command, unquote(path), body))
            return
        pairs = parse_qsl(query, keep_blank_values=True)
        request = Request(
            method=self.command,
            path=unquote("/" + rest),
            query=_by_name(pairs),
            headers=self.headers,
            at=time.monotonic(),
            clock=self.server.clock.now(),
            pairs=pairs,
            base=f"http://{self.headers.get('Host') or api.url.split('/')[2]}/{slot}",
            body=body,
            connection=self._connection_number,
        )
        self._send(api.answer(request))

    def _send(self, reply: Reply) -> None:
        """Send the reply in one piece, or damage it as its fault says."""
        if reply.fault.kind == "reset":
            self._reset()
            return
        if reply.fault.kind == "lost_reply":
            self.close_connection = True
            return
        body = b"" if self.command == "HEAD" else reply.body
        lines = [f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}", "Server: nginx"]
        if reply.status != 204:  # noqa: PLR2004 - 204 has no body, so no type and no length
            lines += [f"Content-Type: {reply.type}", f"Content-Length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if reply.fault.kind in {"stall", "truncate"}:
            body = body[: len(body) // 2]
            self.close_connection = True
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        if reply.fault.kind == "stall":
            self.server.closing.wait(reply.fault.seconds)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


def _by_name(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query
