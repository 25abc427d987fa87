"""What a run would do, with a reason for each job, and what it would cost at most. No network, no key, no change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from batchvid import catalog
from batchvid.catalog import Model, Provider
from batchvid.dialects import DIALECTS
from batchvid.errors import ManifestError, Unsupported, UsageError
from batchvid.jobs import Job, JobState
from batchvid.manifest import Manifest, PlacedJob
from batchvid.specs import JobSpec, Price
from batchvid.wire import ImageInput, Order

FREE = Price(usd=Decimal(0), basis="the emulator charges nothing")


class Verdict(StrEnum):
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
    REMOVED = "removed"
    """Left alone: no longer in the manifest."""


BUYS = frozenset({Verdict.NEW, Verdict.WAITING})
AT_REST = frozenset({Verdict.STORED, Verdict.CHANGED, Verdict.FAILED})


@dataclass(frozen=True, slots=True)
class Route:
    """How a job is bought: from whom, in which wire format, as what, for at most how much.

    `duration_s` is the billed step that is sent, None where the vendor decides.
    """

    provider: Provider
    model: Model
    duration_s: float | None
    price: Price

    @property
    def prefix(self) -> str:
        """The path prefix of this route below the provider's base URL."""
        return self.provider.routes[self.model.dialect]


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One job of the plan. `warning` says where what is bought differs from what was asked."""

    spec: JobSpec
    verdict: Verdict
    reason: str
    price: Price
    duration_s: float | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a batch with what a run would do about each."""

    jobs: tuple[JobPlan, ...]

    @property
    def to_buy(self) -> tuple[JobPlan, ...]:
        """Those that a run would pay for."""
        return tuple(job for job in self.jobs if job.verdict in BUYS)

    @property
    def counts(self) -> Counter[Verdict]:
        """How many there are of each verdict."""
        return Counter(job.verdict for job in self.jobs)


def route_of(spec: JobSpec, providers: Mapping[str, Provider]) -> Route:
    """How this job is bought. Raises UsageError for an unknown model or provider, or one that does not speak it."""
    model = catalog.find_model(spec.model)
    provider = providers.get(spec.provider)
    if provider is None:
        raise UsageError(f"unknown provider {spec.provider!r}; there are {', '.join(providers)}")
    if model.dialect not in provider.routes:
        raise UsageError(
            f"provider {provider.name} does not speak {model.dialect}, which model {spec.model} needs; "
            f"it speaks {', '.join(provider.routes)}"
        )
    duration_s = model.billed_duration_s(spec.duration_s)
    price = FREE if provider.free else model.price_of(duration_s)
    return Route(provider, model, duration_s, price)


def order_of(
    spec: JobSpec,
    *,
    model: str = "",
    duration_s: float | None = None,
    images: Iterable[ImageInput] | None = None,
    external_id: str = "",
) -> Order:
    """What is sent for this job, in batchvid's own words; `model` is its id on the wire, `duration_s` the billed step.

    Without `images` their bytes are left out, as for a plan or a poll.
    """
    if images is None:
        images = (
            ImageInput(
                role=image.role,
                filename=image.source.rpartition("/")[2],
                media_type=image.media_type,
                url=image.source if image.is_url else "",
                width=image.width,
                height=image.height,
            )
            for image in spec.images
        )
    return Order(
        model=model or spec.model,
        prompt=spec.prompt,
        negative_prompt=spec.negative_prompt,
        images=tuple(images),
        duration_s=duration_s,
        aspect_ratio=spec.aspect_ratio,
        resolution=spec.resolution,
        seed=spec.seed,
        sound=spec.sound,
        mode=spec.mode,
        action=spec.action,
        video=spec.video,
        audio=spec.audio,
        options=spec.options,
        external_id=external_id,
    )


