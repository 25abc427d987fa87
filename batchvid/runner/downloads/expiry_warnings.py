"""Warns once about each finished clip that is not yet downloaded shortly before its link expires. Fetches nothing."""

from __future__ import annotations

import asyncio
import heapq
from datetime import datetime

from batchvid.clock import utc_now
from batchvid.domain.jobs import JobState
from batchvid.runner.context import RunContext
from batchvid.runner.downloads.link_expiry import warn_at

CHECK_INTERVAL_S = 1.0


class ExpiryMonitor:
    """One heap for all clips instead of one timer per job."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._due: list[tuple[datetime, datetime, str]] = []
        self._expires_at: dict[str, datetime] = {}
        self._warned: set[str] = set()

    def expect(self, job_id: str, expires_at: datetime, now: datetime) -> None:
        """The clip waits for its download and is available until `expires_at`; replaces an earlier link's time."""
        self._expires_at[job_id] = expires_at
        heapq.heappush(self._due, (warn_at(expires_at, now), expires_at, job_id))

    async def serve(self) -> None:
        """Check every second."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            self.check(utc_now())

    def check(self, now: datetime) -> None:
        """Report the warnings that are due."""
        while self._due and self._due[0][0] <= now:
            _, expires_at, job_id = heapq.heappop(self._due)
            waits = self._context.job(job_id).state is JobState.READY and self._expires_at[job_id] == expires_at
            if waits and job_id not in self._warned:
                self._warned.add(job_id)
                self._context.notice(
                    f"{job_id}: its clip is finished but not downloaded yet, and is available only until "
                    f"{expires_at:%Y-%m-%d %H:%M:%S} UTC: a higher downloads.concurrency or a faster network would help"
                )
