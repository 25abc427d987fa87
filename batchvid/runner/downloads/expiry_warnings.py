"""Says once of each finished clip that is not here yet that its link dies soon. Fetches nothing, decides nothing."""

from __future__ import annotations

import asyncio
import heapq
from datetime import datetime

from batchvid.clock import utc_now
from batchvid.domain.jobs import JobState
from batchvid.runner.context import RunContext
from batchvid.runner.downloads.link_expiry import warn_at

LOOK_EVERY_S = 1.0


class ExpiryMonitor:
    """One heap for all clips: no timer a job."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._due: list[tuple[datetime, datetime, str]] = []
        self._dies: dict[str, datetime] = {}
        self._told: set[str] = set()

    def expect(self, job_id: str, dies: datetime, now: datetime) -> None:
        """The clip waits to be fetched and can be until `dies`; what was said of an earlier link counts no more."""
        self._dies[job_id] = dies
        heapq.heappush(self._due, (warn_at(dies, now), dies, job_id))

    async def serve(self) -> None:
        """Look every second."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look(utc_now())

    def look(self, now: datetime) -> None:
        """Say what must be said by now."""
        while self._due and self._due[0][0] <= now:
            _, dies, job_id = heapq.heappop(self._due)
            still_out = self._context.job(job_id).state is JobState.READY and self._dies[job_id] == dies
            if still_out and job_id not in self._told:
                self._told.add(job_id)
                self._context.notice(
                    f"{job_id}: its clip is finished but not here yet, and can be fetched until "
                    f"{dies:%Y-%m-%d %H:%M:%S} UTC only: more downloads.concurrency or a quicker line would help"
                )
