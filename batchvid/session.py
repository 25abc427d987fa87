"""One sitting with one batch: what each command does, without a word about how it is printed.

`load` reads a manifest, `plan` holds it against what was done, `run` buys and collects, `retry` reopens first,
`resolve_*` settle an uncertain job. Every function takes and returns plain values; a Python user can do all that
the command line does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter

from batchvid import catalog, collector, edits, guard, manifest, report, runner
from batchvid import events as ev
from batchvid.catalog import Model, Models, Provider
from batchvid.catalog.listing import Listing, cache_file, keep
from batchvid.errors import StateError, UsageError
from batchvid.failures import MODERATION, FailureKind
from batchvid.jobs import Job, JobState, advance
from batchvid.manifest import Manifest
from batchvid.market import Market
from batchvid.planning import Plan, Verdict, make_plan
from batchvid.runner import Budget, Charge, Keys, Limits, Outcome, Recorder, Setup, caps_of, earlier_charges, utc_now
from batchvid.scrub import scrubbed
from batchvid.specs import JobSpec
from batchvid.state import StateFile, read_attempts, read_jobs, read_meta, record_now
from batchvid.state.lock import holder_of

STATE_NAME = "state.sqlite3"
REPORT_NAME = "report.csv"
LEDGER_NAME = "ledger.csv"
LOG_NAME = "run.log"
CLIPS_NAME = "clips"
SHOWN = 5  # ids in a notice

_PROVIDERS = TypeAdapter(dict[str, Provider])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A manifest and the folder that its clips, report and state go to."""

    manifest: Manifest
    folder: Path
    providers: Mapping[str, Provider]
    models: Models = field(default_factory=catalog.built_in)
    sets: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def state_path(self) -> Path:
        """The state file."""
        return self.folder / STATE_NAME


Display = Callable[[Sequence[Job]], report.Progress]
Again = Callable[[JobSpec, Verdict], bool]


def load(path: str | Path, *, out: str | Path = "outputs", sets: Sequence[str] = (), only: Sequence[str] = ()) -> Batch:
    """Read a manifest, and lay over it what was edited since. Raises ManifestError with every problem."""
    market = Market(Path(path).parent)
    loaded = manifest.load(
        path, sets=sets, only=only, provider_of=lambda _model: catalog.DEFAULT_PROVIDER, beyond=market
    )
    folder = Path(out) / loaded.batch
    return Batch(
        manifest=_as_edited(loaded, sets, market, edits.kept(folder)),
        folder=folder,
        providers=market.providers,
        models=market.models,
        sets=tuple(sets),
        only=tuple(only),
    )


def _as_edited(loaded: Manifest, sets: Sequence[str], market: Market, kept: Mapping[str, edits.Edit]) -> Manifest:
    """The manifest with its edits. One that `--only` picked from is read whole: an edited parent may be left out."""
    if not kept or not loaded.only:
        return edits.laid_over(loaded, kept)
    whole = manifest.load(loaded.path, sets=sets, provider_of=lambda _model: catalog.DEFAULT_PROVIDER, beyond=market)
    picked = {placed.spec.id for placed in loaded.jobs}
    jobs = (placed for placed in edits.laid_over(whole, kept).jobs if placed.spec.id in picked)
    return replace(loaded, jobs=tuple(jobs))


def load_again(folder: Path, *, sets: Sequence[str] = (), only: Sequence[str] = ()) -> Batch:
    """The batch that was run into this folder, with all that it was run with; `sets` are laid over that.

    Raises UsageError when its manifest is gone, or names another folder by now: buying into that was not asked for.
    """
    meta = read_meta(folder / STATE_NAME)
    source = Path(meta.get("manifest", ""))
    if not source.is_file():
        raise UsageError(f"{folder} came from {source}, which is not there: name its manifest, or use --collect-only")
    said = {one.partition("=")[0]: one for one in (*meta.get("sets", ()), *sets)}  # the last word on each key
    batch = load(source, out=folder.parent, sets=list(said.values()), only=only or meta.get("only", ()))
    if batch.folder.resolve() != folder.resolve():
        raise UsageError(f"{folder} came from {source}, which names the folder {batch.folder} now: run the manifest")
    return batch


