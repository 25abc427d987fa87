"""`record` is the only way to change a job: the event is durable first, then applied, then passed to the listeners."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from batchvid.domain.events import Event, Progressed
from batchvid.domain.jobs import Job, advance
from batchvid.errors import BatchvidError, StateError
from batchvid.redaction import redact
from batchvid.state.state_file import RecordedEvent, StateFile

Listener = Callable[[Event, Job | None, Job], None]
"""Gets every event after it is durable, on the loop, with the job before and after. Must return quickly."""


Unrecorded = Callable[[Event, Job], None]
"""Gets an event that could not be recorded, with the job after it. May run on any path: it must not raise."""


def _ignore(*_: object) -> None:
    pass


BATCH_SIZE = 1000  # jobs recorded before the loop continues with other work


class _Step(NamedTuple):
    event: Event
    before: Job | None
    after: Job


class Recorder:
    """All jobs of the batch, and the only way to change one.

    Events of one job are applied in the order of the calls, even while an earlier one is being written. After a failed
    write `broken` is set and nothing more can be recorded.
    """

    def __init__(
        self,
        state: StateFile,
        jobs: dict[str, Job],
        listener: Listener = _ignore,
        on_unrecorded: Unrecorded = _ignore,
    ) -> None:
        self.jobs = jobs
        self.folder = state.path.parent
        self._listener = listener
        self._on_unrecorded = on_unrecorded
        self.broken: StateError | None = None
        self._pending: dict[str, Job] = {}  # jobs with events that are being written
        self._writer = _GroupCommit(state)
        self.inputs: Mapping[str, Mapping[str, Any]] = {}  # whole links of jobs that were read without (RunRequest)

    async def record(self, job_id: str, event: Event, *more: Event) -> Job:
        """Make the event durable, replace the job, call the listeners; return the job after it.

        With `more` events all are durable, or none. Raises IllegalEvent (nothing changed) or StateError (not durable:
        the caller must not act on it). Cancelling a waiting caller does not undo the event.
        """
        steps: list[_Step] = []
        job = self._pending.get(job_id) or self.jobs.get(job_id)
        if job is not None and job_id in self.inputs:
            job = replace(job, spec=job.spec.with_request(**self.inputs[job_id]))
        for one in map(_without_secrets, (event, *more)):
            steps.append(_Step(one, job, advance(job, one)))
            job = steps[-1].after
        after = steps[-1].after
        if isinstance(event, Progressed):  # for displays only: not written
            self._apply(*steps[0])
            return after
        if self.broken:
            self._report_unrecorded(steps)
            raise type(self.broken)(str(self.broken)) from self.broken
        self._pending[job_id] = after
        durable = self._writer.put([RecordedEvent(step.event, step.after) for step in steps])
        durable.add_done_callback(lambda done: self._on_written(done, steps))
        await asyncio.shield(durable)
        return after

    async def record_many(self, planned_events: Sequence[Sequence[RecordedEvent]]) -> None:
        """Record the planned events of many jobs, `BATCH_SIZE` jobs at a time; those of one job together.

        Nothing else may be recorded for these jobs meanwhile. Raises StateError: then the rest was not written.
        """
        for start in range(0, len(planned_events), BATCH_SIZE):
            if self.broken:
                raise type(self.broken)(str(self.broken)) from self.broken
            entries = [entry for events in planned_events[start : start + BATCH_SIZE] for entry in events]
            await asyncio.shield(self._writer.put(entries))
            for entry in entries:
                self._apply(entry.event, self.jobs.get(entry.job.id), entry.job)

    def rename(self, adopted: Mapping[str, Job]) -> None:
        """Take over jobs that got a new id, by their former one. The state file has them; nothing is open for them."""
        rename_jobs(self.jobs, adopted)

    async def close(self) -> None:
        """Wait until everything that was recorded is on disk."""
        await asyncio.to_thread(self._writer.close)

    def _on_written(self, done: asyncio.Future[None], steps: Sequence[_Step]) -> None:
        after = steps[-1].after
        if self._pending.get(after.id) is after:
            del self._pending[after.id]
        if done.cancelled():
            return
        exc = done.exception()
        if exc is None:
            for step in steps:
                self._apply(*step)
        else:
            self._report_unrecorded(steps)
            if self.broken is None:
                self.broken = exc if isinstance(exc, StateError) else StateError(str(exc))

    def _report_unrecorded(self, steps: Sequence[_Step]) -> None:
        for step in steps:
            with contextlib.suppress(Exception):  # a full disk: the error of the state file is the one to report
                self._on_unrecorded(step.event, step.after)

    def _apply(self, event: Event, before: Job | None, after: Job) -> None:
        if isinstance(event, Progressed) and after.id in self._pending:
            return  # the pending event was computed from an older job: progress must not overtake it
        self.jobs[after.id] = after
        self._listener(event, before, after)


def rename_jobs(jobs: dict[str, Job], adopted: Mapping[str, Job]) -> None:
    """Replace jobs that got a new id, by their former one."""
    for former_id in adopted:
        del jobs[former_id]
    jobs.update((job.id, job) for job in adopted.values())


class _GroupCommit(threading.Thread):
    """Writes everything that was queued during the last write with one fsync.

    A fixed delay would only add to the time of each acknowledgement (measured: 0.5 ms against 51 ms).
    """

    def __init__(self, state: StateFile) -> None:
        super().__init__(name="batchvid-state", daemon=True)
        self._state = state
        self._error: BatchvidError | None = None
        self._queue: queue.SimpleQueue[tuple[list[RecordedEvent], asyncio.Future[None]] | None] = queue.SimpleQueue()
        self.start()

    def put(self, entries: list[RecordedEvent]) -> asyncio.Future[None]:
        """Queue entries of one transaction; the future is done when they are durable, or has a StateError."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put((entries, future))
        return future

    def close(self) -> None:
        """Write what is queued and stop."""
        self._queue.put(None)
        self.join()

    def run(self) -> None:
        """Wait, gather, write, acknowledge."""
        open_for_more = True
        while open_for_more:
            batch = []
            item = self._queue.get()
            while item is not None:
                batch.append(item)
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                open_for_more = False
            if batch:
                self._write(batch)

    def _write(self, batch: list[tuple[list[RecordedEvent], asyncio.Future[None]]]) -> None:
        if self._error is None:  # later entries depend on the lost ones
            try:
                self._state.commit([entry for entries, _ in batch for entry in entries])
            except BatchvidError as exc:
                self._error = exc
            except Exception as exc:
                self._error = StateError(f"could not be written: {exc!r}")
        loop = batch[0][1].get_loop()
        loop.call_soon_threadsafe(_acknowledge, [future for _, future in batch], self._error)


def _without_secrets(event: Event) -> Event:
    """The event without secrets in its message."""
    message = getattr(event, "message", "")
    return replace(cast("Any", event), message=redact(message)) if message else event


def _acknowledge(futures: list[asyncio.Future[None]], exc: BatchvidError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if exc is None:
            future.set_result(None)
        else:
            future.set_exception(exc)
