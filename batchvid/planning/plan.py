"""What a run would do, with a reason for each job, and what it would cost at most. No network, no key, no change."""

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
from batchvid.planning.dependencies import ANY_PARENT, outlook, promised
from batchvid.planning.routing import Route, check, find_route, suggest_models


class PlanAction(StrEnum):
    """What a run does about a job."""

    NEW = "new"
    """Bought: nobody asked for it before."""
    WAITING = "waiting"
    """Bought: planned earlier, never paid for (or reopened)."""
    IN_FLIGHT = "in flight"
    """Collected: it is paid for already."""
    STORED = "stored"
    """Kept: the clip is there and unchanged."""
    CHANGED = "changed"
    """Kept: the clip is there, but the manifest now asks for another; `--regenerate changed` buys it again."""
    FAILED = "failed"
    """Kept: `retry` buys it again."""
    UNCERTAIN = "uncertain"
    """Held: may be paid for; `resolve` settles it."""
    HELD = "held"
    """Not bought by this run: the clip that it works on is not there and this run does not bring it."""
    REMOVED = "removed"
    """Left alone: no longer in the manifest."""


RebuyFilter = Callable[[JobSpec, PlanAction], bool]
"""Whether a finished job, with the action planned for it, is bought again."""

BUYS = frozenset({PlanAction.NEW, PlanAction.WAITING})
PRICED = BUYS | {PlanAction.HELD}
AT_REST = frozenset({PlanAction.STORED, PlanAction.CHANGED, PlanAction.FAILED})


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One job of the plan. `warning` says where what is bought differs from what was asked.

    `spec` is what is bought first, `fallback_prices` are those of the models that it may turn to afterwards.
    """

    spec: JobSpec
    verdict: PlanAction
    reason: str
    price: Price
    duration_s: float | None = None
    warning: str = ""
    fallback_prices: tuple[Price, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a batch with what a run would do about each; `cautions` tell what its caps will not let through."""

    jobs: tuple[JobPlan, ...]
    cautions: tuple[str, ...] = ()

    @property
    def to_buy(self) -> tuple[JobPlan, ...]:
        """Those that a run would pay for."""
        return tuple(job for job in self.jobs if job.verdict in BUYS)

    @property
    def to_plan(self) -> tuple[JobPlan, ...]:
        """Those that the state file is to know as pending: bought by this run or, held back, by a later one."""
        return tuple(job for job in self.jobs if job.verdict in PRICED)

    @property
    def counts(self) -> Counter[PlanAction]:
        """How many there are of each verdict."""
        return Counter(job.verdict for job in self.jobs)


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
) -> Plan:
    """Hold the manifest against what was already done.

    `sold_on` is the day of the purchase: models that are retired by then are refused, without a day they are not.
    `rebuy` selects finished jobs that are bought again. Raises ManifestError with all that the
    models cannot do, each with its place. Only jobs that would be bought are checked: what is paid for is never
    validated again.
    """
    planned: list[JobPlan] = []
    problems: dict[str, str] = {}  # in order, each once: the jobs of one entry share their mistakes
    models = models or catalog.built_in()
    verdicts = _verdicts(manifest, jobs, rebuy)
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
        spec = _as_it_stands(placed.spec, jobs.get(placed.spec.id))
        verdict, reason = verdicts[spec.id]
        if verdict not in PRICED:
            planned.append(JobPlan(spec, verdict, reason, jobs[spec.id].price))
            continue
        try:
            route = find_route(spec, providers, models)
            parent = parent_of(spec, route)
            job = JobPlan(spec, verdict, reason, route.price)
            planned.append(_buy(job, route, parent, other_route, sold_on))
        except Unsupported as exc:
            problem = placed.place.problem(f"{exc.field}: {spec.request.model}: {exc.reason}")
            if problem not in problems:
                problems[problem] = f"{problem}{suggest_models(spec, route.provider, models, parent)}"
        except UsageError as exc:
            problem = placed.place.problem(str(exc))
            problems[problem] = problem
    if problems:
        raise ManifestError(list(problems.values()))
    planned += [_removed(job) for job in jobs.values() if job.id not in manifest.all_ids]
    return Plan(tuple(planned))


def _as_it_stands(asked: JobSpec, job: Job | None) -> JobSpec:
    """The spec with the model of its fallback that the job has turned to after a task of it was paid for.

    Such a job goes on where it stood; one that was only refused begins again with what is asked for.
    """
    turned_already = job is not None and job.state is JobState.PENDING and job.tasks and job.spec.instead_of
    if job is None or not turned_already or job.spec.fingerprint != asked.fingerprint:
        return asked
    spec = asked
    for _ in range(len(asked.fallback) - len(job.spec.fallback)):
        spec = spec.with_next_fallback()
    return spec if (spec.request.model, spec.provider) == (job.spec.request.model, job.spec.provider) else asked


