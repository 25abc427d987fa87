"""Calls every listener of events, in one written order, after the event is durable.

The run's own bookkeeping comes first: spending, slots, health, dependent jobs. The log and the displays follow. Each
call is guarded, so that no output can change a job.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.costs import describe_cost
from batchvid.domain.jobs import IN_FLIGHT, Job, JobState
from batchvid.domain.origins import same_origin
from batchvid.redaction import redact
from batchvid.runner.budget.budget import Charge
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.recorder import Listener


class Observer(Protocol):
    """A log or a display of a run."""

    def __call__(self, event: ev.Event, before: Job | None, after: Job, /) -> None:
        """Shows an event."""

    def notice(self, text: str) -> None:
        """Shows a line for people."""

    def tick(self) -> None:
        """A second has passed."""

    def close(self) -> None:
        """The run is over."""


class Listeners:
    """Calls the bookkeeping, then the observers, each in the given order.

    An exception of an observer is reported once, to the other observers; the run goes on. An exception of the
    bookkeeping is a bug: `on_bug` gets it, after the other listeners were called.
    """

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self.bookkeeping: Sequence[Listener] = ()
        self.on_bug: Callable[[Exception], None] = _raise
        self._observers = tuple(observers)
        self._failed: list[Observer] = []

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Pass on an event with the job before and after it."""
        bug: Exception | None = None
        for listener in self.bookkeeping:
            try:
                listener(event, before, after)
            except Exception as exc:
                bug = bug or exc
        self._call_observers(lambda observer: observer(event, before, after))
        if bug is not None:
            self.on_bug(bug)

    def notice(self, text: str) -> None:
        """Pass on a line for people, without secrets."""
        line = redact(text)
        self._call_observers(lambda observer: observer.notice(line))

    def tick(self) -> None:
        """Pass on that a second has passed."""
        self._call_observers(lambda observer: observer.tick())

    def close(self) -> None:
        """Close the observers."""
        self._call_observers(lambda observer: observer.close())

    def _call_observers(self, call: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                call(observer)
            except Exception as exc:
                self._report(observer, exc)

    def _report(self, failed: Observer, exc: Exception) -> None:
        if failed in self._failed:
            return
        self._failed.append(failed)
        text = redact(f"{type(failed).__name__} failed: {type(exc).__name__}: {exc}. The run goes on; see run.log")
        for observer in self._observers:
            if observer is not failed:
                with contextlib.suppress(Exception):  # its own failure is reported separately
                    observer.notice(text)


def _raise(exc: Exception) -> None:
    raise exc


def track_spending(context: RunContext, on_return: Callable[[Charge], None]) -> Listener:
    """Keep the budget up to date; `on_return` gets money that is released.

    A cost that exceeds its estimate is reported once per model, like one that cannot be.
    """
    reported: set[tuple[str, str, str]] = set()

    def on_event(event: ev.Event, before: Job | None, after: Job) -> None:
        if before is not None and (returned := context.budget.settle(before, after)):
            on_return(returned)
        if isinstance(event, ev.SubmitAccepted | ev.TaskSucceeded | ev.TaskFailed | ev.CostBilled):
            kind = (after.spec.provider, after.model_sent, "cost" if event.cost_usd is not None else "no cost")
            is_final = isinstance(event, ev.TaskSucceeded | ev.TaskFailed)
            line = describe_cost(after.price, event.actual_usd, is_final=is_final) if kind not in reported else ""
            if line:
                reported.add(kind)
                context.notice(f"{after.id} (task {after.task_id}): {line}. Each attempt's cost is in ledger.csv")

    return on_event


def track_slots(context: RunContext) -> Listener:
    """Keep the slots in use up to date."""

    def on_event(event: ev.Event, _before: Job | None, after: Job) -> None:
        if not isinstance(event, ev.Progressed):
            _update_slot(context, after)

    return on_event


def track_inline_clips(context: RunContext) -> Listener:
    """Count the bytes of clips that came inside a reply and are not stored yet."""

    def on_event(_event: ev.Event, before: Job | None, after: Job) -> None:
        if after.assets or (before is not None and before.assets):
            inline = (asset.location for asset in after.assets if asset.location.startswith("data:"))
            context.transport.large_replies.hold(after.id, sum(map(len, inline)))

    return on_event


def track_health(context: RunContext) -> Listener:
    """Keep the circuit breakers and the retry budget of each provider up to date."""

    def on_event(event: ev.Event, _before: Job | None, after: Job) -> None:
        provider_state = context.provider_states.get(after.spec.provider)
        if provider_state is None:
            return
        if isinstance(event, ev.SubmitAccepted):
            provider_state.retry_budget.accepted += 1
        if provider_state.health.on_event(event, after, context.now(), context.jitter()):
            provider_state.wake.set()

    return on_event


def restore_slots(context: RunContext, jobs: Iterable[Job]) -> None:
    """Count the slots that jobs of earlier runs still hold. Counting a job twice is harmless."""
    for job in jobs:
        _update_slot(context, job)


def _update_slot(context: RunContext, job: Job) -> None:
    provider_state = context.provider_states.get(job.spec.provider)
    if provider_state is None:
        return
    if job.is_rehearsal and not same_origin(job.origin, provider_state.origin):
        return  # the emulator has it: it holds no slot of the real provider
    if job.state in IN_FLIGHT:
        provider_state.slots.acquire(job.id, job.model_sent)
    elif job.state is JobState.UNCERTAIN:  # its task may be running until the deadline has passed
        age_s = (utc_now() - job.submitted_at).total_seconds() if job.submitted_at else 0.0
        left_s = provider_state.provider.timeout_s - max(age_s, 0.0)  # an age below 0: the clock was set back
        if left_s > 0:
            provider_state.slots.acquire(job.id, job.model_sent)
            asyncio.get_running_loop().call_later(left_s, _release_slot, context, job.id, provider_state)
        else:  # its call took longer than a task may take
            _release_slot(context, job.id, provider_state)
    else:
        _release_slot(context, job.id, provider_state)


def _release_slot(context: RunContext, job_id: str, provider_state: ProviderState) -> None:
    if context.job(job_id).state not in IN_FLIGHT and provider_state.slots.release(job_id):
        provider_state.wake.set()
