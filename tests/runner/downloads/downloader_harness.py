"""A downloader at work on jobs whose tasks are finished, without the rest of a run: what it asks, stores and says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchvid.catalog import providers
from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Asset
from batchvid.net.access import bearer
from batchvid.net.transport import Transport
from batchvid.runner.budget.budget import Budget
from batchvid.runner.context import RunContext
from batchvid.runner.downloads.downloader import Downloader
from batchvid.runner.downloads.expiry_warnings import ExpiryMonitor
from batchvid.runner.downloads.stall_detector import DEFAULT_LIMITS, DownloadLimits
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.rate_limits import ConcurrencySlots, SlidingWindowRateLimiter
from batchvid.runner.recorder import Recorder
from batchvid.state.state_file import StateFile
from batchvid.storage import LocalStore
from tests.builders import ACCEPTED, life, planned, spec, started

HOME = "http://127.0.0.1"


class RecordingLimiter(SlidingWindowRateLimiter):
    """A rate that binds nobody and remembers when calls began."""

    def __init__(self) -> None:
        super().__init__(10_000, 1.0)
        self.begun_at: list[float] = []

    def acquire(self, now: float) -> None:
        """Note that one was made."""
        super().acquire(now)
        self.begun_at.append(now)


@dataclass
class DownloaderHarness:
    """What there is to look at: `stored` in the order in which clips came home, `asked` of which task for a link.

    `said` is set with the first notice.
    """

    context: RunContext
    store: LocalStore
    downloader: Downloader
    notices: list[str]
    stored: list[str]
    asked: list[Job]
    said: asyncio.Event

    async def fetch(self, links: dict[str, tuple[str | Asset, ...]]) -> None:
        """Hand these jobs over with these links, all before the first is looked at; wait until all came to rest."""
        for job_id, said in links.items():
            assets = tuple(one if isinstance(one, Asset) else Asset(location=one) for one in said)
            self.downloader.enqueue(self.context.job(job_id), assets)
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing is under way."""
        self.context.over.clear()
        self.context.check_over()
        await self.context.over.wait()

    async def answer(self, job_id: str, *assets: Asset, **fields: Any) -> None:
        """The task names its clip again, and it is fetched."""
        again = ev.TaskSucceeded(at=utc_now(), assets=assets, **fields)
        job = await self.context.recorder.record(job_id, again)
        self.downloader.enqueue(job, assets)
        await self.rest()

    @property
    def expiry_monitor(self) -> ExpiryMonitor:
        """Who tells of links that die."""
        return self.downloader.expiry_monitor

    def state(self, job_id: str) -> JobState:
        """Where a job stands."""
        return self.context.job(job_id).state


def ready(job_id: str, model: str = "kling-v2-6", **fields: Any) -> Job:
    """A job whose task is finished: `fields` are the event's, such as `at` or `expires_at`."""
    done = ev.TaskSucceeded(**{"at": utc_now(), "assets": (), **fields})
    of = spec(job_id, model=model)
    return life(planned(of), started(dialect="kling", model=model, duration_s=1.0), ACCEPTED, done)[-1].job


@asynccontextmanager
async def open_harness(
    folder: Path,
    *jobs: Job,
    concurrency: int = 1,
    base_url: str = HOME,
    spare_bytes: int = 0,
    room_wait_s: float = 600.0,
    patience_s: float = 0.1,
    limits: DownloadLimits = DEFAULT_LIMITS,
    **provider: Any,
) -> AsyncIterator[DownloaderHarness]:
    """A downloader with these ready jobs of one provider, which is at `base_url`."""
    rows = providers({"cometapi": {"base_url": base_url, "wait_initial_s": 0.02, **provider}})
    provider_state = ProviderState(
        provider=rows["cometapi"], base_url=base_url, access=bearer("sk-the-key"),
        slots=ConcurrencySlots(4), submits=SlidingWindowRateLimiter(60, 60.0),
        polls=SlidingWindowRateLimiter(rows["cometapi"].polls_per_s, 1.0),
    )  # fmt: skip
    notices: list[str] = []
    stored: list[str] = []
    asked: list[Job] = []
    said = asyncio.Event()

    def on_event(event: ev.Event, _before: Job | None, after: Job) -> None:
        if isinstance(event, ev.ClipStored):
            stored.append(after.id)

    def notice(text: str) -> None:
        notices.append(text)
        said.set()

    def on_running(job: Job, **_: Any) -> None:
        asked.append(job)
        context.mark_idle(job.id)

    with StateFile(folder / "state.sqlite3") as state:
        recorder = Recorder(state, {job.id: job for job in jobs}, on_event)
        async with Transport() as transport:
            context = RunContext(
                recorder=recorder, transport=transport, provider_states={"cometapi": provider_state}, providers=rows,
                budget=Budget(), notice=notice, started=True,
            )  # fmt: skip
            store = LocalStore(folder, spare_bytes)
            downloader = Downloader(context, store, concurrency, on_running, room_wait_s, patience_s, limits)
            try:
                yield DownloaderHarness(context, store, downloader, notices, stored, asked, said)
            finally:
                await downloader.close()
                await recorder.close()
