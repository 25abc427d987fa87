"""A run that dies by SIGKILL right after its n-th recorded event: `... N MANIFEST [--regenerate IDS] --out FOLDER`."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence

from batchvid import commands
from batchvid.display.progress import LineDisplay
from batchvid.display.tally import RunCounters
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job


class Killer(LineDisplay):
    """A display that lets so many recorded events pass."""

    def __init__(self, jobs: Sequence[Job], left: int) -> None:
        super().__init__(RunCounters(jobs), io.StringIO())
        self._left = left
        self._reap()

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        super().__call__(event, before, after)
        if not isinstance(event, ev.Progressed):
            self._left -= 1
            self._reap()

    def _reap(self) -> None:
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    count, manifest, *options, _, out = sys.argv[1:]
    regenerate = options[1:]  # after --regenerate
    batch = commands.load(manifest, out=out)
    sys.exit(commands.run(batch, regenerate=regenerate, display=lambda jobs: Killer(jobs, int(count))).exit_code)