def folder_of(path: str | Path, *, out: str | Path = "outputs") -> Path:
    """Where a manifest's batch goes. Raises ManifestError when it cannot be read."""
    return load(path, out=out).folder


def plan(batch: Batch, *, allow_retired: bool = False, at_most: Limits | None = None) -> Plan:
    """What a run would do and cost, and which caps would hold it up. Reads the state file if there is one.

    Changes nothing. Models past their sunset are refused unless they are allowed all the same; `at_most` is what the
    run might buy.
    """
    jobs = {job.id: job for job in read_jobs(batch.state_path)} if batch.state_path.exists() else {}
    planned = _make_plan(batch, jobs, allow_retired=allow_retired)
    caps = caps_of(batch.manifest.settings, at_most)
    budget = Budget(caps, earlier_charges(batch.state_path, jobs.values()) if caps and jobs else ())
    now = utc_now()
    charges = [Charge.for_spec(job.spec, job.price, job.duration_s, now) for job in planned.to_buy]
    return replace(planned, cautions=tuple(budget.forecast(charges)))


def run(
    batch: Batch,
    *,
    regenerate: Sequence[str] = (),
    buy: bool = True,
    allow_retired: bool = False,
    at_most: Limits | None = None,
    display: Display = report.progress_for,
) -> Outcome:
    """Buy what is new or waiting and collect what is paid for; write the report.

    `regenerate` holds `changed` and patterns of ids whose stored clips are bought again. Without `buy` nothing is paid
    for; with `allow_retired` models past their sunset are tried, too; `at_most` so much is bought by this run. Raises
    ManifestError before anything is sent or written.
    """
    if not batch.state_path.exists():
        _refuse_older(batch, {})
        plan(batch, allow_retired=allow_retired)  # a first run that cannot be leaves nothing behind
    with StateFile(batch.state_path) as state:
        jobs = _recovered(state, buying=batch)
        again = _regenerates(regenerate, batch.manifest)
        chosen = _make_plan(batch, jobs, allow_retired=allow_retired, again=again) if buy else None
        specs = [job.spec for job in chosen.to_plan] if chosen else []
        jobs = record_now(state, jobs, _planned(jobs, specs, "regenerate"))
        return _go(batch, state, jobs, specs, at_most, display, buy=buy)


def edit(batch: Batch, path: Path) -> Batch:
    """Keep what was changed in an `edit-these.csv`; the batch as it is asked for now.

    Raises ManifestError with every row that cannot be, UsageError for a batch that was never run.
    """
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to edit")
    with StateFile(batch.state_path) as state:
        own = manifest.load(
            batch.manifest.path,
            sets=batch.sets,
            provider_of=lambda _model: catalog.DEFAULT_PROVIDER,
            beyond=Market(batch.manifest.folder),
        )
        edits.keep(batch.folder, edits.read_edits(path, state.jobs(), own))
    return load(batch.manifest.path, out=batch.folder.parent, sets=batch.sets, only=batch.only)


def retry(
    batch: Batch,
    *,
    kinds: Sequence[str] = (),
    anew: bool = False,
    allow_retired: bool = False,
    at_most: Limits | None = None,
    display: Display = report.progress_for,
) -> Outcome:
    """Reopen failed jobs and run those: bought again, or asked for again where the task may have finished.

    `kinds` narrows to failure kinds; with `anew` a task that may still finish is not asked for but bought again. What a
    content filter refused is bought again only if it has changed, or if `kinds` names it; what was cancelled only if
    `kinds` names it. `at_most` so much is bought by this run.
    """
    wanted = {FailureKind(kind) for kind in kinds} or set(FailureKind)
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to retry")
    with StateFile(batch.state_path) as state:
        jobs = _recovered(state, buying=batch)
        reopened: set[str] = set()
        refused: list[str] = []
        called_off: list[str] = []
        resumed: list[tuple[str, ev.Event]] = []
        for placed in batch.manifest.jobs:
            job = jobs.get(placed.spec.id)
            if job is None or job.state is not JobState.FAILED or job.kind not in wanted:
                continue
            if may_still_finish(job) and not anew:
                resumed.append((job.id, ev.PollResumed(at=utc_now())))
            elif job.kind in MODERATION and not kinds and job.spec.fingerprint == placed.spec.fingerprint:
                refused.append(job.id)
            elif job.kind is FailureKind.CANCELLED and not kinds:
                called_off.append(job.id)
            else:
                reopened.add(job.id)
        ahead = {job_id: advance(jobs[job_id], event) for job_id, event in resumed}  # their children may be bought, too
        chosen = _make_plan(batch, jobs | ahead, allow_retired=allow_retired, again=lambda spec, _: spec.id in reopened)
        specs = [job.spec for job in chosen.to_plan if job.spec.id in reopened]
        jobs = record_now(state, jobs, [*resumed, *_planned(jobs, specs, "retry")])
        told = _passed_over(refused, called_off)
        if kinds and not (reopened or resumed):
            told = f"no failed job is of kind {' or '.join(kinds)}; batchvid status shows the kinds"
        return _go(batch, state, jobs, specs, at_most, display, told=told)


