"""Handles a disk that is full or cannot be written: downloads and submits wait for a while; then the run stops.

Tasks are not touched: a paid clip stays at its vendor and is downloaded when there is space.
"""

from __future__ import annotations

import asyncio

from batchvid.domain.jobs import JobState
from batchvid.errors import DiskFailed, DiskFull
from batchvid.runner.context import RunContext
from batchvid.storage import LocalStore

WAIT_S = 600.0  # enough for a person who is watching; at night nobody is, and links expire
CHECKS = 300  # in that time: one every two seconds


class DiskSpaceGate:
    """A gate before the downloads. `stop` ends its background task."""

    def __init__(self, context: RunContext, store: LocalStore, wait_s: float = WAIT_S) -> None:
        self._context = context
        self._store = store
        self._interval_s = wait_s / CHECKS
        self._checks = 0
        self._open = asyncio.Event()
        self._open.set()
        self._waiting: asyncio.Task[None] | None = None
        self._given_up = False

    async def wait_until_open(self) -> bool:
        """Wait until downloads may continue; False if they do not continue in this run."""
        await self._open.wait()
        return not self._given_up

    def check(self) -> None:
        """Close the gate if the disk is full: buy no clips that cannot be stored."""
        try:
            self._store.check_room()
        except DiskFull as exc:
            self.close(exc)

    def close(self, exc: DiskFull | DiskFailed) -> None:
        """Let downloads and submits wait until the disk has space and can be written."""
        if self._given_up or not self._open.is_set():
            return
        self._open.clear()
        self._context.hold(str(exc))
        if not self._checks:  # report once, also if space only seems to be free (a quota)
            cause = "room" if isinstance(exc, DiskFull) else "the disk"
            self._context.notice(
                f"{exc}. Submits and downloads wait for {cause}; tasks go on, nothing paid for is lost"
            )
        self._waiting = asyncio.create_task(self._wait(exc))

    def record_stored(self) -> None:
        """A clip was stored: start counting the checks from 0."""
        self._checks = 0

    async def stop(self) -> None:
        """End the background task."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)

    def _check(self, exc: DiskFull | DiskFailed) -> None:
        if isinstance(exc, DiskFull):
            self._store.check_room(exc.wanted_bytes)
        else:
            self._store.check_writable()

    async def _wait(self, exc: DiskFull | DiskFailed) -> None:
        context = self._context
        while self._checks < CHECKS and not context.stop_reason:
            self._checks += 1
            await asyncio.sleep(self._interval_s)
            try:
                await asyncio.to_thread(self._check, exc)
            except (DiskFull, DiskFailed):
                continue
            self._open.set()
            context.release()
            return
        self._given_up = True
        ready = sum(job.state is JobState.READY for job in context.recorder.jobs.values())
        waiting = f"; {ready} finished clips wait at their vendors" if ready else ""
        remedy = "Make room" if isinstance(exc, DiskFull) else "Make it writable"
        context.stop(f"{exc}{waiting}. {remedy} and run again to go on")
        self._open.set()
