"""What a run would do, with a reason for each job, and the maximum price. No network, no key, no change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from batchvid import catalog
from batchvid.catalog import Models, Provider, find_model
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import UNPRICED, JobSpec, Reason
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Parent
from batchvid.errors import ManifestError, Unsupported, UsageError
from batchvid.manifest import Manifest, PlacedJob, source_name
from batchvid.manifest.reading.problems import Problems
from batchvid.planning.addresses import check_encryption, used_providers
from batchvid.planning.adoption import NONE as NO_ADOPTIONS
from batchvid.planning.adoption import WAITS, Adoptions, describe_waiting
from batchvid.planning.changes import describe_changes
from batchvid.planning.dependencies import ANY_PARENT, outlook, promised
from batchvid.planning.fallback_warnings import unreachable_fallback
from batchvid.planning.plan_types import BUYS, FINISHED, PRICED, JobPlan, Plan, PlanAction
from batchvid.planning.rehearsals import KEPT, describe_end, emulators_among, is_only_rehearsed, is_protected, mark
from batchvid.planning.replaced_rows import find_replaced
from batchvid.planning.routing import Route, check, find_route, suggest_models
from batchvid.quoting import shortened, with_short_values

RebuyFilter = Callable[[JobSpec, PlanAction], bool]
"""Whether a finished job, with the action planned for it, is bought again."""

SkipFilter = Callable[[JobSpec], str]
"""Why a job that could be bought is not bought by this command; empty if it is bought."""

COLLECTS_ONLY = "this run only collects"
"""Why a run with `--collect-only` buys no job."""

HOW_TO_REGENERATE = "; --regenerate changed buys the new clip"


def buy_nothing_again(_spec: JobSpec, _action: PlanAction) -> bool:
    """The filter that selects no job."""
    return False


def skip_nothing(_spec: JobSpec) -> str:
    """The filter that skips no job."""
    return ""


def make_plan(
    manifest: Manifest,
    jobs: Mapping[str, Job],
    providers: Mapping[str, Provider],
    *,
    models: Models | None = None,
    sold_on: date | None = None,
    rebuy: RebuyFilter = buy_nothing_again,
    skip: SkipFilter = skip_nothing,
    emulators: frozenset[str] = frozenset(),
    adoptions: Adoptions = NO_ADOPTIONS,
) -> Plan:
    """Compare the manifest with the jobs of earlier runs.

    `sold_on` is the day of the purchase: models that are retired on that day are refused; None allows them. `rebuy`
    selects finished jobs that are bought again, `skip` the jobs that this command does not buy. `emulators` are the
    providers that are the emulator, beside those that are it by definition. `adoptions` were made already: `jobs` have
    their new ids. Raises ManifestError with everything that the models cannot do, each with its place. Only jobs that
    would be bought are checked: what is paid for is never validated again.
    """
    planned: list[JobPlan] = []
    problems = Problems(str(manifest.path))
    texts: dict[tuple[str, str], str] = {}
    models = models or catalog.built_in()
    actions = _plan_actions(manifest, jobs, rebuy, skip, emulators | emulators_among(providers), adoptions)
    specs = {placed.spec.id: placed.spec for placed in manifest.jobs}

    def parent_of(spec: JobSpec, route: Route) -> Parent:
        if not spec.parent:
            return ANY_PARENT
        find = partial(find_model, models, provider=route.provider)
        return promised(spec, route.model.dialect, specs, jobs, find)

    def other_route(spec: JobSpec) -> Route:
        try:
            route = find_route(spec, providers, models)
            check(spec, route, parent_of(spec, route))
        except Unsupported as exc:
            raise Unsupported("fallback", f"{spec.request.model}: {exc}") from None
        except UsageError as exc:
            raise UsageError(f"fallback: {exc}") from None
        return route

    for placed in manifest.jobs:
        spec = _with_current_model(placed.spec, jobs.get(placed.spec.id))
        action, reason = actions[spec.id]
        job = jobs.get(spec.id)
        plan_of = partial(
            JobPlan,
            spec,
            action,
            reason,
            place=placed.place,
            state=job.state if job else None,
            paid_attempts=job.committed_attempts if job else 0,
        )
        if action not in PRICED:
            waited_for = adoptions.waiting.get(spec.id, job)
            planned.append(plan_of(waited_for.price if waited_for else UNPRICED))
            continue
        try:
            route = find_route(spec, providers, models)
            parent = parent_of(spec, route)
            planned.append(_buy(plan_of(route.price), route, parent, other_route, sold_on))
        except Unsupported as exc:
            text = f"{exc.field}: {shortened(spec.request.model)}: {exc.reason}"
            problem = (spec.provider, text)
            if problem not in texts:  # a suggestion tries every model: once for all jobs with this problem
                others = "" if exc.field == "options" else suggest_models(spec, route.provider, models, parent)
                texts[problem] = f"{text}{others}"
            _add(problems, placed, texts[problem], (exc.field,), manifest.folder)
        except UsageError as exc:
            _add(problems, placed, str(exc), ("model", "provider"), manifest.folder)
    if problems:
        raise ManifestError(problems.lines(), manifest.notes)
    used = used_providers((job.spec for job in planned if job.action in BUYS), providers)
    cautions = check_encryption(used, jobs.values(), str(manifest.path))
    planned += [_removed(job, manifest) for job in jobs.values() if job.id not in manifest.all_ids]
    return Plan(tuple(planned), cautions, used, manifest.warnings, entries=manifest.entries, notes=manifest.notes)


def _add(problems: Problems, job: PlacedJob, text: str, fields: Sequence[str], folder: Path) -> None:
    """Add a problem of a job with the row, columns and pictures that cause it."""
    text = with_short_values(text, job.spec.variables.values())
    problems.add(job.place, text, source_name(job, fields, folder))


def _with_current_model(requested: JobSpec, job: Job | None) -> JobSpec:
    """The spec with the fallback model that the job switched to after one of its tasks was paid for.

    Such a job continues with that model; a job that was only refused starts again with the requested model.
    """
    has_switched = job is not None and job.state is JobState.PENDING and job.tasks and job.spec.instead_of
    if job is None or not has_switched or job.spec.fingerprint != requested.fingerprint:
        return requested
    spec = requested
    for _ in range(len(requested.fallback) - len(job.spec.fallback)):
        spec = spec.with_next_fallback()
    return spec if (spec.request.model, spec.provider) == (job.spec.request.model, job.spec.provider) else requested


def plan_collecting(jobs: Iterable[Job]) -> Plan:
    """The plan of a run that knows no manifest and only collects."""
    planned: list[JobPlan] = []
    for job in jobs:
        action, reason = _plan_action(job.spec, job, frozenset({job.spec.provider}))
        if action in BUYS:
            action, reason = PlanAction.NOT_BOUGHT, f"{reason}; {COLLECTS_ONLY}"
        planned.append(JobPlan(job.spec, action, reason, job.price))
    return Plan(tuple(planned))


def _plan_actions(
    manifest: Manifest,
    jobs: Mapping[str, Job],
    rebuy: RebuyFilter,
    skip: SkipFilter,
    emulators: frozenset[str],
    adoptions: Adoptions,
) -> dict[str, tuple[PlanAction, str]]:
    """The action for each job, by id, and its reason; the action of a child depends on its parent."""
    found: dict[str, tuple[PlanAction, str]] = {}
    buys: dict[str, JobSpec] = {}
    adopted = {one.spec.id: one.words for one in adoptions.adopted}
    replaced = find_replaced(manifest, jobs, adoptions.waiting)
    for placed in manifest.jobs:
        spec = placed.spec
        if other := adoptions.waiting.get(spec.id):
            found[spec.id] = action_of_waiting(other), describe_waiting(other)
            continue
        job = jobs.get(spec.id)
        action, reason = _plan_action(spec, job, emulators)
        if spec.id in replaced:
            reason = f"{reason}; {replaced[spec.id]}"
        if is_protected(spec, job, emulators) and action in BUYS | FINISHED:
            action = PlanAction.STORED if action in BUYS else action
            reason = f"{'stored' if action is PlanAction.STORED else reason}; {KEPT}"
        elif action in FINISHED and rebuy(spec, action):
            action, reason = PlanAction.WAITING, f"{reason.removesuffix(HOW_TO_REGENERATE)}; to be bought again"
        if spec.id in adopted:
            is_kept = action is PlanAction.STORED
            action, reason = PlanAction.ADOPTED if is_kept else action, f"{adopted[spec.id]}; {reason}"
        if action in BUYS and (skipped := placed.not_fetched or skip(spec)):
            action, reason = PlanAction.NOT_BOUGHT, f"{reason}; {skipped}"
        found[spec.id] = action, reason
        if action in BUYS:
            buys[spec.id] = spec
    for spec in [spec for spec in buys.values() if spec.parent]:
        action, reason = found[spec.id]
        waits, is_coming = outlook(spec, buys, jobs)
        if not is_coming:  # a finished job is not reopened without need
            before, _ = _plan_action(spec, jobs.get(spec.id), emulators)
            action = before if before in FINISHED else PlanAction.HELD
        found[spec.id] = action, f"{reason}; {waits}" if waits else reason
    return found


def action_of_waiting(job: Job) -> PlanAction:
    """What is done about a new job whose request an old one has."""
    if job.state is JobState.UNCERTAIN:
        return PlanAction.UNCERTAIN
    return PlanAction.IN_FLIGHT if job.state in WAITS else PlanAction.NOT_BOUGHT


def _plan_action(spec: JobSpec, job: Job | None, emulators: frozenset[str]) -> tuple[PlanAction, str]:
    if job is None:
        return PlanAction.NEW, "not planned before"
    if end := describe_end(spec, job, emulators):
        return PlanAction.NEW, end
    changes = describe_changes(job.spec, spec) if job.spec.fingerprint != spec.fingerprint else ""
    match job.state:
        case JobState.PENDING:
            return (
                PlanAction.WAITING,
                f"changed before it was bought: {changes}" if changes else "planned, not bought yet",
            )
        case JobState.SUCCEEDED if changes:
            return PlanAction.CHANGED, f"{changes}{HOW_TO_REGENERATE}"
        case JobState.SUCCEEDED:
            return PlanAction.STORED, mark("stored", job)
        case JobState.FAILED:
            # a cancelled job is retried only by its kind
            is_edited = changes and job.kind is not FailureKind.CANCELLED
            edited = f"; edited since: {changes}; retry buys the new one" if is_edited else ""
            return PlanAction.FAILED, mark(f"{job.kind}: {job.message}{edited}", job)
        case JobState.UNCERTAIN:
            certainty = "no verdict" if is_only_rehearsed(job) else "may be paid for"
            return PlanAction.UNCERTAIN, mark(f"{certainty}: {job.message}", job)
        case _:
            running = f"{job.state} as task {job.task_id}" if job.task_id else str(job.state)
            return PlanAction.IN_FLIGHT, mark(running, job)


def _buy(
    job: JobPlan, route: Route, parent: Parent, other_route: Callable[[JobSpec], Route], sold_on: date | None
) -> JobPlan:
    """The job as it would be bought: with its model or, if that is retired, the first fallback model that is sold.

    `other_route` checks a fallback model and finds its route.
    """
    spec = job.spec
    check(spec, route, parent)
    notice = _sunset(route, sold_on)
    if notice and _is_retired(route, sold_on):
        if not spec.fallback or Reason.SUNSET not in spec.fallback_on:
            raise Unsupported("model", f"{notice}; --allow-retired tries it anyway")
        switched = spec.with_next_fallback()
        instead = _buy(replace(job, spec=switched), other_route(switched), parent, other_route, sold_on)
        return replace(
            instead, warning="; ".join(filter(None, (notice, f"bought as {switched.request.model}", instead.warning)))
        )
    warnings, prices = [*route.terms.warnings, *filter(None, (notice, unreachable_fallback(spec, route)))], []
    while spec.fallback:
        spec = spec.with_next_fallback()
        other = other_route(spec)
        if (gone := _sunset(other, sold_on)) and _is_retired(other, sold_on):
            raise Unsupported("fallback", f"{gone}; remove it")
        prices.append(other.price)
        warnings += [*other.terms.warnings, *filter(None, (gone, _more_expensive(spec, route, other)))]
    listed = route.model.price if route.price.usd is not None and not route.provider.free else None
    return replace(
        job,
        price=route.price,
        price_as_of=listed.as_of if listed else "",
        price_source=listed.source if listed else "",
        duration_s=route.duration_s,
        aspect_ratio=route.terms.aspect_ratio,
        resolution=route.terms.resolution,
        warning="; ".join(warnings),
        fallback_prices=tuple(prices),
    )


def _sunset(route: Route, sold_on: date | None) -> str:
    """Until when a model is sold, if it has a sunset; empty where that does not matter."""
    if not route.model.sunset or not sold_on or route.provider.is_rehearsal:
        return ""
    return f"{route.model.name} is sold until {route.model.sunset} ({route.model.sunset_source})"


def _is_retired(route: Route, sold_on: date | None) -> bool:
    return bool(route.model.sunset and sold_on and sold_on >= route.model.sunset)


def _more_expensive(spec: JobSpec, requested: Route, other: Route) -> str:
    if other.price.usd is not None and requested.price.usd is not None and other.price.usd <= requested.price.usd:
        return ""
    price = "an unknown price" if other.price.usd is None else f"${other.price.usd.normalize():f}"
    return f"may switch to {spec.request.model} at {price} ({', '.join(spec.fallback_on)})"


def _removed(job: Job, manifest: Manifest) -> JobPlan:
    if job.state in (JobState.RUNNING, JobState.SUBMITTING, JobState.READY):
        return JobPlan(job.spec, PlanAction.IN_FLIGHT, "no longer in the manifest, but paid for", job.price)
    gone = "no longer in the manifest" if manifest.is_complete else "not in the tables that could be fetched"
    return JobPlan(job.spec, PlanAction.REMOVED, f"{gone} ({job.state})", job.price)
