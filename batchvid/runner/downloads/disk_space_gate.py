"""What is done about a full disk: downloads and submits wait for room, for a while; then the run ends and says so.

Tasks are never touched: what is paid for stays at its vendor and is fetched when there is room.
"""

from __future__ import annotations

import asyncio

from batchvid.domain.jobs import JobState
from batchvid.errors import DiskFull
from batchvid.runner.context import RunContext
from batchvid.storage import LocalStore

WAIT_S = 600.0  # a person who is looking on makes room in that time; nobody is there at night, and links die
CHECKS = 300  # looks in that time: one every two seconds


class DiskSpaceGate:
    """A gate before the downloads."""

    def __init__(self, context: RunContext, store: LocalStore, wait_s: float = WAIT_S) -> None:
        self._context = context
        self._store = store
        self._every_s = wait_s / CHECKS
        self._looks = 0
        self._open = asyncio.Event()
        self._open.set()
        self._waiting: asyncio.Task[None] | None = None
        self._given_up = False

    async def opens(self) -> bool:
        """Wait until downloads may go on; False when they will not in this run."""
        await self._open.wait()
        return not self._given_up

    def look(self) -> None:
        """Shut the gate when the disk is full already: no money is spent on clips that nobody can keep."""
        try:
            self._store.check_room()
        except DiskFull as exc:
            self.shut(exc)

    def shut(self, fault: DiskFull) -> None:
        """The disk said no: let downloads and submits wait until it has room."""
        if self._given_up or not self._open.is_set():
            return
        self._open.clear()
        self._context.hold(str(fault))
        if not self._looks:  # not again, where there only seems to be room (a quota)
            self._context.notice(f"{fault}. Submits and downloads wait for room; tasks go on, nothing paid for is lost")
        self._waiting = asyncio.create_task(self._wait(fault))

    def stored(self) -> None:
        """A clip found its place: whatever was said of the disk before counts no more."""
        self._looks = 0

    async def close(self) -> None:
        """Look no more."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)

    async def _wait(self, fault: DiskFull) -> None:
        context = self._context
        while self._looks < CHECKS and not context.stop_reason:
            self._looks += 1
            await asyncio.sleep(self._every_s)
            try:
                await asyncio.to_thread(self._store.check_room, fault.wanted_bytes)
            except DiskFull:
                continue
            self._open.set()
            context.release()
            return
        self._given_up = True
        ready = sum(job.state is JobState.READY for job in context.recorder.jobs.values())
        waiting = f"; {ready} finished clips wait at their vendors" if ready else ""
        context.stop(f"{fault}{waiting}. Make room and run again to go on")
        self._open.set()
