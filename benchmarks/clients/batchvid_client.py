"""batchvid itself: `load` and `run` as the command line does them, with a display that watches loop and memory."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from importlib import import_module
from itertools import islice
from pathlib import Path
from statistics import quantiles

import av  # noqa: F401 - batchvid imports it with the first clip; start-up is a case of its own

from batchvid import commands
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job
from batchvid.runner.downloads.differences import Expected, find_differences
from batchvid.storage.video_probe import probe
from benchmarks.clients import cpu_s, print_result, resident_mb, settings

LOOK_EVERY_S = 0.005  # how often the loop's delay is measured
LAG_FROM_S = 1.0  # the start, where all jobs go out at once, is excluded
STATE_THREAD = "batchvid-state"
CHECKED = 100  # clips whose check is timed by itself


class TrackedTask:
    """A display that prints nothing: counts what is in flight, and, where it `looks`, how late the loop is.

    Looking two hundred times a second costs CPU of its own. With `stop_at` it interrupts the run, as Ctrl-C does, when
    so many tasks were accepted and then polled for so many ticks, of a second each. When so many `jobs` have a clip it
    looks which thread cost what.
    """

    def __init__(self, jobs: int = 0, *, stop_at: int = 0, polled_for: int = 0, looks: bool = False) -> None:
        self._missing = jobs
        self._stop_at = stop_at
        self._looks = looks
        self.used_s: dict[str, float] = {}
        self._lagging: asyncio.Task[None] | None = None
        self.accepted = 0
        self.lags_s: list[float] = []
        self.resident_mb: list[float] = []
        self._ticks_left = polled_for

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:  # noqa: ARG002 - a listener's signature
        """Count."""
        self.accepted += isinstance(event, ev.SubmitAccepted)
        if isinstance(event, ev.ClipStored):
            self._missing -= 1
            if not self._missing:
                self.used_s = threads_cpu_s()

    def notice(self, text: str) -> None:
        """Not used."""

    def tick(self) -> None:
        """Look at the memory; the first one starts the look at the loop."""
        if self._looks:
            self._lagging = self._lagging or asyncio.get_running_loop().create_task(self._look())
        self.resident_mb.append(resident_mb())
        if self._stop_at and self.accepted >= self._stop_at:
            self._ticks_left -= 1
            if self._ticks_left < 0:
                self._stop_at = 0
                os.kill(os.getpid(), signal.SIGINT)

    def close(self) -> None:
        """Nothing to clear away: the task ends with its loop."""

    async def _look(self) -> None:
        await asyncio.sleep(LAG_FROM_S)
        while True:
            due = time.perf_counter() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self.lags_s.append(time.perf_counter() - due)


def threads_cpu_s() -> dict[str, float]:
    """CPU so far of this process, of its main thread and of the one that writes the state file; seconds (Unix)."""
    known = {thread.name: thread.ident for thread in threading.enumerate()}
    idents = {"main": threading.main_thread().ident, "state": known.get(STATE_THREAD)}
    used_s = {
        name: time.clock_gettime(time.pthread_getcpuclockid(ident))
        for name, ident in idents.items()
        if ident is not None
    }
    return {**used_s, "all": cpu_s()}


def shares_s(before: dict[str, float], at_last_clip: dict[str, float], after_s: float) -> dict[str, float]:
    """Which part of the program the CPU between two readings went to, seconds; empty when no last clip came."""
    if not at_last_clip:
        return {}
    spent = {name: used_s - before.get(name, 0.0) for name, used_s in at_last_clip.items()}
    others_s = spent["all"] - spent["main"] - spent["state"]
    end_s = after_s - at_last_clip["all"]
    return {"main thread": spent["main"], "state thread": spent["state"], "other threads": others_s, "reports": end_s}


def check_cpu_s(folder: Path) -> float:
    """CPU of the media check of one clip, measured over some of those that were stored; 0 where none was."""
    clips = list(islice(folder.glob("clips/**/*.mp4"), CHECKED))
    began = cpu_s()
    for clip in clips:
        find_differences(Expected(duration_s=8.0), probe(clip))
    return (cpu_s() - began) / max(len(clips), 1)


def main() -> None:
    """Load and run one manifest, after another one to `warm_up` if given, on another event `loop` if given."""
    arguments = settings()
    if "loop" in arguments:
        asyncio.set_event_loop_policy(import_module(arguments["loop"]).EventLoopPolicy())
    if "warm_up" in arguments:
        elsewhere = Path(arguments["warm_up"]).parent  # the same batch would find its first job stored already
        commands.run(commands.load(arguments["warm_up"], out=elsewhere), display=lambda _: TrackedTask())
    start_mb, began = resident_mb(), cpu_s()
    batch = commands.load(arguments["manifest"], out=arguments["folder"])
    loaded = threads_cpu_s()
    optional = {name: arguments[name] for name in ("stop_at", "polled_for", "looks") if name in arguments}
    watch = TrackedTask(len(batch.manifest.jobs), **optional)
    outcome = commands.run(batch, display=lambda _: watch)
    ran = cpu_s()
    late = watch.lags_s
    print_result(
        cpu_s=ran - began,
        load_s=loaded["all"] - began,
        shares_s=shares_s(loaded, watch.used_s, ran),
        start_s=began,
        start_mb=start_mb,
        resident_mb=watch.resident_mb,
        loop=type(asyncio.get_event_loop_policy()).__module__,
        check_s=check_cpu_s(batch.folder),
        counts={str(state): count for state, count in outcome.counts.items()},
        reason=outcome.reason,
        lag_p99_s=quantiles(late, n=100)[98] if len(late) > 100 else None,
    )


if __name__ == "__main__":
    main()
