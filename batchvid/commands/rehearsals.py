"""Finds out which providers are the emulator, and ends rehearsals when their jobs are bought at a real provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from batchvid.catalog import Provider
from batchvid.clock import utc_now
from batchvid.commands.batch import LazyManifest
from batchvid.commands.event_loop import run_coroutine
from batchvid.domain import events as ev
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.domain.origins import same_origin
from batchvid.domain.wire import Request
from batchvid.errors import UsageError, WireError
from batchvid.net.access import ANONYMOUS
from batchvid.net.transport import Transport
from batchvid.planning.rehearsals import describe_end, emulators_among, is_only_rehearsed
from batchvid.runner import RunRequest
from batchvid.state.state_file import StateFile, record_offline
from batchvid.storage import LocalStore

PROBE = Request(method="GET", path="/_emulator/faults")  # a page that only the emulator has; free, and needs no key
PROBE_S = 2.0
OPEN = PAID_AND_OPEN | {JobState.UNCERTAIN}


def find_emulators(providers: Mapping[str, Provider], jobs: Iterable[Job], *, replaces: bool = False) -> frozenset[str]:
    """The providers that are the emulator: by definition, or because their server on this machine proves it now.

    A server is called only if that decides something: a job is a rehearsal, or, with `replaces`, stored clips may be
    bought again. One that does not reply counts as the emulator if it made a rehearsal of this batch.
    """
    jobs = list(jobs)
    found = emulators_among(providers)
    rehearsed = {job.origin for job in jobs if job.is_rehearsal}
    if not rehearsed and not (replaces and any(job.has_real_clip for job in jobs)):
        return found
    unclear = [one for name, one in providers.items() if name not in found and one.is_loopback]
    return found | {one.name for one in unclear if _is_emulator(one, rehearsed)}


def _is_emulator(provider: Provider, rehearsed: Iterable[str]) -> bool:
    try:
        return run_coroutine(_probe(provider.base_url))
    except (WireError, UsageError):  # no server, or called in an event loop
        return any(same_origin(origin, provider.base_url) for origin in rehearsed)


async def _probe(base_url: str) -> bool:
    async with Transport() as transport:
        reply = await transport.send(base_url, PROBE, ANONYMOUS, read_timeout_s=PROBE_S, total_timeout_s=PROBE_S)
        return reply.is_emulator


def end_open_rehearsals(
    state: StateFile, jobs: dict[str, Job], lazy_manifest: LazyManifest, emulators: frozenset[str]
) -> dict[str, Job]:
    """The jobs after each open task of the emulator is given up whose job has a real provider now.

    Before the run, so that no such task is polled at the real provider.
    """
    rehearsed = {job.id: job for job in jobs.values() if job.state in OPEN and is_only_rehearsed(job)}
    if not rehearsed:  # the manifest is expanded early only where that is needed
        return jobs
    specs = [placed.spec for placed in lazy_manifest.manifest.jobs if placed.spec.id in rehearsed]
    ended = [
        (spec.id, ev.RehearsalEnded(at=utc_now()))
        for spec in specs
        if describe_end(spec, rehearsed[spec.id], emulators)
    ]
    return record_offline(state, jobs, ended)


def set_aside_rehearsals(folder: Path, jobs: Mapping[str, Job], request: RunRequest) -> None:
    """Move the clips of the rehearsals that end with this request to `replaced/`, before that is recorded.

    A crash in between is harmless: the next run plans the same, and finds the file moved.
    """
    store = LocalStore(folder)
    for entries in request.planned_events:
        if not isinstance(entries[0].event, ev.RehearsalEnded):
            continue
        job = jobs[entries[0].job.id]
        if job.clip is not None and not job.has_real_clip:
            for clip in (job.clip, *job.more_clips):
                store.set_aside(clip.key)