def _verdicts(manifest: Manifest, jobs: Mapping[str, Job], rebuy: RebuyFilter) -> dict[str, tuple[PlanAction, str]]:
    """What a run does about each job, by id, and why; one that works on another's clip hangs on that one's fate."""
    found: dict[str, tuple[PlanAction, str]] = {}
    buys: dict[str, JobSpec] = {}
    for placed in manifest.jobs:
        spec = placed.spec
        verdict, reason = _verdict(spec, jobs.get(spec.id))
        if verdict in AT_REST and rebuy(spec, verdict):
            verdict, reason = PlanAction.WAITING, f"{reason}; to be bought again"
        found[spec.id] = verdict, reason
        if verdict in BUYS:
            buys[spec.id] = spec
    for spec in [spec for spec in buys.values() if spec.parent]:
        verdict, reason = found[spec.id]
        waits, is_coming = outlook(spec, buys, jobs)
        if not is_coming:  # what is at rest is not opened again for nothing
            before, _ = _verdict(spec, jobs.get(spec.id))
            verdict = before if before in AT_REST else PlanAction.HELD
        found[spec.id] = verdict, f"{reason}; {waits}" if waits else reason
    return found


def _verdict(spec: JobSpec, job: Job | None) -> tuple[PlanAction, str]:
    if job is None:
        return PlanAction.NEW, "not asked for before"
    changed = job.spec.fingerprint != spec.fingerprint
    match job.state:
        case JobState.PENDING:
            return (
                PlanAction.WAITING,
                "changed before it was bought" if changed else "planned, not bought yet",
            )
        case JobState.SUCCEEDED if changed:
            return PlanAction.CHANGED, "the manifest now asks for another clip; --regenerate changed buys it"
        case JobState.SUCCEEDED:
            return PlanAction.STORED, "stored"
        case JobState.FAILED:
            is_asked_for = changed and job.kind is not FailureKind.CANCELLED  # that one only by its kind
            edited = "; edited since, retry buys the new one" if is_asked_for else ""
            return PlanAction.FAILED, f"{job.kind}: {job.message}{edited}"
        case JobState.UNCERTAIN:
            return PlanAction.UNCERTAIN, f"may be paid for: {job.message}"
        case _:
            return PlanAction.IN_FLIGHT, f"{job.state} as task {job.task_id}" if job.task_id else str(job.state)


def _buy(
    job: JobPlan, route: Route, parent: Parent, other_route: Callable[[JobSpec], Route], sold_on: date | None
) -> JobPlan:
    """The job as it would be bought: its model, or the first of its fallback that is sold where that one is retired.

    `other_route` checks a model to turn to, and says how it is bought.
    """
    spec = job.spec
    check(spec, route, parent)
    told = _sunset(route, sold_on)
    if told and _is_retired(route, sold_on):
        if not spec.fallback or Reason.SUNSET not in spec.fallback_on:
            raise Unsupported("model", f"{told}; --allow-retired tries it all the same")
        turned = spec.with_next_fallback()
        instead = _buy(replace(job, spec=turned), other_route(turned), parent, other_route, sold_on)
        return replace(
            instead, warning="; ".join(filter(None, (told, f"bought as {turned.request.model}", instead.warning)))
        )
    warnings, prices = [*route.terms.warnings, *filter(None, (told,))], []
    while spec.fallback:
        spec = spec.with_next_fallback()
        other = other_route(spec)
        if (gone := _sunset(other, sold_on)) and _is_retired(other, sold_on):
            raise Unsupported("fallback", f"{gone}; leave it out")
        prices.append(other.price)
        warnings += [*other.terms.warnings, *filter(None, (gone, _dearer(spec, route, other)))]
    return replace(
        job,
        price=route.price,
        duration_s=route.duration_s,
        warning="; ".join(warnings),
        fallback_prices=tuple(prices),
    )


def _sunset(route: Route, sold_on: date | None) -> str:
    """Until when a model is sold that will not be sold for ever; empty where that does not matter."""
    if not route.model.sunset or not sold_on or route.provider.is_rehearsal:
        return ""
    return f"{route.model.name} is sold until {route.model.sunset} ({route.model.sunset_source})"


def _is_retired(route: Route, sold_on: date | None) -> bool:
    return bool(route.model.sunset and sold_on and sold_on >= route.model.sunset)


def _dearer(spec: JobSpec, asked: Route, other: Route) -> str:
    if other.price.usd is not None and asked.price.usd is not None and other.price.usd <= asked.price.usd:
        return ""
    price = "an unknown price" if other.price.usd is None else f"${other.price.usd.normalize():f}"
    return f"may turn to {spec.request.model} at {price} ({', '.join(spec.fallback_on)})"


def _removed(job: Job) -> JobPlan:
    if job.state in (JobState.RUNNING, JobState.SUBMITTING, JobState.READY):
        return JobPlan(job.spec, PlanAction.IN_FLIGHT, "no longer in the manifest, but paid for", job.price)
    return JobPlan(job.spec, PlanAction.REMOVED, f"no longer in the manifest ({job.state})", job.price)
