"""Hands each job to the part of the run that handles its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchvid.domain.jobs import Job, JobState
from batchvid.runner.context import RunContext

if TYPE_CHECKING:
    from batchvid.runner.downloads.downloader import Downloader
    from batchvid.runner.polling.poller import Poller
    from batchvid.runner.submission.reconciliation import Reconciler
    from batchvid.runner.submission.submitter import Submitter


class Dispatcher:
    """The parts of one run. They are set before the first job is dispatched."""

    submitter: Submitter
    poller: Poller
    downloader: Downloader
    reconciler: Reconciler

    def __init__(self, context: RunContext, *, only_reconcile: bool = False) -> None:
        self._context = context
        self._only_reconcile = only_reconcile

    def __call__(self, job: Job, *, delay_s: float = 0.0, resumed: bool = False, poll_first: bool = False) -> None:
        """See `context.Dispatch`."""
        match job.state:
            case JobState.PENDING:
                self.submitter.enqueue(job, delay_s)
            case JobState.RUNNING if not self._only_reconcile:
                self.poller.track(job, at_once=resumed, first=poll_first)
            case JobState.READY if not resumed or self._context.is_reachable(job):
                self.downloader.enqueue(job, job.assets, resumed=resumed)
            case JobState.UNCERTAIN:
                self.reconciler.start(job, resumed=resumed)
            case _:
                self._context.mark_idle(job.id)
