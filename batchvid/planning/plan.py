"""What a run would do, with a reason for each job, and the maximum price. No network, no key, no change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial

from batchvid import catalog
from batchvid.catalog import Models, Provider
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import JobSpec, Price, Reason
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Parent
from batchvid.errors import ManifestError, Unsupported, UsageError
from batchvid.manifest import Manifest
from batchvid.planning.addresses import check_encryption, used_providers
from batchvid.planning.adoption import NONE as NO_ADOPTIONS
from batchvid.planning.adoption import Adoptions, describe_waiting
from batchvid.planning.dependencies import ANY_PARENT, outlook, promised
from batchvid.planning.fallback_warnings import unreachable_fallback
from batchvid.planning.rehearsals import KEPT, describe_end, emulators_among, is_protected, mark
from batchvid.planning.routing import Route, check, find_route, suggest_models


class PlanAction(StrEnum):
    """What a run does about a job."""

    NEW = "new"
    """Bought: not planned before."""
    WAITING = "waiting"
    """Bought: planned earlier, never paid for (or reopened)."""
    IN_FLIGHT = "in flight"
    """Collected: it is paid for already."""
    STORED = "stored"
    """Kept: the clip is stored and unchanged."""
    ADOPTED = "adopted"
    """Kept: a job that left the manifest has the clip of the same request; it gets the new id."""
    CHANGED = "changed"
    """Kept: the clip is stored, but the manifest has changed; `--regenerate changed` buys it again."""
    FAILED = "failed"
    """Kept: `retry` buys it again."""
    UNCERTAIN = "uncertain"
    """Not bought: may be paid for; `resolve` decides."""
    HELD = "held"
    """Not bought by this run: this run does not produce the clip of its parent."""
    REMOVED = "removed"
    """Unchanged: no longer in the manifest."""


RebuyFilter = Callable[[JobSpec, PlanAction], bool]
"""Whether a finished job, with the action planned for it, is bought again."""

BUYS = frozenset({PlanAction.NEW, PlanAction.WAITING})
PRICED = BUYS | {PlanAction.HELD}
FINISHED = frozenset({PlanAction.STORED, PlanAction.CHANGED, PlanAction.FAILED})


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One job of the plan. `warning` lists the differences between the request and what is bought.

    `spec` is what is bought first; `fallback_prices` are the prices of the models that it may switch to.
    """

    spec: JobSpec
    action: PlanAction
    reason: str
    price: Price
    duration_s: float | None = None
    warning: str = ""
    fallback_prices: tuple[Price, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a batch with their actions; `cautions` warn about what will stop purchases.

    `providers` are those that may be paid; `warnings` are those of the manifest.
    """

    jobs: tuple[JobPlan, ...]
    cautions: tuple[str, ...] = ()
    providers: tuple[Provider, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def to_buy(self) -> tuple[JobPlan, ...]:
        """The jobs that a run would pay for."""
        return tuple(job for job in self.jobs if job.action in BUYS)

    @property
    def to_plan(self) -> tuple[JobPlan, ...]:
        """The jobs that are recorded as pending: bought by this run or, if held, by a later one."""
        return tuple(job for job in self.jobs if job.action in PRICED)

    @property
    def counts(self) -> Counter[PlanAction]:
        """How many jobs have each action."""
        return Counter(job.action for job in self.jobs)


def buy_nothing_again(_spec: JobSpec, _action: PlanAction) -> bool:
    """The filter that selects no job."""
    return False


def make_plan(
    manifest: Manifest,
    jobs: Mapping[str, Job],
    providers: Mapping[str, Provider],
    *,
    models: Models | None = None,
    sold_on: date | None = None,
    rebuy: RebuyFilter = buy_nothing_again,
    emulators: frozenset[str] = frozenset(),
    adoptions: Adoptions = NO_ADOPTIONS,
) -> Plan:
    """Compare the manifest with the jobs of earlier runs.

    `sold_on` is the day of the purchase: models that are retired on that day are refused; None allows them. `rebuy`
    selects finished jobs that are bought again. `emulators` are the providers that are the emulator, beside those that
    are it by definition. `adoptions` were made already: `jobs` have their new ids. Raises ManifestError with everything
    that the models cannot do, each with its place. Only jobs that would be bought are checked: what is paid for is
    never validated again.
    """
    planned: list[JobPlan] = []
    problems: dict[str, str] = {}  # in order, each once: the jobs of one entry share their problems
    models = models or catalog.built_in()
    actions = _plan_actions(manifest, jobs, rebuy, emulators | emulators_among(providers), adoptions)
    specs = {placed.spec.id: placed.spec for placed in manifest.jobs}

    def parent_of(spec: JobSpec, route: Route) -> Parent:
        if not spec.parent:
            return ANY_PARENT
        find = partial(models.find, dialects=route.provider.routes)
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
        if action not in PRICED:
            planned.append(JobPlan(spec, action, reason, (adoptions.waiting.get(spec.id) or jobs[spec.id]).price))
            continue
        try:
            route = find_route(spec, providers, models)
            parent = parent_of(spec, route)
            job = JobPlan(spec, action, reason, route.price)
            planned.append(_buy(job, route, parent, other_route, sold_on))
        except Unsupported as exc:
            problem = placed.place.problem(f"{exc.field}: {spec.request.model}: {exc.reason}")
            if problem not in problems:
                others = "" if exc.field == "options" else suggest_models(spec, route.provider, models, parent)
                problems[problem] = f"{problem}{others}"
        except UsageError as exc:
            problem = placed.place.problem(str(exc))
            problems[problem] = problem
    if problems:
        raise ManifestError(list(problems.values()))
    used = used_providers((job.spec for job in planned if job.action in BUYS), providers)
    cautions = check_encryption(used, jobs.values(), str(manifest.path))
    planned += [_removed(job) for job in jobs.values() if job.id not in manifest.all_ids]
    return Plan(tuple(planned), cautions, used, manifest.warnings)


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


def _plan_actions(
    manifest: Manifest, jobs: Mapping[str, Job], rebuy: RebuyFilter, emulators: frozenset[str], adoptions: Adoptions
) -> dict[str, tuple[PlanAction, str]]:
    """The action for each job, by id, and its reason; the action of a child depends on its parent."""
    found: dict[str, tuple[PlanAction, str]] = {}
    buys: dict[str, JobSpec] = {}
    adopted = {one.spec.id: one.words for one in adoptions.adopted}
    for placed in manifest.jobs:
        spec = placed.spec
        if other := adoptions.waiting.get(spec.id):
            action = PlanAction.UNCERTAIN if other.state is JobState.UNCERTAIN else PlanAction.IN_FLIGHT
            found[spec.id] = action, describe_waiting(other)
            continue
        job = jobs.get(spec.id)
        action, reason = _plan_action(spec, job, emulators)
        if is_protected(spec, job, emulators) and action in BUYS | FINISHED:
            action = PlanAction.STORED if action in BUYS else action
            reason = f"{'stored' if action is PlanAction.STORED else reason}; {KEPT}"
        elif action in FINISHED and rebuy(spec, action):
            action, reason = PlanAction.WAITING, f"{reason}; to be bought again"
        if spec.id in adopted:
            is_kept = action is PlanAction.STORED
            action, reason = PlanAction.ADOPTED if is_kept else action, f"{adopted[spec.id]}; {reason}"
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


def _plan_action(spec: JobSpec, job: Job | None, emulators: frozenset[str]) -> tuple[PlanAction, str]:
    if job is None:
        return PlanAction.NEW, "not planned before"
    if end := describe_end(spec, job, emulators):
        return PlanAction.NEW, end
    changed = job.spec.fingerprint != spec.fingerprint
    match job.state:
        case JobState.PENDING:
            return (
                PlanAction.WAITING,
                "changed before it was bought" if changed else "planned, not bought yet",
            )
        case JobState.SUCCEEDED if changed:
            return PlanAction.CHANGED, "the manifest has changed; --regenerate changed buys the new clip"
        case JobState.SUCCEEDED:
            return PlanAction.STORED, mark("stored", job)
        case JobState.FAILED:
            # a cancelled job is retried only by its kind
            is_edited = changed and job.kind is not FailureKind.CANCELLED
            edited = "; edited since, retry buys the new one" if is_edited else ""
            return PlanAction.FAILED, f"{job.kind}: {job.message}{edited}"
        case JobState.UNCERTAIN:
            return PlanAction.UNCERTAIN, f"may be paid for: {job.message}"
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
    return replace(
        job,
        price=route.price,
        duration_s=route.duration_s,
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


def _removed(job: Job) -> JobPlan:
    if job.state in (JobState.RUNNING, JobState.SUBMITTING, JobState.READY):
        return JobPlan(job.spec, PlanAction.IN_FLIGHT, "no longer in the manifest, but paid for", job.price)
    return JobPlan(job.spec, PlanAction.REMOVED, f"no longer in the manifest ({job.state})", job.price)
