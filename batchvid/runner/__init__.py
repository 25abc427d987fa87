"""The asyncio machine: submits under limits, one poll loop, downloads, and the one verb that records it all."""

from batchvid.runner.accounts import earlier_charges
from batchvid.runner.ask import ask, fetch_listing
from batchvid.runner.budget import Budget, Charge
from batchvid.runner.caps import Limits, caps_of
from batchvid.runner.context import Notice, utc_now
from batchvid.runner.keys import Keys
from batchvid.runner.outcome import Outcome
from batchvid.runner.recorder import Listener, Recorder
from batchvid.runner.run import DOWNLOADS, Asked, Setup, run

__all__ = [
    "DOWNLOADS",
    "Asked",
    "Budget",
    "Charge",
    "Keys",
    "Limits",
    "Listener",
    "Notice",
    "Outcome",
    "Recorder",
    "Setup",
    "ask",
    "caps_of",
    "earlier_charges",
    "fetch_listing",
    "run",
    "utc_now",
]
