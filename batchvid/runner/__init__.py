"""Runs a batch with asyncio: submits under limits, one poll loop, downloads, and one recorder of events."""

from batchvid.clock import utc_now
from batchvid.runner.budget.budget import Budget, Charge
from batchvid.runner.budget.caps import SpendingLimits, build_caps
from batchvid.runner.budget.history import earlier_charges
from batchvid.runner.context import Notice
from batchvid.runner.outcome import Outcome
from batchvid.runner.recorder import Listener, Recorder
from batchvid.runner.run import run
from batchvid.runner.setup import DOWNLOADS, RunConfig, RunRequest

__all__ = [
    "DOWNLOADS",
    "Budget",
    "Charge",
    "Listener",
    "Notice",
    "Outcome",
    "Recorder",
    "RunConfig",
    "RunRequest",
    "SpendingLimits",
    "build_caps",
    "earlier_charges",
    "run",
    "utc_now",
]
