"""batchvid itself: `load` and `run` as the command line does them, with a display that watches loop and memory."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

import av  # noqa: F401 - batchvid imports it with the first clip; start-up is a case of its own

from batchvid import events as ev
from batchvid import session
from batchvid.jobs import Job
from batchvid.media import check_duration, probe
from benchmarks.clients import cpu_s, resident_mb, settings, tell

LOOK_EVERY_S = 0.005  # how often the loop is asked whether it is late
POLLED_FOR = 4  # ticks, of a second each, that what is in flight is polled before the run is interrupted
LAG_FROM_S = 1.0  # the start, where all is handed out at once, is told apart
CHECKED = 100  # clips whose check is timed by itself


class Watch:
    """A display that prints nothing: counts what is in flight, and, where it `looks`, how late the loop is.

    Looking two hundred times a second costs CPU of its own. With `stop_at` it interrupts the run, as Ctrl-C does, at
    a few ticks after so many tasks were accepted.
    """

    def __init__(self, stop_at: int, *, looks: bool) -> None:
        self._stop_at = stop_at
        self._looks = looks
        self._lagging: asyncio.Task[None] | None = None
        self.accepted = 0
        self.lags_s: list[float] = []
        self.resident_mb: list[float] = []
        self._polled_for = 0

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:  # noqa: ARG002 - a listener's signature
        """Count."""
        self.accepted += isinstance(event, ev.SubmitAccepted)

    def notice(self, text: str) -> None:
        """Nobody reads it."""

    def tick(self) -> None:
        """Look at the memory; the first one starts the look at the loop."""
        if self._looks:
            self._lagging = self._lagging or asyncio.get_running_loop().create_task(self._look())
        self.resident_mb.append(resident_mb())
        self._polled_for += bool(self._stop_at) and self.accepted >= self._stop_at
        if self._polled_for > POLLED_FOR:
            self._polled_for = self._stop_at = 0
            os.kill(os.getpid(), signal.SIGINT)

    def close(self) -> None:
        """Nothing to clear away: the task ends with its loop."""

    async def _look(self) -> None:
        await asyncio.sleep(LAG_FROM_S)
        while True:
            due = time.perf_counter() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self.lags_s.append(time.perf_counter() - due)


def check_cpu_s(folder: Path) -> float:
    """CPU of the media check of one clip, measured over some of those that were stored; 0 where none was."""
    clips = [next(iter(folder.glob("clips/**/*.mp4")), None)] * CHECKED
    began = cpu_s()
    for clip in filter(None, clips):
        check_duration(probe(clip).duration_s, 8.0)
    return (cpu_s() - began) / CHECKED


def main() -> None:
    """Load and run one manifest."""
    asked = settings()
    start_mb = resident_mb()
    watch = Watch(asked.get("stop_at", 0), looks=asked.get("looks", False))

    def display(_: Sequence[Job]) -> Watch:
        return watch

    began = cpu_s()
    batch = session.load(asked["manifest"], out=asked["folder"])
    loaded = cpu_s()
    outcome = session.run(batch, display=display)
    ran = cpu_s()
    late = watch.lags_s
    tell(
        cpu_s=ran - began,
        load_s=loaded - began,
        start_s=began,
        start_mb=start_mb,
        resident_mb=watch.resident_mb,
        check_s=check_cpu_s(batch.folder),
        counts={str(state): count for state, count in outcome.counts.items()},
        reason=outcome.reason,
        lag_p99_s=quantiles(late, n=100)[98] if len(late) > 100 else None,
    )


if __name__ == "__main__":
    main()
