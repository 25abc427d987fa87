"""State shared by the loops of one run: the recorder, the provider states, the transport, and when the run is over."""

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
from batchvid.domain.origins import same_origin
from batchvid.net.transport import Transport
from batchvid.paths import quoted
from batchvid.planning.routing import Route, find_route
from batchvid.runner.budget.budget import Budget
from batchvid.runner.callbacks.receiver import CallbackReceiver
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.submission_blocks import Block, SubmissionBlocks
from batchvid.runner.providers.submission_times import describe_time
from batchvid.runner.recorder import Recorder
from batchvid.runner.task_owners import TaskOwners

Notice = Callable[[str], None]
"""Shows a line that is no event of a job, such as a stopped provider."""


class Dispatch(Protocol):
    """Hands a job to the part of the run that handles its state."""

    def __call__(self, job: Job, *, delay_s: float = 0.0, resumed: bool = False, poll_first: bool = False) -> None:
        """`delay_s` delays a submit. `resumed` marks a job of an earlier run: its task is polled at once. `poll_first`
        polls it before all tasks that are due."""


async def wait_for_event(wake: asyncio.Event, within_s: float | None) -> None:
    """Wait for the event, at most so long; None for no limit."""
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

    `active` are the jobs that left a queue and are not finished. `over` is set once the run has `started`, no job is
    active, and no waiting job can be submitted. `blocks` say why nothing is submitted. `retryable_ids` may be bought
    again automatically, where `retries`, `moderation_retries` or their fallback allow it; they are known once `planned`
    is set. `duration_models` are by provider and model. `error` is the exception that ended the run. `stop` sets
    `stopped`, which ends waits. With `waits_for_slots` the run waits until uncertain jobs release the slots that other
    jobs need. `callbacks` are expected while the run listens for vendors.
    """

    recorder: Recorder
    transport: Transport
    provider_states: Mapping[str, ProviderState]
    providers: Mapping[str, Provider]
    budget: Budget
    notice: Notice
    models: Models = field(default_factory=built_in)
    task_owners: TaskOwners = field(default_factory=TaskOwners)
    retries: int = 0
    moderation_retries: int = 0
    retryable_ids: frozenset[str] = frozenset()
    planned: asyncio.Event = field(default_factory=_set)
    active: set[str] = field(default_factory=set)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    blocks: SubmissionBlocks = field(default_factory=SubmissionBlocks)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    started: bool = False
    error: BaseException | None = None
    waits_for_slots: bool = True
    callbacks: CallbackReceiver | None = None
    _notified: set[str] = field(default_factory=set)
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
        """A random number between 0.0 and 1.0, to spread waits."""
        return random.random()  # noqa: S311 - not for security

    def duration_model(self, provider: str, model: str) -> DurationModel:
        """How long this provider's tasks of a model (its id on the wire) take, learned from earlier ones."""
        name = f"{provider}/{model}"
        duration_model = self.duration_models.get(name)
        if duration_model is None:  # expensive to build, and needed for each job
            duration_model = self.duration_models[name] = DurationModel()
        return duration_model

    def job(self, job_id: str) -> Job:
        """The job in its current state."""
        return self.recorder.jobs[job_id]

    def provider_state(self, job: Job) -> ProviderState:
        """The state of the job's provider."""
        return self.provider_states[job.spec.provider]

    def route(self, spec: JobSpec) -> Route:
        """How the job is bought; computed once for jobs that are alike."""
        request = spec.request
        options = (request.duration_s, request.aspect_ratio, request.resolution, request.mode, request.sound)
        images = ((image.role, image.width, image.height) for image in request.images)
        key = (spec.provider, request.model, *options, request.action, request.fit, *images)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = find_route(spec, self.providers, self.models)
        return route

    def is_reachable(self, job: Job) -> bool:
        """Whether the provider is still at the origin of the job's task. Reports it if not."""
        provider_state = self.provider_state(job)
        if same_origin(job.origin, provider_state.origin):
            return True
        self.notice(
            f"{job.id}: its task {job.task_id} was bought at {job.origin}, "
            f"and {provider_state.name} is now {provider_state.origin}; set base_url back to collect it, or, if the "
            f"server moved: batchvid relocate {quoted(self.recorder.folder)} --from {job.origin} "
            f"--to {provider_state.origin}"
        )
        return False

    def notify_once(self, text: str) -> None:
        """Show a notice that many jobs may cause."""
        if text not in self._notified:
            self._notified.add(text)
            self.notice(text)

    def mark_idle(self, job_id: str) -> None:
        """Record that this run has nothing more to do for the job."""
        self.active.discard(job_id)
        self.check_over()

    def stop(self, reason: str) -> None:
        """Submit nothing more. Open work is finished."""
        self.blocks.add(Block.STOPPED, reason)
        self.stopped.set()
        for provider_state in self.provider_states.values():
            provider_state.wake.set()
        self.check_over()

    def hold(self, reason: str) -> None:
        """Hold submits until `release`."""
        self.blocks.add(Block.DISK_FULL, reason)

    def release(self) -> None:
        """Resume submits."""
        self.blocks.remove(Block.DISK_FULL)
        for provider_state in self.provider_states.values():
            provider_state.wake.set()

    def abort(self, exc: BaseException) -> None:
        """End the run now: an event could not be recorded, or there is a bug."""
        self.error = self.error or exc
        self.stop(str(exc))
        self.over.set()

    def check_over(self) -> None:
        """Set `over` when no work is open and no waiting job can proceed."""
        if not self.started:
            return
        provider_states = self.provider_states.values()
        if not (
            self.stop_reason
            or self.blocks.reason(Block.CAP)
            or all(provider_state.idle or self._ends_stuck(provider_state) for provider_state in provider_states)
        ):
            return
        if self.stop_reason:  # tasks continue at the vendor: wait only for work that would be lost here
            at_vendor = (JobState.RUNNING, JobState.UNCERTAIN)
            is_open = any(self.job(job_id).state not in at_vendor for job_id in self.active)
        else:
            is_open = bool(self.active)
        if not is_open:
            self.over.set()

    def _ends_stuck(self, provider_state: ProviderState) -> bool:
        """Whether the run ends although jobs wait here for slots of uncertain jobs. If it waits, it says until when."""
        if not provider_state.is_stuck(self.active):
            return False
        if self.waits_for_slots:
            waiting = len(provider_state.queue) + provider_state.delayed.total()
            until = provider_state.next_release_at(map(self.job, provider_state.slots.holders))
            self.notify_once(
                f"{provider_state.name}: {waiting} jobs wait for slots that uncertain submits hold until "
                f"{describe_time(until)}. To decide now: Ctrl-C, then "
                f"batchvid resolve --batch {quoted(self.recorder.folder)}; --no-wait ends the run instead"
            )
        return not self.waits_for_slots