def make_plan(
    manifest: Manifest,
    jobs: Mapping[str, Job],
    providers: Mapping[str, Provider],
    *,
    again: Callable[[JobSpec, Verdict], bool] = lambda _spec, _verdict: False,
) -> Plan:
    """Hold the manifest against what was already done.

    `again` says whether a job that is at rest is to be bought again. Raises ManifestError with all that the
    models cannot do, each with its place. Only jobs that would be bought are checked: what is paid for is never
    validated again.
    """
    planned: list[JobPlan] = []
    problems: dict[str, None] = {}  # in order, each once: the jobs of one entry share their mistakes
    for placed in manifest.jobs:
        verdict, reason = _verdict(placed.spec, jobs.get(placed.spec.id))
        if verdict in AT_REST and again(placed.spec, verdict):
            verdict, reason = Verdict.WAITING, f"{reason}; to be bought again"
        if verdict not in BUYS:
            job = jobs[placed.spec.id]
            planned.append(JobPlan(placed.spec, verdict, reason, job.price))
            continue
        try:
            planned.append(_buy(placed, verdict, reason, providers))
        except Unsupported as no:
            problems[placed.place.problem(f"{no.field}: {placed.spec.model}: {no.reason}")] = None
        except UsageError as no:
            problems[placed.place.problem(str(no))] = None
    if problems:
        raise ManifestError(list(problems))
    planned += [_removed(job) for job in jobs.values() if job.id not in manifest.all_ids]
    return Plan(tuple(planned))


def _verdict(spec: JobSpec, job: Job | None) -> tuple[Verdict, str]:
    if job is None:
        return Verdict.NEW, "not asked for before"
    changed = job.spec.fingerprint != spec.fingerprint
    match job.state:
        case JobState.PENDING:
            return Verdict.WAITING, "changed before it was bought" if changed else "planned, not bought yet"
        case JobState.SUCCEEDED if changed:
            return Verdict.CHANGED, "the manifest now asks for another clip; --regenerate changed buys it"
        case JobState.SUCCEEDED:
            return Verdict.STORED, "stored"
        case JobState.FAILED:
            edited = "; edited since, retry buys the new one" if changed else ""
            return Verdict.FAILED, f"{job.kind}: {job.message}{edited}"
        case JobState.UNCERTAIN:
            return Verdict.UNCERTAIN, f"may be paid for: {job.message}"
        case _:
            return Verdict.IN_FLIGHT, f"{job.state} as task {job.task_id}" if job.task_id else str(job.state)


def _buy(placed: PlacedJob, verdict: Verdict, reason: str, providers: Mapping[str, Provider]) -> JobPlan:
    spec = placed.spec
    route = route_of(spec, providers)
    check(spec, route)
    warning = ""
    if spec.duration_s is not None and route.duration_s != spec.duration_s:
        warning = (
            f"{spec.model} is sold in {_steps(route.model)} s: {spec.duration_s:g} s becomes {route.duration_s:g} s"
        )
    return JobPlan(spec, verdict, reason, route.price, route.duration_s, warning)


def check(spec: JobSpec, route: Route) -> None:
    """Raises Unsupported where the model or its dialect cannot do what the job asks."""
    model = route.model
    if spec.aspect_ratio and model.aspect_ratios and spec.aspect_ratio not in model.aspect_ratios:
        raise Unsupported("aspect_ratio", f"cannot do {spec.aspect_ratio}; it can do {', '.join(model.aspect_ratios)}")
    if model.image_required and not any(image.role == "first" for image in spec.images):
        raise Unsupported("image", "makes clips from an image only; give one")
    if model.images is not None:
        words = {"first": "image", "last": "end_image", "reference": "reference_images"}
        for role, count in Counter(image.role for image in spec.images).items():
            if count > model.images.get(role, 0):
                allowed = ", ".join(f"{most} {words[name]}" for name, most in model.images.items()) or "none"
                raise Unsupported(words[role], f"cannot take {count} of them; it takes {allowed}")
    order = order_of(spec, model=model.name, duration_s=route.duration_s, external_id="plan")
    DIALECTS[model.dialect].submit(order)


def _removed(job: Job) -> JobPlan:
    if job.state in (JobState.RUNNING, JobState.SUBMITTING, JobState.READY):
        return JobPlan(job.spec, Verdict.IN_FLIGHT, "no longer in the manifest, but paid for", job.price)
    return JobPlan(job.spec, Verdict.REMOVED, f"no longer in the manifest ({job.state})", job.price)


def _steps(model: Model) -> str:
    return ", ".join(f"{step:g}" for step in model.durations_s)
