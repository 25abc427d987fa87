"""Moves the tasks of a batch to the new address of their server, after a check that the server knows one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from batchvid.catalog import Provider
from batchvid.catalog.provider import trim_base_url
from batchvid.commands.event_loop import run_coroutine
from batchvid.commands.execution import known_providers
from batchvid.commands.recovery import recover_jobs
from batchvid.dialects import DIALECTS
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.origins import same_origin
from batchvid.domain.wire import Phase, Rejected
from batchvid.errors import StateError, StateLocked, UsageError, WireError
from batchvid.manifest.schema.key_types import BaseUrl
from batchvid.net.access import Access
from batchvid.net.credentials import Credentials
from batchvid.net.transport import Transport
from batchvid.paths import BatchPaths
from batchvid.planning.routing import submitted_generation
from batchvid.redaction import redact
from batchvid.runner import utc_now
from batchvid.state.readers import read_jobs, read_meta
from batchvid.state.state_file import StateFile, record_offline

MAX_POLLS = 3  # of one provider's tasks: a server forgets old ones
KNOWN = frozenset({Phase.QUEUED, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED})  # what only a known task can be
OPEN = frozenset({JobState.RUNNING, JobState.READY})
_BASE_URL: TypeAdapter[str] = TypeAdapter(BaseUrl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    """The jobs that move, the tasks that the new address knows, and where the manifest still has the old one."""

    new: str
    jobs: tuple[Job, ...]
    known_tasks: tuple[str, ...]
    providers: tuple[str, ...]


def relocate(folder: Path, *, old: str, new: str, dry_run: bool = False) -> Relocation:
    """Record the new address for every job whose last attempt was at the old one.

    The new address gets a free poll for a task of each provider. Raises UsageError when it knows none of them, or when
    no job is at the old address; StateLocked during a run. Then, and with `dry_run`, nothing is changed.
    """
    old, new = _checked(old, "--from"), _checked(new, "--to")
    paths = BatchPaths(folder)
    if not paths.state.exists():
        raise StateError(f"{paths.state}: there is no state file here yet")
    if dry_run:
        return _check(read_jobs(paths.state), read_meta(paths.state), old, new)
    try:
        state = StateFile(paths.state)
    except StateLocked as exc:
        raise StateLocked(f"{exc} Stop it first: Ctrl-C submits nothing more, then relocate") from None
    with state:
        jobs, meta = recover_jobs(state), read_meta(state.path)
        relocation = _check(jobs.values(), meta, old, new)
        moved = [(job.id, ev.Relocated(at=utc_now(), origin=new)) for job in relocation.jobs]
        record_offline(state, jobs, moved, _moved_facts(meta, old, new))
    return relocation


def _checked(address: str, option: str) -> str:
    try:
        return trim_base_url(_BASE_URL.validate_python(address), DIALECTS.coded)
    except ValidationError as exc:
        raise UsageError(f"{option}: {exc.errors(include_input=False)[0]['msg']}") from None


def _check(jobs: Collection[Job], meta: Mapping[str, Any], old: str, new: str) -> Relocation:
    moving = [job for job in jobs if job.state is not JobState.PENDING and same_origin(job.origin, old)]
    if not moving:
        origins = ", ".join(sorted({job.origin for job in jobs if job.origin})) or "none yet"
        raise UsageError(f"no job of this batch is at {old}; there are: {origins}")
    by_provider: dict[str, list[Job]] = {}
    for job in sorted(moving, key=_most_likely_known):
        if job.task_id:
            by_provider.setdefault(job.spec.provider, []).append(job)
    if not by_provider:
        raise UsageError(f"no job at {old} has a task that can be polled at {new}: resolve them with batchvid resolve")
    keys = Credentials(Path(meta["manifest"]).parent if "manifest" in meta else None)
    known = run_coroutine(_find_known(by_provider, known_providers(meta), keys, new))
    return Relocation(new=new, jobs=tuple(moving), known_tasks=known, providers=tuple(by_provider))


def _most_likely_known(job: Job) -> tuple[bool, float]:
    """Open tasks first, and the newest of them."""
    return job.state not in OPEN, -(job.submitted_at.timestamp() if job.submitted_at else 0.0)


async def _find_known(
    by_provider: Mapping[str, Sequence[Job]], providers: Mapping[str, Provider], keys: Credentials, new: str
) -> tuple[str, ...]:
    """A task of each provider that the new address knows. Raises UsageError when it knows none of one's tasks."""
    known = []
    async with Transport() as transport:
        for name, jobs in by_provider.items():
            if name not in providers:
                raise UsageError(f"{name} is not known any more: add it to providers: in the manifest and run it once")
            access = keys.of(providers[name])
            replies = []
            for job in jobs[:MAX_POLLS]:
                reply = await _poll(transport, new, access, job)
                if not reply:
                    known.append(job.task_id)
                    break
                replies.append(f"task {job.task_id} of job {job.id}: {reply}")
            else:
                raise UsageError(
                    f"{new} does not know the tasks of {name} ({'; '.join(replies)}). Nothing was changed. Check the "
                    f"address with: curl {new}"
                )
    return tuple(known)


async def _poll(transport: Transport, origin: str, access: Access, job: Job) -> str:
    """Empty if the server at this address knows the job's task, otherwise its reply in words. Free."""
    dialect = DIALECTS[job.dialect]
    request = dialect.poll(submitted_generation(job), job.task_id)
    try:
        reply = await transport.send(origin + job.prefix, request, access)
        status = dialect.read_poll(reply, job.task_id)
    except WireError as exc:
        return redact(f"{request.method} {job.prefix}{request.path}: {exc}")
    if isinstance(status, Rejected):
        return redact(f"{request.method} {job.prefix}{request.path} answers HTTP {reply.status}: {status.message}")
    return "" if status.phase in KNOWN else f"the reply is {status.phase}"


def _moved_facts(meta: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The facts of the last run that name the old address, with the new one: later runs by name use them."""
    providers = {
        name: row | {"base_url": new} if _is_at(str(row.get("base_url", "")), old) else row
        for name, row in meta.get("providers", {}).items()
    }
    sets = [_moved_set(one, old, new) for one in meta.get("sets", ())]
    return ({"providers": providers} if providers else {}) | ({"sets": sets} if sets else {})


def _moved_set(one: str, old: str, new: str) -> str:
    key, _, value = one.partition("=")
    return f"{key}={new}" if key.strip().endswith(".base_url") and _is_at(value.strip(), old) else one


def _is_at(base_url: str, origin: str) -> bool:
    return same_origin(trim_base_url(base_url, DIALECTS.coded), origin)
