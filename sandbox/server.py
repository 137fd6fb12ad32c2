"""The sandbox: the four APIs, the control plane and the server in front of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from sandbox.core.actions import Action
from sandbox.core.api import Api, World
from sandbox.core.clock import Clock
from sandbox.core.control import ControlPlane
from sandbox.core.http import HttpServer, SilentPort
from sandbox.dashly.api import Dashly
from sandbox.kommo.api import Kommo
from sandbox.octanist.api import Octanist

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_APART = 1_000_003
"""The distance between the seeds of two accounts."""


class Sandbox:
    """Serves the four APIs on one loopback port while its `with` block runs.

    Args:
        port: The port; 0 picks a free one.
        leads: The initial number of leads in each API.
        seed: The same seed generates the same leads, with dates before the initial time.
        start: The clock's initial time in epoch seconds. Default: the real time.
        accounts: The names of further Kommo accounts: `berlin` is served at `/kommo-berlin`. Each
            has its own leads, tokens and authorizations. They share the integration, the options
            and the rate limit of `kommo`, as if all requests came from one IP address.
    """

    def __init__(
        self,
        port: int = 0,
        leads: int = 3000,
        seed: int = 1,
        start: float | None = None,
        accounts: Sequence[str] = (),
    ) -> None:
        self.clock = Clock(start)
        self._server = HttpServer(port, self.clock)
        self._silent: SilentPort | None = None
        self.url = self._server.url
        began = self.clock.now() if start is None else start
        world = World(self.url, self.clock, began, seed, leads)
        self.kommo = Kommo("kommo", world)
        self.accounts = {
            name: Kommo(f"kommo-{name}", replace(world, seed=seed + _APART * number), self.kommo)
            for number, name in enumerate(accounts, start=1)
        }
        """The further Kommo accounts by name."""
        self.dashly = Dashly("dashly", world)
        self.carrotquest = Dashly("carrotquest", world)
        self.octanist = Octanist("octanist", world)
        silent_help = "{}: opens a port that accepts connections and never answers; returns its URL"
        silent = Action(silent_help, lambda _content: {"url": self.silent_url})
        self.control = ControlPlane(self.apis, self.clock, {"silent": silent})

    @property
    def apis(self) -> dict[str, Api]:
        """The APIs by the first segment of their paths."""
        every: tuple[Api, ...] = (self.kommo, self.dashly, self.carrotquest, self.octanist)
        every += tuple(self.accounts.values())
        return {api.slot: api for api in every}

    @property
    def silent_url(self) -> str:
        """The URL of a port that accepts connections and never answers; opened on first use."""
        if self._silent is None:
            self._silent = SilentPort()
        return self._silent.url

    def start(self) -> None:
        """Start serving."""
        self._server.start(self.apis, self.control)

    def close(self) -> None:
        """Stop serving and free the ports."""
        self._server.close()
        if self._silent is not None:
            self._silent.close()

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
