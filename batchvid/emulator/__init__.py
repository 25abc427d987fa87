"""The embedded provider: a loopback HTTP server that speaks the vendors' formats, renders clips, keeps the books.

It shares nothing with the client, so that a mistake made there is not agreed with here. README.md
beside this file is its manual.
"""

from batchvid.emulator.fault_rules import FaultError
from batchvid.emulator.server import Emulator, serve
from batchvid.emulator.settings import Settings

__all__ = ["Emulator", "FaultError", "Settings", "serve"]
