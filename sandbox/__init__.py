"""Simulated lead APIs of Kommo, Dashly, Carrot quest and Octanist for development and tests.

`with Sandbox(leads=3000) as box:` serves all four on a loopback port, and so does
`python -m sandbox`. The leads are generated. Leads change and requests fail on demand.
See `README.md` in this folder.
"""

from sandbox.core import faults
from sandbox.core.api import Api
from sandbox.core.wire import Request
from sandbox.server import Sandbox

__all__ = ["Api", "Request", "Sandbox", "faults"]
