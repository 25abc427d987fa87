"""What the loops of one run share: the recorder, the lanes, the transport, and when the run is over."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from batchvid.catalog import Models, Provider, built_in
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.net.transport import Transport
from batchvid.planning.routing import Route, find_route
from batchvid.runner.budget.budget import Budget
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.submission_blocks import Block, SubmissionBlocks
from batchvid.runner.recorder import Recorder

Notice = Callable[[str], None]
"""Shows people a line that is no event of a job, such as a stopped provider."""


class Dispatch(Protocol):
    """Hands a job to the part of the run that its state calls for."""

    def __call__(self, job: Job, *, delay_s: float = 0.0, resumed: bool = False, poll_first: bool = False) -> None:
        """`delay_s` is the wait before a submit; `resumed` marks a job whose work began earlier, so that its task is
        polled at once; `poll_first` polls before all tasks that are due."""


async def wait_for_event(wake: asyncio.Event, within_s: float | None) -> None:
    """Wait for the event, at most so long; None for as long as it takes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await wake.wait()


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True, kw_only=True)
class RunContext:
    """Shared by the parts of one run.

    `active` are the jobs that this run works on: they left a queue and are not finished. `over` is set once the run
    has `started`, none is active, and nothing waits that could still be submitted. `blocks` say why nothing is
    submitted. `retryable_ids` are the jobs that may be bought once more automatically, where `retries`,
    `moderation_retries` or their fallback allow it; they are known once `planned` is set. `duration_models` hold how
    long tasks take, by provider and model. `fault` is the exception that ended the run.
    """

    recorder: Recorder
    transport: Transport
    provider_states: Mapping[str, ProviderState]
    providers: Mapping[str, Provider]
    budget: Budget
    notice: Notice
    models: Models = field(default_factory=built_in)
    retries: int = 0
    moderation_retries: int = 0
    retryable_ids: frozenset[str] = frozenset()
    planned: asyncio.Event = field(default_factory=_set)
    active: set[str] = field(default_factory=set)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    blocks: SubmissionBlocks = field(default_factory=SubmissionBlocks)
    started: bool = False
    fault: BaseException | None = None
    _told: set[str] = field(default_factory=set)
    duration_models: dict[str, DurationModel] = field(default_factory=dict)
    _routes: dict[tuple[object, ...], Route] = field(default_factory=dict)

    @property
    def stop_reason(self) -> str:
        """Why the run submits nothing more; empty while submits may go on."""
        return self.blocks.stop_reason

    def now(self) -> float:
        """The event loop's clock, seconds."""
        return asyncio.get_running_loop().time()

    def jitter(self) -> float:
        """A number to spread waits with, 0.0-1.0."""
        return random.random()  # noqa: S311 - spreads waits, guards nothing

    def duration_model(self, provider: str, model: str) -> DurationModel:
        """How long this provider's tasks of a model (its id on the wire) take, as far as was seen."""
        name = f"{provider}/{model}"
        duration_model = self.duration_models.get(name)
        if duration_model is None:  # a law is costly to make, and this is asked with every job
            duration_model = self.duration_models[name] = DurationModel()
        return duration_model

    def job(self, job_id: str) -> Job:
        """The job as it stands."""
        return self.recorder.jobs[job_id]

    def provider_state(self, job: Job) -> ProviderState:
        """The lane of the job's provider."""
        return self.provider_states[job.spec.provider]

    def route(self, spec: JobSpec) -> Route:
        """How the job is bought; worked out once for jobs that are alike."""
        said = (
            spec.request.duration_s,
            spec.request.aspect_ratio,
            spec.request.resolution,
            spec.request.mode,
            spec.request.sound,
            spec.request.action,
            spec.request.fit,
        )
        alike = (
            spec.provider,
            spec.request.model,
            *said,
            *((image.role, image.width, image.height) for image in spec.request.images),
        )
        route = self._routes.get(alike)
        if route is None:
            route = self._routes[alike] = find_route(spec, self.providers, self.models)
        return route

    def is_reachable(self, job: Job) -> bool:
        """Whether the job's task lives where its provider is now; says so where it does not."""
        provider_state = self.provider_state(job)
        if job.origin == provider_state.origin:
            return True
        self.notice(
            f"{job.id}: its task {job.task_id} was bought at {job.origin}, "
            f"and {provider_state.name} is now {provider_state.origin}; set base_url back to collect it"
        )
        return False

    def notify_once(self, text: str) -> None:
        """A notice that many jobs have cause to give."""
        if text not in self._told:
            self._told.add(text)
            self.notice(text)

    def rest(self, job_id: str) -> None:
        """This run has nothing more to do for the job."""
        self.active.discard(job_id)
        self.check_over()

    def stop(self, reason: str) -> None:
        """Submit nothing more; what is under way is brought to rest."""
        self.blocks.add(Block.STOPPED, reason)
        for provider_state in self.provider_states.values():
            provider_state.wake.set()
        self.check_over()

    def hold(self, reason: str) -> None:
        """Let submits wait until they are released."""
        self.blocks.add(Block.DISK_FULL, reason)

    def release(self) -> None:
        """Submits may go on."""
        self.blocks.remove(Block.DISK_FULL)
        for provider_state in self.provider_states.values():
            provider_state.wake.set()

    def abort(self, fault: BaseException) -> None:
        """End the run now: what should have been written down could not be, or we have a bug."""
        self.fault = self.fault or fault
        self.stop(str(fault))
        self.over.set()

    def check_over(self) -> None:
        """Set `over` when nothing is under way and nothing waits that could go on by itself."""
        if not self.started:
            return
        provider_states = self.provider_states.values()
        if not (
            self.stop_reason
            or self.blocks.reason(Block.CAP)
            or all(provider_state.idle or provider_state.is_stuck(self.active) for provider_state in provider_states)
        ):
            return
        if self.stop_reason:  # tasks go on at the vendor; only what would be lost here is waited for
            at_the_vendors = (JobState.RUNNING, JobState.UNCERTAIN)
            under_way = any(self.job(job_id).state not in at_the_vendors for job_id in self.active)
        else:
            under_way = bool(self.active)
        if not under_way:
            self.over.set()
