"""The lead APIs of Kommo, Dashly, Carrot quest and Octanist on this machine.

`with Sandbox(leads=3000) as box:` serves all four on a loopback port; `python -m sandbox` does the
same for people. The leads are made up, change on request, and the answers fail on request.
"""

from sandbox.core import faults
from sandbox.core.api import Api
from sandbox.core.wire import Request
from sandbox.server import Sandbox

__all__ = ["Api", "Request", "Sandbox", "faults"]
