"""Builds what `fetch` needs from a job, and says what is worth a line about a stored clip. Starts no download."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from batchvid.catalog.model_policies import link_lifetime_s
from batchvid.domain.job_spec import Clip
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Asset
from batchvid.runner.context import RunContext
from batchvid.runner.downloads.differences import expected_of
from batchvid.runner.downloads.download_item import DownloadItem
from batchvid.runner.downloads.fetch import FetchRequest
from batchvid.runner.downloads.link_expiry import link_expires_at
from batchvid.runner.downloads.sidecar import build_sidecar
from batchvid.runner.downloads.stall_detector import DownloadLimits, max_bytes
from batchvid.storage.clip_names import output_key


class FetchRequests:
    """The requests of one run."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._warned_of_http: set[str] = set()

    def build(self, job: Job, asset: Asset, key: str, *, limits: DownloadLimits, fresh: bool) -> FetchRequest:
        """What to fetch for the clip of that key; for `fresh` see `FetchRequest`."""
        provider_state = self._context.provider_state(job)
        provider = provider_state.provider
        if asset.location.startswith("http:") and provider_state.base_url.startswith("https:"):
            self._warn_of_http(provider_state.name)
        return FetchRequest(
            asset=asset,
            base_url=provider_state.base_url + job.prefix,
            access=provider_state.access,
            clip_key=key,
            task_id=job.task_id,
            expected=expected_of(job),
            sidecar=build_sidecar(job),
            allow_private_links=provider.allow_private_links,
            send_key_to_own_links=provider.send_key_to_own_links,
            fresh=fresh,
            max_bytes=provider.max_clip_bytes or max_bytes(job.billed_duration_s),
            limits=limits,
        )

    def clip_key(self, job: Job, item: DownloadItem, number: int) -> str:
        """The planned key of one clip of the job's task: numbered if it made several, and never that of another job."""
        if len(item.outputs) == 1:
            return job.spec.key
        jobs = self._context.recorder.jobs.values()
        return output_key(job.spec.key, number, {other.spec.key.casefold() for other in jobs})

    def link_expires_at(self, job: Job) -> datetime | None:
        """When the links of a finished job die, None if unknown."""
        return link_expires_at(job, self.lifetime_s(job))

    def lifetime_s(self, job: Job) -> float | None:
        """How long links of the job's model live, in seconds; None if unknown."""
        return link_lifetime_s(self._context.provider_state(job).provider, job.spec.request.model, self._context.models)

    def remarks(self, job: Job, clips: Sequence[Clip]) -> Iterator[str]:
        """What the user should know about the stored clips of a job."""
        if len(clips) > 1:
            names = ", ".join(clip.key for clip in clips)
            yield f"{job.id}: its task made {len(clips)} clips; all are kept: {names}. Caps count the task once"
        for clip in clips:
            if clip.differs:
                yield f"{job.id}: {clip.differs}; it is stored"
        suffix = clips[0].key.rpartition(".")[2]
        if job.spec.key.rpartition(".")[2] != suffix:
            yield f"{job.id}: the clip is no MP4 and is stored as {clips[0].key}; container: mp4 refuses such clips"

    def _warn_of_http(self, provider: str) -> None:
        """Report once that links are unencrypted. Refusing them would lose paid clips."""
        if provider not in self._warned_of_http:
            self._warned_of_http.add(provider)
            self._context.notice(
                f"{provider} links to its clips by unencrypted http: others on the network can read them"
            )
