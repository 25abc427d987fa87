"""A run that ends as soon as its first task is bought, and leaves it running: quicker than killing a process."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from io import StringIO

from batchvid import commands
from batchvid.display.progress import LineDisplay
from batchvid.display.tally import RunCounters
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job
from tests.end_to_end.conftest import Bench


class Interrupting(LineDisplay):
    """A display that presses Ctrl-C when a task is on record, before anybody polls it."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__(RunCounters(jobs), StringIO())

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        super().__call__(event, before, after)
        if isinstance(event, ev.SubmitAccepted):
            os.kill(os.getpid(), signal.SIGINT)


def leave_running(bench: Bench) -> None:
    """Run the bench's manifest until its first task is on record, and no further."""
    batch = commands.load(bench.manifest, out=bench.batch.parent)
    assert commands.run(batch, allow_retired=True, display=Interrupting).exit_code == 130
    assert bench.status()["states"]["running"] == 1
