"""Brings clips home: its own concurrency, the link that dies first goes first. It never buys anything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from batchvid.catalog.model_policies import link_lifetime_s
from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import Clip
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Asset
from batchvid.errors import BadMedia, DiskFull, DownloadError, LinkDead, LinkRefused, StorageError
from batchvid.runner.context import Dispatch, RunContext
from batchvid.runner.downloads.disk_space_gate import WAIT_S, DiskSpaceGate
from batchvid.runner.downloads.expiry_warnings import ExpiryMonitor
from batchvid.runner.downloads.fetch import FetchRequest, fetch_clip
from batchvid.runner.downloads.link_expiry import link_expires_at, urgency
from batchvid.runner.downloads.sidecar import build_sidecar
from batchvid.runner.downloads.stall_detector import max_bytes
from batchvid.runner.downloads.worker_threads import WorkerPool
from batchvid.runner.providers.retry_policy import RetryPolicy
from batchvid.storage import LocalStore

TRIES = 8  # of one asset, each going on where the last one stopped: about a minute
WAIT_INITIAL_S = 0.5
WAIT_MAX_S = 30.0
SHAPE_TOLERANCE = 0.08  # vendors sell 1280x768 as 16:9
MAX_DEAD_LINKS = 3  # fresh links asked for before the clip is given up


@dataclass(order=True, slots=True)
class _DownloadItem:
    """One clip to bring home, sorted by when its link dies. `assets` are those that were not given up on yet.

    `tried` counts tries of the first of them that failed in a way that may pass; `passing` and `dead` are the last
    faults for which one was given up.
    """

    urgency: datetime
    number: int
    job_id: str = field(compare=False)
    assets: tuple[Asset, ...] = field(compare=False)
    tried: int = field(default=0, compare=False)
    passing: DownloadError | None = field(default=None, compare=False)
    dead: DownloadError | None = field(default=None, compare=False)

    def give_up(self, *, passing: DownloadError | None = None, dead: DownloadError | None = None) -> None:
        """Go on to the next asset."""
        self.assets, self.tried = self.assets[1:], 0
        self.passing, self.dead = passing or self.passing, dead or self.dead


class Downloader:
    """Fetches finished clips. Dispatches each job whose links expired, so that its task is polled again."""

    def __init__(
        self,
        context: RunContext,
        store: LocalStore,
        concurrency: int,
        dispatch: Dispatch,
        room_wait_s: float = WAIT_S,
    ) -> None:
        self._context = context
        self._store = store
        self._dispatch = dispatch
        self._room = DiskSpaceGate(context, store, room_wait_s)
        self._room.look()
        self._queue: asyncio.PriorityQueue[_DownloadItem] = asyncio.PriorityQueue()
        self._pushed = 0
        self._pool = WorkerPool()
        self._refreshed: set[str] = set()
        self._tried: set[str] = set()
        self._warned_of_http: set[str] = set()
        self.expiry_monitor = ExpiryMonitor(context)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(concurrency)]
        self._tasks.append(asyncio.create_task(self.expiry_monitor.serve()))

    def enqueue(self, job: Job, assets: tuple[Asset, ...], *, resumed: bool = False) -> None:
        """Fetch a ready job's clip; `assets` as the reply named them, signed links included.

        One that is `resumed` may be here in part, or whole.
        """
        if resumed:
            self._tried.add(job.id)
        self._context.active.add(job.id)
        self._pushed += 1
        dies, now = self._link_expires_at(job), utc_now()
        if dies is not None:
            self.expiry_monitor.expect(job.id, dies, now)
        self._queue.put_nowait(_DownloadItem(urgency(job, self._lifetime_s(job), now), self._pushed, job.id, assets))

    async def close(self) -> None:
        """End the workers; called when nothing is left or nothing may be waited for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, self._room.close(), return_exceptions=True)
        await self._pool.close()

    async def _work(self) -> None:
        while True:
            item = await self._queue.get()
            if not await self._room.opens():
                self._context.mark_idle(item.job_id)  # it stays ready for the next run
                continue
            try:
                await self._fetch_and_store(item)
            except DiskFull as exc:
                self._room.shut(exc)
                self._queue.put_nowait(item)
            except StorageError as exc:
                job_id = item.job_id
                self._context.notice(f"{job_id}: its clip cannot be written: {exc}. It stays ready for the next run")
                self._context.active.discard(job_id)
                self._context.stop(f"clips cannot be written: {exc}")
            except asyncio.CancelledError:
                raise
            except Exception as exc:
                self._context.abort(exc)

    async def _fetch_and_store(self, item: _DownloadItem) -> None:
        job = self._context.job(item.job_id)
        clip = None
        if job.id in self._tried:
            clip = await self._pool.do(partial(self._store.find, job.spec.key, job.task_id))
        if clip is None and self._is_past(job, item.assets):
            self._refreshed.add(job.id)
            await self._request_new_links(job, "its link was not to live until now", dead=False)
            return
        while clip is None and item.assets:
            try:
                catch = self._catch(job, item.assets[0], fresh=job.id not in self._tried)
                self._tried.add(job.id)
                clip = await fetch_clip(self._context.transport, self._store, catch, self._pool)
            except (LinkDead, BadMedia) as exc:
                item.give_up(dead=exc)
                if isinstance(exc, LinkDead) and not job.dead_links:
                    break  # a fresh link is asked for once before the provider's own content route (wire-notes 6.5)
            except LinkRefused as exc:
                item.give_up(passing=exc)
            except DownloadError as exc:
                if self._reschedule(job, item):
                    return
                item.give_up(passing=exc)
        await self._settle(job, item, clip)

    async def _settle(self, job: Job, item: _DownloadItem, clip: Clip | None) -> None:
        record, dead = self._context.recorder.record, item.dead
        if clip is not None:
            self._room.stored()
            await record(job.id, ev.ClipStored(at=utc_now(), clip=clip))
            self._check_shape(job, clip)
        elif item.passing is not None:  # no verdict on the link: the clip is there and waits for a better hour
            self._context.notice(f"{job.id}: {item.passing}. Its clip is paid for and waits: run again to fetch it")
        elif dead is None:
            await self._request_new_links(job, "links are not kept from run to run", dead=False)
            return
        elif job.dead_links < MAX_DEAD_LINKS:
            await self._request_new_links(job, str(dead), dead=True)
            return
        else:
            kind = FailureKind.BAD_MEDIA if isinstance(dead, BadMedia) else FailureKind.EXPIRED
            await record(job.id, ev.GaveUp(at=utc_now(), kind=kind, message=str(dead)))
        self._context.mark_idle(job.id)

    async def _request_new_links(self, job: Job, why: str, *, dead: bool) -> None:
        """Let the task name its clip once more: a free poll."""
        again = ev.LinkExpired(at=utc_now(), message=why, dead=dead)
        self._dispatch(await self._context.recorder.record(job.id, again), poll_first=True)

    def _reschedule(self, job: Job, item: _DownloadItem) -> bool:
        """Let others go first for a while after a fault that may pass; False when it was tried often enough."""
        wait_initial_s = min(WAIT_INITIAL_S, self._context.provider_state(job).provider.wait_initial_s)
        wait_s = RetryPolicy(wait_initial_s, WAIT_MAX_S, TRIES).delay_s(item.tried, self._context.jitter())
        if wait_s is None or self._context.stop_reason:
            return False
        item.tried += 1
        asyncio.get_running_loop().call_later(wait_s, self._queue.put_nowait, item)
        return True

    def _is_past(self, job: Job, assets: tuple[Asset, ...]) -> bool:
        """Whether its links should be dead by now; true once a job, for a clock may be wrong."""
        dies = self._link_expires_at(job)
        links = [asset for asset in assets if asset.location.startswith("http")]
        return dies is not None and dies <= utc_now() and bool(links) and job.id not in self._refreshed

    def _link_expires_at(self, job: Job) -> datetime | None:
        return link_expires_at(job, self._lifetime_s(job))

    def _lifetime_s(self, job: Job) -> float | None:
        return link_lifetime_s(self._context.provider_state(job).provider, job.spec.request.model, self._context.models)

    def _check_shape(self, job: Job, clip: Clip) -> None:
        """Say so when the clip has another shape than asked for: it is kept, for it is paid for."""
        width, colon, height = job.spec.request.aspect_ratio.partition(":")
        if colon and abs(clip.width * int(height) / (clip.height * int(width)) - 1) > SHAPE_TOLERANCE:
            self._context.notice(f"{job.id}: asked for {job.spec.request.aspect_ratio}, got {clip.width}x{clip.height}")

    def _catch(self, job: Job, asset: Asset, *, fresh: bool) -> FetchRequest:
        provider_state = self._context.provider_state(job)
        if asset.location.startswith("http:") and provider_state.base_url.startswith("https:"):
            self._warn_of_http(provider_state.name)
        return FetchRequest(
            asset=asset,
            base_url=provider_state.base_url + job.prefix,
            key=provider_state.key.get_secret_value() if asset.keyed else "",
            clip_key=job.spec.key,
            task_id=job.task_id,
            duration_s=job.billed_s,
            sidecar=build_sidecar(job),
            allow_private_links=provider_state.provider.allow_private_links,
            fresh=fresh,
            max_bytes=provider_state.provider.max_clip_bytes or max_bytes(job.billed_s),
        )

    def _warn_of_http(self, provider: str) -> None:
        """Say once that links are in the clear: to refuse them would lose what is paid for."""
        if provider not in self._warned_of_http:
            self._warned_of_http.add(provider)
            self._context.notice(f"{provider} names its clips by http: links: anybody on the way can read them")
