"""Downloads finished clips with its own concurrency; the link that expires first goes first. Buys nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

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
from batchvid.runner.downloads.link_expiry import link_expires_at, priority
from batchvid.runner.downloads.sidecar import build_sidecar
from batchvid.runner.downloads.stall_detector import max_bytes
from batchvid.runner.downloads.worker_threads import close_pool, create_pool, run_in
from batchvid.runner.providers.retry_policy import RetryPolicy
from batchvid.storage import LocalStore

MAX_TRIES = 8  # of one asset; each resumes where the last one stopped: about a minute
WAIT_INITIAL_S = 0.5
WAIT_MAX_S = 30.0
ASPECT_RATIO_TOLERANCE = 0.08  # vendors sell 1280x768 as 16:9
MAX_DEAD_LINKS = 3  # then the clip is given up


@dataclass(order=True, slots=True)
class _DownloadItem:
    """One clip to download, sorted by the expiry of its link. `assets` are those that are not given up yet.

    `tries` counts transient failures of the first asset. `transient` and `dead` are the last errors for which an asset
    was given up.
    """

    priority: datetime
    number: int
    job_id: str = field(compare=False)
    assets: tuple[Asset, ...] = field(compare=False)
    tries: int = field(default=0, compare=False)
    transient: DownloadError | None = field(default=None, compare=False)
    dead: DownloadError | None = field(default=None, compare=False)

    def give_up(self, *, transient: DownloadError | None = None, dead: DownloadError | None = None) -> None:
        """Continue with the next asset."""
        self.assets, self.tries = self.assets[1:], 0
        self.transient, self.dead = transient or self.transient, dead or self.dead


class Downloader:
    """Downloads finished clips. Dispatches each job whose links expired, so that its task is polled again."""

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
        self._disk_space_gate = DiskSpaceGate(context, store, room_wait_s)
        self._disk_space_gate.check()
        self._queue: asyncio.PriorityQueue[_DownloadItem] = asyncio.PriorityQueue()
        self._enqueued = 0
        self._pool = create_pool()
        self._refreshed: set[str] = set()
        self._tried: set[str] = set()
        self._warned_of_http: set[str] = set()
        self.expiry_monitor = ExpiryMonitor(context)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(concurrency)]
        self._tasks.append(asyncio.create_task(self.expiry_monitor.serve()))

    def enqueue(self, job: Job, assets: tuple[Asset, ...], *, resumed: bool = False) -> None:
        """Download a ready job's clip from the reply's `assets`.

        `resumed`: an earlier run left it ready, so all or part of it may be on disk.
        """
        if resumed:
            self._tried.add(job.id)
        self._context.active.add(job.id)
        self._enqueued += 1
        expires_at, now = self._link_expires_at(job), utc_now()
        if expires_at is not None:
            self.expiry_monitor.expect(job.id, expires_at, now)
        due = priority(job, self._lifetime_s(job), now)
        self._queue.put_nowait(_DownloadItem(due, self._enqueued, job.id, assets))

    async def close(self) -> None:
        """End the workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, self._disk_space_gate.stop(), return_exceptions=True)
        await close_pool(self._pool)

    async def _work(self) -> None:
        while True:
            item = await self._queue.get()
            if self._context.is_interrupted or not await self._disk_space_gate.wait_until_open():
                self._context.mark_idle(item.job_id)  # it stays ready for the next run
                continue
            try:
                await self._fetch_and_store(item)
            except DiskFull as exc:
                self._disk_space_gate.close(exc)
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
            clip = await run_in(self._pool, self._store.find, job.spec.key, job.task_id)
        if clip is None and self._has_expired(job, item.assets):
            self._refreshed.add(job.id)
            await self._request_new_links(job, "its link should have expired by now", dead=False)
            return
        while clip is None and item.assets:
            try:
                request = self._build_request(job, item.assets[0], fresh=job.id not in self._tried)
                self._tried.add(job.id)
                clip = await fetch_clip(self._context.transport, self._store, request, self._pool)
            except (LinkDead, BadMedia) as exc:
                item.give_up(dead=exc)
                if isinstance(exc, LinkDead) and not job.dead_links:
                    break  # request a new link once before using the provider's content route (wire-notes 6.5)
            except LinkRefused as exc:
                item.give_up(transient=exc)
            except DownloadError as exc:
                if self._reschedule(job, item):
                    return
                item.give_up(transient=exc)
        await self._settle(job, item, clip)

    async def _settle(self, job: Job, item: _DownloadItem, clip: Clip | None) -> None:
        record, dead = self._context.recorder.record, item.dead
        if clip is not None:
            self._disk_space_gate.record_stored()
            await record(job.id, ev.ClipStored(at=utc_now(), clip=clip))
            self._check_aspect_ratio(job, clip)
        elif item.transient is not None:  # the link may still work: the clip stays ready
            self._context.notice(f"{job.id}: {item.transient}. Its clip is paid for and waits: run again to fetch it")
        elif dead is None:
            await self._request_new_links(job, "links are not stored between runs", dead=False)
            return
        elif job.dead_links < MAX_DEAD_LINKS:
            await self._request_new_links(job, str(dead), dead=True)
            return
        else:
            kind = FailureKind.BAD_MEDIA if isinstance(dead, BadMedia) else FailureKind.EXPIRED
            await record(job.id, ev.GaveUp(at=utc_now(), kind=kind, message=str(dead)))
        self._context.mark_idle(job.id)

    async def _request_new_links(self, job: Job, reason: str, *, dead: bool) -> None:
        """Poll the task again for new links; free."""
        event = ev.LinkExpired(at=utc_now(), message=reason, dead=dead)
        self._dispatch(await self._context.recorder.record(job.id, event), poll_first=True)

    def _reschedule(self, job: Job, item: _DownloadItem) -> bool:
        """Retry after a backoff, so that others go first; False after the last try."""
        wait_initial_s = min(WAIT_INITIAL_S, self._context.provider_state(job).provider.wait_initial_s)
        wait_s = RetryPolicy(wait_initial_s, WAIT_MAX_S, MAX_TRIES).delay_s(item.tries, self._context.jitter())
        if wait_s is None or self._context.stop_reason:
            return False
        item.tries += 1
        asyncio.get_running_loop().call_later(wait_s, self._queue.put_nowait, item)
        return True

    def _has_expired(self, job: Job, assets: tuple[Asset, ...]) -> bool:
        """Whether its links should be dead by now; true once per job, because a clock may be wrong."""
        expires_at = self._link_expires_at(job)
        links = [asset for asset in assets if asset.location.startswith("http")]
        return expires_at is not None and expires_at <= utc_now() and bool(links) and job.id not in self._refreshed

    def _link_expires_at(self, job: Job) -> datetime | None:
        return link_expires_at(job, self._lifetime_s(job))

    def _lifetime_s(self, job: Job) -> float | None:
        return link_lifetime_s(self._context.provider_state(job).provider, job.spec.request.model, self._context.models)

    def _check_aspect_ratio(self, job: Job, clip: Clip) -> None:
        """Report a clip of another aspect ratio than requested; it is kept, because it is paid."""
        requested = job.spec.request.aspect_ratio
        width, colon, height = requested.partition(":")
        if colon and abs(clip.width * int(height) / (clip.height * int(width)) - 1) > ASPECT_RATIO_TOLERANCE:
            self._context.notice(f"{job.id}: requested {requested}, got {clip.width}x{clip.height}")

    def _build_request(self, job: Job, asset: Asset, *, fresh: bool) -> FetchRequest:
        provider_state = self._context.provider_state(job)
        if asset.location.startswith("http:") and provider_state.base_url.startswith("https:"):
            self._warn_of_http(provider_state.name)
        return FetchRequest(
            asset=asset,
            base_url=provider_state.base_url + job.prefix,
            key=provider_state.key.get_secret_value() if asset.keyed else "",
            clip_key=job.spec.key,
            task_id=job.task_id,
            duration_s=job.billed_duration_s,
            sidecar=build_sidecar(job),
            allow_private_links=provider_state.provider.allow_private_links,
            fresh=fresh,
            max_bytes=provider_state.provider.max_clip_bytes or max_bytes(job.billed_duration_s),
        )

    def _warn_of_http(self, provider: str) -> None:
        """Report once that links are unencrypted. Refusing them would lose paid clips."""
        if provider not in self._warned_of_http:
            self._warned_of_http.add(provider)
            self._context.notice(
                f"{provider} links to its clips by unencrypted http: others on the network can read them"
            )
