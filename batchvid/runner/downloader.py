"""Brings clips home: its own concurrency, the link that dies first goes first. It never buys anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from batchvid import events as ev
from batchvid.errors import BadMedia, DownloadError, LinkDead, StorageError
from batchvid.failures import FailureKind
from batchvid.jobs import Job
from batchvid.runner.catch import Catch, catch_clip
from batchvid.runner.context import RunContext, utc_now
from batchvid.runner.retry import backoff_s
from batchvid.scrub import without_queries
from batchvid.specs import Clip
from batchvid.storage import LocalStore
from batchvid.wire import Asset

TRIES = 8  # of one asset, each going on where the last one stopped: about a minute
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
SHAPE_TOLERANCE = 0.08  # vendors sell 1280x768 as 16:9
MOST_DEAD_LINKS = 3  # fresh links asked for before the clip is given up
FAR = datetime.max.replace(tzinfo=UTC)


class Downloader:
    """`on_running` is told of each job whose links are dead and whose task must be asked again."""

    def __init__(
        self, context: RunContext, store: LocalStore, concurrency: int, on_running: Callable[[Job], None]
    ) -> None:
        self._context = context
        self._store = store
        self._on_running = on_running
        self._queue: asyncio.PriorityQueue[tuple[datetime, int, str, tuple[Asset, ...]]] = asyncio.PriorityQueue()
        self._pushed = 0
        self._workers = [asyncio.create_task(self._work()) for _ in range(concurrency)]

    def enqueue(self, job: Job, assets: tuple[Asset, ...]) -> None:
        """Fetch a ready job's clip; `assets` as the reply named them, signed links included."""
        self._context.active.add(job.id)
        self._pushed += 1
        self._queue.put_nowait((job.expires_at or FAR, self._pushed, job.id, assets))

    async def close(self) -> None:
        """End the workers; called when nothing is left or nothing may be waited for."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            _, _, job_id, assets = await self._queue.get()
            try:
                await self._bring_home(self._context.job(job_id), assets)
            except StorageError as fault:
                self._context.notice(f"{job_id}: its clip cannot be written: {fault}. It stays ready for the next run")
                self._context.active.discard(job_id)
                self._context.stop(f"clips cannot be written: {fault}")
            except asyncio.CancelledError:
                raise
            except Exception as fault:
                self._context.abort(fault)

    async def _bring_home(self, job: Job, assets: tuple[Asset, ...]) -> None:
        record = self._context.recorder.record
        clip = await asyncio.to_thread(self._store.find, job.spec.key, job.task_id)
        passing: DownloadError | None = None
        dead: DownloadError | None = None
        for asset in assets if clip is None else ():
            try:
                clip = await self._fetch(job, asset)
                break
            except (LinkDead, BadMedia) as fault:
                dead = fault
            except DownloadError as fault:
                passing = fault
        if clip is not None:
            self._check_shape(job, clip)
            await record(job.id, ev.ClipStored(at=utc_now(), clip=clip))
        elif passing is not None:  # no verdict on the link: the clip is there and waits for a better hour
            self._context.notice(f"{job.id}: {passing}. Its clip is paid for and waits: run again to fetch it")
        elif dead is None or job.dead_links < MOST_DEAD_LINKS:
            why = "links are not kept from run to run" if dead is None else str(dead)
            again = ev.LinkExpired(at=utc_now(), message=why, dead=dead is not None)
            self._on_running(await record(job.id, again))
            return
        else:
            kind = FailureKind.BAD_MEDIA if isinstance(dead, BadMedia) else FailureKind.EXPIRED
            await record(job.id, ev.GaveUp(at=utc_now(), kind=kind, message=str(dead)))
        self._context.rest(job.id)

    def _check_shape(self, job: Job, clip: Clip) -> None:
        """Say so when the clip has another shape than asked for: it is kept, for it is paid for."""
        width, colon, height = job.spec.aspect_ratio.partition(":")
        if colon and abs(clip.width * int(height) / (clip.height * int(width)) - 1) > SHAPE_TOLERANCE:
            self._context.notice(f"{job.id}: asked for {job.spec.aspect_ratio}, got {clip.width}x{clip.height}")

    async def _fetch(self, job: Job, asset: Asset) -> Clip:
        context, lane = self._context, self._context.lane(job)
        catch = Catch(
            asset=asset,
            base_url=lane.base_url + job.prefix,
            key=lane.key.get_secret_value() if asset.keyed else "",
            clip_key=job.spec.key,
            task_id=job.task_id,
            duration_s=job.billed_s,
            most_bytes=lane.provider.most_clip_bytes,
            sidecar=sidecar_of(job),
        )
        for tried in range(TRIES):
            try:
                return await catch_clip(context.transport, self._store, catch)
            except (LinkDead, BadMedia):
                raise
            except DownloadError:
                if tried == TRIES - 1 or context.stopping:
                    raise
                await asyncio.sleep(
                    backoff_s(
                        tried,
                        context.jitter(),
                        first_s=min(FIRST_WAIT_S, lane.provider.first_wait_s),
                        longest_s=LONGEST_WAIT_S,
                    )
                )
        raise AssertionError("the loop returns or raises")


def sidecar_of(job: Job) -> dict[str, Any]:
    """What is kept beside a clip: where it comes from and what it cost. Never a key, never a signed link."""
    spec = job.spec
    said = {
        "job": spec.id,
        "prompt": spec.prompt,
        "negative_prompt": spec.negative_prompt,
        "images": [{"role": i.role, "source": i.source.partition("?")[0], "sha256": i.sha256} for i in spec.images],
        "provider": spec.provider,
        "model": spec.model,
        "model_returned": job.model_returned,
        "duration_s": job.billed_s,
        "aspect_ratio": spec.aspect_ratio,
        "resolution": spec.resolution,
        "seed": spec.seed,
        "mode": spec.mode,
        "options": dict(spec.options),
        "take": spec.take,
        "tags": list(spec.tags),
        "variables": {name: without_queries(value) for name, value in spec.variables.items()},
        "fingerprint": spec.fingerprint,
        "attempt": job.attempts,
        "submitted_at": _iso(job.submitted_at),
        "finished_at": _iso(job.finished_at),
        "price_usd": None if job.price.usd is None else str(job.price.usd),
        "price_basis": job.price.basis,
        "actual_usd": job.actual_usd or None,
        "vendor": dict(job.vendor),
    }
    return {name: value for name, value in said.items() if value not in ("", [], {}, None)}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
