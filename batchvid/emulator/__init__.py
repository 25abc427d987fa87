"""The embedded provider: a loopback HTTP server that implements the vendors' formats and renders real clips.

It shares no code with the client, so that both cannot contain the same mistake. README.md is its manual.
"""

from batchvid.emulator.fault_rules import FaultError
from batchvid.emulator.server import Emulator, serve
from batchvid.emulator.settings import Settings

__all__ = ["Emulator", "FaultError", "Settings", "serve"]
