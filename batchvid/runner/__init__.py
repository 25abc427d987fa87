"""Runs a batch with asyncio: submits under limits, one poll loop, downloads, and one recorder of events."""

from batchvid.clock import utc_now
from batchvid.runner.budget.budget import Budget, Charge
from batchvid.runner.budget.caps import SpendingLimits
from batchvid.runner.budget.forecast import count_allowed
from batchvid.runner.context import Notice
from batchvid.runner.downloads.downloader import PATIENCE_S
from batchvid.runner.outcome import Outcome
from batchvid.runner.recorder import Listener, Recorder
from batchvid.runner.run import run
from batchvid.runner.setup import DOWNLOADS, RunConfig, RunRequest
from batchvid.runner.spending_history import earlier_charges

__all__ = [
    "DOWNLOADS",
    "PATIENCE_S",
    "Budget",
    "Charge",
    "Listener",
    "Notice",
    "Outcome",
    "Recorder",
    "RunConfig",
    "RunRequest",
    "SpendingLimits",
    "count_allowed",
    "earlier_charges",
    "run",
    "utc_now",
]