def _passed_over(refused: Sequence[str], called_off: Sequence[str]) -> str:
    told = {
        "that a content filter refused are not bought again unchanged": refused,
        "that were cancelled are not bought, retry --kind cancelled buys them": called_off,
    }
    return "; ".join(f"{len(ids)} {why}: {_first_of(ids)}" for why, ids in told.items() if ids)


def _first_of(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{', '.join(ids[:SHOWN])}{more}"


def collect(folder: Path, *, only_asks: bool = False, display: Display = report.progress_for) -> Outcome:
    """Poll and download what is paid for, with nothing but the state file: buys nothing, needs no manifest.

    With `only_asks` nothing but the providers that can be asked after uncertain jobs is asked.
    """
    with StateFile(folder / STATE_NAME) as state:
        meta = read_meta(folder / STATE_NAME)
        providers = known_providers(meta)
        source = Path(meta["manifest"]).parent if "manifest" in meta else None
        jobs = _recovered(state)
        setup = Setup(folder=folder, providers=providers, keys=Keys(source), scope=frozenset(jobs), only_asks=only_asks)
        return _drive(state, jobs, setup, display)


def known_providers(meta: Mapping[str, Any]) -> dict[str, Provider]:
    """The providers that the last run of a batch knew."""
    return _PROVIDERS.validate_python(meta.get("providers", {}))


def may_still_finish(job: Job) -> bool:
    """Whether it was us who gave up on the task, not the vendor: it is bought, and asking costs nothing."""
    return bool(job.task_id) and not job.task_failed and job.kind is not FailureKind.LOST_TASK


def resolve(state_path: Path, job_id: str, *, task_id: str = "") -> Job:
    """Settle an uncertain job: bind it to the task that was made, or, without a task id, release it to be bought again.

    Raises UsageError when the job is not uncertain or the task is another job's already, StateLocked during a run.
    """
    if not state_path.exists():
        raise StateError(f"{state_path}: there is no state file here yet")
    with StateFile(state_path) as state:
        jobs = _recovered(state)
        job = jobs.get(job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id!r} in {state_path}")
        if job.state is not JobState.UNCERTAIN:
            raise UsageError(f"job {job_id} is {job.state}, not uncertain: there is nothing to resolve")
        if not task_id:
            event: ev.Event = ev.Reopened(at=utc_now(), reason="resolve --abandon")
        elif any(c.isspace() for c in task_id):
            raise UsageError(f"{task_id!r} is no task id: it holds blanks")
        elif owner := next((other.id for other in jobs.values() if other.task_id == task_id), None):
            raise UsageError(f"task {task_id} is the one of job {owner} already")
        else:
            event = ev.SubmitAccepted(at=utc_now(), task_id=task_id)
        jobs = record_now(state, jobs, [(job_id, event)])
        report.write_report(state_path.with_name(REPORT_NAME), jobs.values())
        report.write_ledger(state_path.with_name(LEDGER_NAME), read_attempts(state_path))
        return jobs[job_id]


def uncertain(state_path: Path) -> list[Job]:
    """The jobs that wait for a person, also those that a run left in the middle of a paid call when it died."""
    waiting = {JobState.UNCERTAIN} if holder_of(state_path) else {JobState.UNCERTAIN, JobState.SUBMITTING}
    return [job for job in read_jobs(state_path) if job.state in waiting]


def abandon(state_path: Path, job_ids: Collection[str]) -> None:
    """Release uncertain jobs to be bought again, all of them or none.

    Raises UsageError when one of them is not uncertain any more, StateLocked during a run.
    """
    with StateFile(state_path) as state:
        jobs = _recovered(state)
        for job_id in job_ids:
            if (found := jobs.get(job_id)) is None or found.state is not JobState.UNCERTAIN:
                raise UsageError(f"job {job_id} is not uncertain any more: nothing was abandoned, look again")
        reopened = [(job_id, ev.Reopened(at=utc_now(), reason="resolve --abandon")) for job_id in job_ids]
        jobs = record_now(state, jobs, reopened)
        report.write_report(state_path.with_name(REPORT_NAME), jobs.values())
        report.write_ledger(state_path.with_name(LEDGER_NAME), read_attempts(state_path))


def _make_plan(
    batch: Batch, jobs: Mapping[str, Job], *, allow_retired: bool, again: Again = lambda _spec, _verdict: False
) -> Plan:
    sold_on = None if allow_retired else utc_now().date()
    return make_plan(batch.manifest, jobs, batch.providers, models=batch.models, sold_on=sold_on, again=again)


def _go(
    batch: Batch,
    state: StateFile,
    jobs: dict[str, Job],
    buys: Sequence[JobSpec],
    at_most: Limits | None,
    display: Display,
    *,
    told: str = "",
    buy: bool = True,
) -> Outcome:
    settings = batch.manifest.settings
    meta = read_meta(state.path)
    # what an earlier manifest knew and this one does not may still have tasks out
    providers = known_providers(meta) | dict(batch.providers)
    state.set_meta(
        batch=batch.manifest.batch,
        manifest=str(batch.manifest.path.absolute()),
        sets=list(batch.sets),
        only=list(batch.only),
        providers=_PROVIDERS.dump_python(providers, mode="json"),
    )
    setup = Setup(
        folder=batch.folder,
        providers=providers,
        models=batch.models,
        keys=Keys(batch.manifest.folder),
        buys=frozenset(spec.id for spec in buys),
        scope=frozenset(placed.spec.id for placed in batch.manifest.jobs) if batch.only else batch.manifest.all_ids,
        caps=caps_of(settings, at_most),
        retries=settings.retries,
        rerolls=settings.moderation_rerolls,
        rebuys=frozenset(_rebuys(batch.manifest, jobs)) if buy else frozenset(),
        downloads=settings.downloads.concurrency or runner.DOWNLOADS,
    )
    return _drive(state, jobs, setup, display, told=told)


def _drive(state: StateFile, jobs: dict[str, Job], setup: Setup, display: Display, *, told: str = "") -> Outcome:
    log = report.RunLog(setup.folder / LOG_NAME, run=uuid4().hex[:12])
    shown = display(list(jobs.values()))

    def notice(text: str) -> None:
        said = scrubbed(text)
        for hear in (shown.notice, log.notice):
            with contextlib.suppress(OSError):  # a closed pipe, a full disk
                hear(said)

    if told:
        notice(told)

    def tick() -> None:
        shown.tick()
        with contextlib.suppress(OSError):
            log.tick()

    recorder = Recorder(state, jobs, (shown, log))
    try:
        with collector.settled():
            return asyncio.run(runner.run(state, recorder, setup, notice, tick))
    finally:
        ends = recorder.jobs.values()
        try:  # a full disk, a file that a spreadsheet holds
            report.write_report(setup.folder / REPORT_NAME, ends)
            edits.write_refused(setup.folder, ends)
            report.write_ledger(setup.folder / LEDGER_NAME, read_attempts(state.path))
        except OSError as fault:
            name = Path(fault.filename2 or fault.filename or REPORT_NAME).name  # of a rename, the target
            notice(f"{name} could not be written ({fault.strerror}); batchvid report writes it anew")
        except StateError as fault:
            notice(f"{LEDGER_NAME} could not be written ({fault}); batchvid report writes it anew")
        with contextlib.suppress(OSError):
            shown.close()
        with contextlib.suppress(OSError):
            log.close()


def _refuse_older(batch: Batch, jobs: Mapping[str, Job]) -> None:
    guard.refuse_older(jobs, state=batch.state_path, log=batch.folder / LOG_NAME, clips=batch.folder / CLIPS_NAME)


def _recovered(state: StateFile, *, buying: Batch | None = None) -> dict[str, Job]:
    """The jobs as they stand, after what must be said first of those left in the middle of a paid call."""
    jobs = state.jobs()
    if buying is not None:
        _refuse_older(buying, jobs)
    message = "the run ended between the paid call and its answer"
    lost = [job.id for job in jobs.values() if job.state is JobState.SUBMITTING]
    return record_now(state, jobs, [(job_id, ev.SubmitLost(at=utc_now(), message=message)) for job_id in lost])


def _planned(jobs: Mapping[str, Job], specs: Sequence[JobSpec], reason: str) -> list[tuple[str, ev.Event]]:
    """What to record so that each of these specs is pending as the manifest has it now."""
    events: list[tuple[str, ev.Event]] = []
    at = utc_now()
    for wanted in specs:
        job, spec = jobs.get(wanted.id), wanted
        if job is not None and job.state is JobState.PENDING and job.spec.fingerprint == spec.fingerprint:
            # a reroll that an earlier run had no time for; nearly all keep the seed that they have
            spec = spec if spec.seed == job.spec.seed else replace(spec, seed=job.spec.seed)
        if job is not None and job.state is not JobState.PENDING:
            events.append((spec.id, ev.Reopened(at=at, reason=reason)))
        if job is None or job.spec != spec:
            events.append((spec.id, ev.Planned(at=at, spec=spec)))
    return events


def _rebuys(asked: Manifest, jobs: Mapping[str, Job]) -> Iterator[str]:
    """The jobs that may be bought once more by themselves: those that the manifest still asks for in the same way."""
    for placed in asked.jobs:
        job, spec = jobs.get(placed.spec.id), placed.spec
        if job is not None and spec.fingerprint == job.spec.fingerprint:
            used = len(spec.fallback) - len(job.spec.fallback)
            if spec.fallback[max(used, 0) :] == job.spec.fallback and spec.fallback_on == job.spec.fallback_on:
                yield job.id


def _regenerates(wanted: Sequence[str], asked: Manifest) -> Again:
    patterns = {pattern.casefold() for pattern in wanted}
    changed = "changed" in patterns
    patterns.discard("changed")
    for pattern in patterns:
        if not any(fnmatchcase(placed.spec.id.casefold(), pattern) for placed in asked.jobs):
            raise UsageError(f"--regenerate {pattern}: no job has such an id")

    def again(spec: JobSpec, verdict: Verdict) -> bool:
        if verdict is Verdict.CHANGED and changed:
            return True
        named = any(fnmatchcase(spec.id.casefold(), pattern) for pattern in patterns)
        return named and verdict in (Verdict.CHANGED, Verdict.STORED)

    return again


def models(folder: Path, *, pattern: str = "*", dialect: str = "", can: Sequence[str] = ()) -> dict[str, Model]:
    """The catalogue for manifests in this folder, by name: what fits the pattern and can do all that is asked."""
    return {
        name: model
        for name, model in catalog.models_for(folder).rows.items()
        if fnmatchcase(name.casefold(), pattern.casefold())
        and dialect in ("", model.dialect)
        and set(can) <= set(model.kinds)
    }


def refresh(provider: str, folder: Path) -> Listing:
    """Fetch a provider's own list of models and keep it, dated, for every later plan.

    Raises UsageError for a provider that is not known here, WireError when it cannot be asked or understood.
    """
    known = Market(folder).providers
    if provider not in known or not known[provider].base_url:
        raise UsageError(f"provider {provider} has no list to ask for; there are {', '.join(known)}")
    listing = asyncio.run(runner.fetch_listing(known[provider], utc_now().date()))
    keep(listing, cache_file())
    return listing
