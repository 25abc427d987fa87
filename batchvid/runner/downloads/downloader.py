"""Downloads finished clips with its own concurrency; the link that expires first goes first. Buys nothing.

A clip that cannot be fetched yet is tried again with growing gaps, each time with the links of a new poll.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import Clip
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Asset
from batchvid.errors import (
    BadMedia,
    ClipNotReady,
    DiskFailed,
    DiskFull,
    DownloadError,
    IncompleteClip,
    LinkDead,
    LinkRefused,
    StorageError,
)
from batchvid.runner.context import Dispatch, RunContext, wait_for_event
from batchvid.runner.downloads.disk_space_gate import WAIT_S, DiskSpaceGate
from batchvid.runner.downloads.download_item import DownloadItem, Progress, Step, next_step
from batchvid.runner.downloads.expiry_warnings import ExpiryMonitor
from batchvid.runner.downloads.fetch import fetch_clip
from batchvid.runner.downloads.fetch_requests import FetchRequests
from batchvid.runner.downloads.link_expiry import priority
from batchvid.runner.downloads.stall_detector import DEFAULT_LIMITS, DownloadLimits
from batchvid.runner.downloads.worker_threads import close_pool, create_pool, run_in
from batchvid.runner.providers.retry_policy import RetryPolicy
from batchvid.storage import LocalStore

PATIENCE_S = 600.0  # vendors say "finished" seconds or minutes before their storage has the clip
TRIES_PER_LINK = 4  # after a fault of the connection; each resumes where the last one stopped
WAIT_INITIAL_S = 0.5
WAIT_MAX_S = 60.0
REPORT_ROUND = 3  # of waiting: shorter waits need no line


class Downloader:
    """Downloads finished clips. Dispatches each job that needs other links, so that its task is polled again.

    A clip that cannot be fetched yet is waited for up to `patience_s` seconds; then it stays ready for the next run.
    """

    def __init__(
        self,
        context: RunContext,
        store: LocalStore,
        concurrency: int,
        dispatch: Dispatch,
        room_wait_s: float = WAIT_S,
        patience_s: float = PATIENCE_S,
        limits: DownloadLimits = DEFAULT_LIMITS,
    ) -> None:
        self._context = context
        self._store = store
        self._dispatch = dispatch
        self._patience_s = patience_s
        self._limits = limits
        self._disk_space_gate = DiskSpaceGate(context, store, room_wait_s)
        self._disk_space_gate.check()
        self._queue: asyncio.PriorityQueue[DownloadItem] = asyncio.PriorityQueue()
        self._enqueued = 0
        self._pool = create_pool()
        self._progress: defaultdict[str, Progress] = defaultdict(Progress)
        self._refreshed: set[str] = set()
        self._tried: set[str] = set()
        self._requests = FetchRequests(context)
        self.expiry_monitor = ExpiryMonitor(context)
        self._waits: set[asyncio.Task[None]] = set()
        self._tasks = [asyncio.create_task(self._work()) for _ in range(concurrency)]
        self._tasks.append(asyncio.create_task(self.expiry_monitor.serve()))

    def enqueue(self, job: Job, assets: tuple[Asset, ...], *, resumed: bool = False) -> None:
        """Download a ready job's clips from the reply's `assets`.

        `resumed`: an earlier run left it ready, so all or part of it may be on disk.
        """
        if resumed:
            self._tried.add(job.id)
        self._context.active.add(job.id)
        self._enqueued += 1
        expires_at, now = self._requests.link_expires_at(job), utc_now()
        if expires_at is not None:
            self.expiry_monitor.expect(job.id, expires_at, now)
        due = priority(job, self._requests.lifetime_s(job), now)
        self._queue.put_nowait(DownloadItem(due, self._enqueued, job.id, assets, resumed))

    async def close(self) -> None:
        """End the workers and the waits."""
        for task in (*self._tasks, *self._waits):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._waits, self._disk_space_gate.stop(), return_exceptions=True)
        await close_pool(self._pool)

    async def _work(self) -> None:
        while True:
            item = await self._queue.get()
            if not await self._disk_space_gate.wait_until_open() or self._context.stop_reason:
                self._context.mark_idle(item.job_id)  # it stays ready for the next run
                continue
            try:
                await self._fetch_and_store(item)
            except DiskFull as exc:
                self._disk_space_gate.close(exc)
                self._queue.put_nowait(item)
            except StorageError as exc:
                await self._on_storage_error(item, exc)
            except asyncio.CancelledError:
                raise
            except Exception as exc:
                self._context.abort(exc)

    async def _on_storage_error(self, item: DownloadItem, exc: StorageError) -> None:
        """Wait for a disk that cannot be written; a fault of one path stops only its clip, no permission the run."""
        try:
            await run_in(self._pool, self._store.check_writable)
        except DiskFailed as failed:
            if failed.is_permission:
                self._context.active.discard(item.job_id)
                self._context.stop(f"clips cannot be written: {failed}. Make the folder writable and run again")
                return
            self._disk_space_gate.close(failed)
            self._queue.put_nowait(item)
            return
        self._context.notice(f"{item.job_id}: its clip cannot be written: {exc}. It is paid for: run again to fetch it")
        self._context.mark_idle(item.job_id)

    async def _fetch_and_store(self, item: DownloadItem) -> None:
        job, progress = self._context.job(item.job_id), self._progress[item.job_id]
        if item.resumed and (clip := await self._find(job, job.spec.key)):
            await self._record_stored(job, {1: clip})
            return
        if self._has_expired(job, item.assets):
            self._refreshed.add(job.id)
            progress.lifetime_passed = True
            await self._request_new_links(job, "its link should have expired by now", dead=False)
            return
        if item.resumed and not item.assets:
            await self._request_new_links(job, "links are not stored between runs", dead=False)
            return
        outputs = item.outputs
        for number in outputs:
            if number not in progress.clips and not await self._fetch_output(job, item, number):
                return
        if outputs and progress.clips.keys() >= outputs.keys():
            await self._record_stored(job, progress.clips)
        else:
            await self._after_failures(job, item)

    async def _fetch_output(self, job: Job, item: DownloadItem, number: int) -> bool:
        """Try the assets of one clip. False if the item waits for another try of the same links."""
        progress = self._progress[job.id]
        key = self._requests.clip_key(job, item, number)
        clip = await self._find(job, key) if job.id in self._tried else None
        for asset in item.outputs[number]:
            if clip is not None:
                break
            if asset in item.failed:
                continue
            try:
                clip = await self._fetch(job, asset, key)
            except (BadMedia, LinkDead, ClipNotReady, IncompleteClip, LinkRefused) as exc:
                self._give_up(item, asset, exc)
                if isinstance(exc, LinkDead) and not progress.fresh_links:
                    break  # request a new link once before using the provider's content route (wire-notes 6.5)
            except DownloadError as exc:
                if self._retry_later(job, item):
                    return False
                self._give_up(item, asset, exc)
        if clip is not None:
            progress.clips[number] = clip
        return True

    async def _find(self, job: Job, key: str) -> Clip | None:
        return await run_in(self._pool, self._store.find, key, job.task_id)

    async def _fetch(self, job: Job, asset: Asset, key: str) -> Clip:
        """One try of one asset. All tries of a job together have a time limit."""
        progress, clock = self._progress[job.id], asyncio.get_running_loop().time
        limits = replace(self._limits, total_s=max(self._limits.total_s - progress.spent_s, self._limits.window_s))
        fresh, begun = job.id not in self._tried, clock()
        self._tried.add(job.id)
        request = self._requests.build(job, asset, key, limits=limits, fresh=fresh)
        try:
            return await fetch_clip(self._context.transport, self._store, request, self._pool)
        finally:
            progress.spent_s += clock() - begun

    def _give_up(self, item: DownloadItem, asset: Asset, exc: DownloadError) -> None:
        item.give_up(asset, exc)
        self._progress[item.job_id].failures.append(exc)

    async def _record_stored(self, job: Job, clips: dict[int, Clip]) -> None:
        self._disk_space_gate.record_stored()
        first, *more = (clips[number] for number in sorted(clips))
        await self._context.recorder.record(job.id, ev.ClipStored(at=utc_now(), clip=first, more=tuple(more)))
        for notice in self._requests.remarks(job, (first, *more)):
            self._context.notice(notice)
        self._progress.pop(job.id, None)
        self._context.mark_idle(job.id)

    async def _after_failures(self, job: Job, item: DownloadItem) -> None:
        """Wait for other links, leave the clip to the next run, or give it up."""
        progress = self._progress[job.id]
        failures = list(item.failed.values())
        if not item.assets:
            progress.failures.append(ClipNotReady("the task is finished, and its reply names no clip"))
        patience_s = 0.0 if progress.spent_s >= self._limits.total_s else self._patience_s
        step = next_step(failures, progress, patience_s=patience_s)
        if step is Step.WAIT and not self._context.stop_reason:
            progress.rounds += 1
            if progress.rounds == REPORT_ROUND:
                self._context.notify_once(
                    f"{job.spec.provider}: finished clips cannot be fetched yet ({progress.first()}); "
                    f"they are tried again for up to {self._patience_s:g} s"
                )
            self._later(self._wait_and_poll(job, str((failures or progress.failures)[0])))
            return
        if step is Step.BAD_MEDIA or step is Step.EXPIRED:
            await self._record_given_up(job, step, progress)
        else:
            await self._keep_incomplete(job, item)
            self._context.notice(f"{job.id}: {progress.first()}. Its clip is paid for and waits: run again to fetch it")
        self._context.mark_idle(job.id)

    async def _record_given_up(self, job: Job, step: Step, progress: Progress) -> None:
        if step is Step.EXPIRED:
            kind, message = FailureKind.EXPIRED, str(progress.first(LinkDead))
        else:
            bad = progress.first(BadMedia)
            kind, message = FailureKind.BAD_MEDIA, str(bad)
            if isinstance(bad, BadMedia) and bad.plays:
                message += f". To store it all the same: batchvid accept {self._store.name} {job.id}"
        await self._context.recorder.record(job.id, ev.GaveUp(at=utc_now(), kind=kind, message=message))

    async def _keep_incomplete(self, job: Job, item: DownloadItem) -> None:
        """Keep a clip that stayed incomplete: a part of it may play."""
        for asset, failure in item.failed.items():
            if isinstance(failure, IncompleteClip):
                key = self._requests.clip_key(job, item, asset.output)
                await run_in(self._pool, self._store.reject_part, key)

    async def _wait_and_poll(self, job: Job, reason: str) -> None:
        """Poll the task again after a gap that grows, so that others go first."""
        progress = self._progress[job.id]
        wait_s = (
            0.0
            if not progress.fresh_links
            else self._policy(job).backoff_s(max(progress.rounds - 2, 0), self._context.jitter())
        )
        progress.waited_s += wait_s
        await wait_for_event(self._context.stopped, wait_s)
        if self._context.stop_reason:
            self._context.mark_idle(job.id)
            return
        progress.fresh_links += 1
        await self._request_new_links(job, reason, dead=True)

    async def _request_new_links(self, job: Job, reason: str, *, dead: bool) -> None:
        """Poll the task again for new links; free."""
        event = ev.LinkExpired(at=utc_now(), message=reason, dead=dead)
        self._dispatch(await self._context.recorder.record(job.id, event), poll_first=True)

    def _retry_later(self, job: Job, item: DownloadItem) -> bool:
        """Retry the same link after a backoff, so that others go first; False after the last try."""
        progress = self._progress[job.id]
        if item.tries + 1 >= TRIES_PER_LINK or progress.waited_s >= self._patience_s or self._context.stop_reason:
            return False
        wait_s = self._policy(job).backoff_s(item.tries, self._context.jitter())
        item.tries += 1
        progress.waited_s += wait_s
        self._later(self._requeue(item, wait_s))
        return True

    async def _requeue(self, item: DownloadItem, wait_s: float) -> None:
        await wait_for_event(self._context.stopped, wait_s)
        self._queue.put_nowait(item)

    def _later(self, wait: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(wait)
        self._waits.add(task)
        task.add_done_callback(self._done)

    def _done(self, wait: asyncio.Task[None]) -> None:
        self._waits.discard(wait)
        if not wait.cancelled() and (exc := wait.exception()) is not None:
            self._context.abort(exc)

    def _policy(self, job: Job) -> RetryPolicy:
        wait_initial_s = min(WAIT_INITIAL_S, self._context.provider_state(job).provider.wait_initial_s)
        return RetryPolicy(wait_initial_s, WAIT_MAX_S)

    def _has_expired(self, job: Job, assets: tuple[Asset, ...]) -> bool:
        """Whether its links should be dead by now; true once per job, because a clock may be wrong."""
        expires_at = self._requests.link_expires_at(job)
        links = [asset for asset in assets if asset.location.startswith("http")]
        return expires_at is not None and expires_at <= utc_now() and bool(links) and job.id not in self._refreshed
