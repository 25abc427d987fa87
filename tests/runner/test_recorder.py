"""`record`: durable before listeners are called, in order for each job, and nothing more after a failed write."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from batchvid.domain import events as ev
from batchvid.domain.clip_request import inputs_of
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import IllegalEvent, StateError
from batchvid.runner.recorder import Listener, Recorder
from batchvid.state.readers import read_jobs, replay
from batchvid.state.state_file import RecordedEvent, StateFile
from tests.builders import ACCEPTED, SECRET, STORED, SUCCEEDED, at, life, planned, spec, started

LIFE: tuple[ev.Event, ...] = (planned(), started(), ACCEPTED, SUCCEEDED, STORED)


class Disk(StateFile):
    """A state file that counts its transactions, and can be slow or full."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.transactions: list[int] = []
        self.before_commit: Callable[[], None] = lambda: None

    def commit(
        self, entries: Iterable[RecordedEvent], meta: Mapping[str, Any] | None = None, relinked: Iterable[Job] = ()
    ) -> None:
        """As the real one, after what the test wants to happen."""
        gathered = list(entries)
        self.before_commit()
        super().commit(gathered, meta, relinked)
        self.transactions.append(len(gathered))


@asynccontextmanager
async def recording(path: Path, listener: Listener = lambda *_: None) -> AsyncIterator[tuple[Recorder, Disk]]:
    """A recorder on a real state file; closed in the end."""
    with Disk(path) as disk:
        recorder = Recorder(disk, disk.jobs(), listener)
        try:
            yield recorder, disk
        finally:
            await recorder.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The state file."""
    return tmp_path / "state.sqlite3"


def full() -> None:
    """What a disk without room says."""
    raise StateError("no room")


async def test_an_event_is_durable_before_anybody_hears_of_it(path: Path) -> None:
    """A listener that opens the file finds the new state there already, for every event of a life."""
    seen: list[tuple[JobState, JobState]] = []

    def listener(_event: ev.Event, _before: Job | None, after: Job) -> None:
        (on_disk,) = read_jobs(path)
        seen.append((on_disk.state, after.state))

    async with recording(path, listener) as (recorder, _disk):
        for event in LIFE:
            job = await recorder.record("kite", event)
            assert recorder.jobs["kite"] == job
            assert read_jobs(path)[0].state is job.state
    assert seen == [(entry.job.state, entry.job.state) for entry in life(*LIFE)]


async def test_a_job_is_not_changed_before_it_is_durable(path: Path) -> None:
    """While the write is under way the job stands as it was; nobody acts on what may yet be lost."""
    async with recording(path) as (recorder, _disk):
        task = asyncio.create_task(recorder.record("kite", planned()))
        await asyncio.sleep(0)
        assert recorder.jobs == {}
        await task
        assert set(recorder.jobs) == {"kite"}


async def test_events_of_a_job_keep_the_order_of_the_calls(path: Path) -> None:
    """A whole life recorded at once, without waiting for the disk, is applied, passed on and written in order."""
    received: list[tuple[ev.Event, JobState | None, JobState]] = []

    def listener(event: ev.Event, before: Job | None, after: Job) -> None:
        received.append((event, None if before is None else before.state, after.state))

    async with recording(path, listener) as (recorder, _disk):
        jobs = await asyncio.gather(*(recorder.record("kite", event) for event in LIFE))
        assert [job.state for job in jobs] == [entry.job.state for entry in life(*LIFE)]
        assert recorder.jobs["kite"] == jobs[-1]
    states = [None, *(job.state for job in jobs)]
    assert received == list(zip(LIFE, states, states[1:], strict=False))
    assert replay(path)["kite"].state is JobState.SUCCEEDED


async def test_what_comes_too_late_is_illegal_although_nothing_is_on_disk_yet(path: Path) -> None:
    """An event is held against the one recorded before it, not against the one that was written before it."""
    async with recording(path) as (recorder, _disk):
        first = asyncio.create_task(recorder.record("kite", planned()))
        second = asyncio.create_task(recorder.record("kite", started()))
        third = asyncio.create_task(recorder.record("kite", started()))
        await asyncio.gather(first, second)
        with pytest.raises(IllegalEvent):
            await third
        assert recorder.jobs["kite"].attempts == 1
    assert replay(path)["kite"].attempts == 1


async def test_an_illegal_event_is_not_written(path: Path) -> None:
    """It raises, the job stays, no listener is called, and the recorder continues."""
    received: list[ev.Event] = []
    async with recording(path, lambda event, _b, _a: received.append(event)) as (recorder, disk):
        await recorder.record("kite", LIFE[0])
        with pytest.raises(IllegalEvent):
            await recorder.record("kite", STORED)
        with pytest.raises(IllegalEvent):
            await recorder.record("nobody", ACCEPTED)
        await recorder.record("kite", LIFE[1])
        assert sum(disk.transactions) == 2
        assert recorder.broken is None
    assert received == list(LIFE[:2])


async def test_a_caller_that_is_cancelled_does_not_undo_it(path: Path) -> None:
    """The purchase happened: its event is written and passed on, though the waiting caller was cancelled."""
    received: list[ev.Event] = []
    async with recording(path, lambda event, _b, _a: received.append(event)) as (recorder, _disk):
        await recorder.record("kite", planned())
        caller = asyncio.create_task(recorder.record("kite", started()))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await recorder.record("kite", ACCEPTED)
        assert recorder.jobs["kite"].state is JobState.RUNNING
    assert [type(event) for event in received] == [ev.Planned, ev.SubmitStarted, ev.SubmitAccepted]
    assert replay(path)["kite"].task_id == "t-1"


async def test_after_a_failed_write_nothing_more_is_recorded(path: Path) -> None:
    """The caller gets the error, `broken` is set, later events raise at once, and none of them reaches the disk."""
    received: list[ev.Event] = []
    async with recording(path, lambda event, _b, _a: received.append(event)) as (recorder, disk):
        await recorder.record("kite", planned())
        disk.before_commit = full
        with pytest.raises(StateError, match="no room"):
            await recorder.record("kite", started())
        assert recorder.broken is not None
        assert recorder.jobs["kite"].state is JobState.PENDING
        disk.before_commit = lambda: None  # there is room again, but what came before is lost
        for job_id, event in (("kite", started()), ("boat", planned(spec("boat")))):
            with pytest.raises(StateError, match="no room"):
                await recorder.record(job_id, event)
    assert received == [LIFE[0]]
    assert [(job.id, job.state) for job in read_jobs(path)] == [("kite", JobState.PENDING)]


async def test_what_was_behind_a_failed_write_fails_with_it(path: Path) -> None:
    """Events worked out from a lost one must not stand without it, also when the disk has room by then."""
    under_way, others_wait, refusals = threading.Event(), threading.Event(), [full]

    def full_once() -> None:
        if refusals:
            under_way.set()
            others_wait.wait()
            refusals.pop()()

    async with recording(path) as (recorder, disk):
        await recorder.record("kite", planned())
        disk.before_commit = full_once
        records = [asyncio.create_task(recorder.record("kite", LIFE[1]))]
        await asyncio.to_thread(under_way.wait)
        records += [asyncio.create_task(recorder.record("kite", event)) for event in LIFE[2:]]
        await asyncio.sleep(0)
        others_wait.set()
        ends = await asyncio.gather(*records, return_exceptions=True)
        assert [type(end) for end in ends] == [StateError] * 4
        assert recorder.jobs["kite"].state is JobState.PENDING
    assert [job.state for job in read_jobs(path)] == [JobState.PENDING]
    assert len(replay(path)) == 1


async def test_a_fault_of_our_own_in_the_writer_is_a_broken_disk_too(path: Path) -> None:
    """Whatever goes wrong while writing, the caller hears of it and no thread dies silently."""

    def fault() -> None:
        raise ZeroDivisionError("a bug")

    async with recording(path) as (recorder, disk):
        disk.before_commit = fault
        with pytest.raises(StateError, match="a bug"):
            await recorder.record("kite", planned())
        assert recorder.broken is not None
        with pytest.raises(StateError, match="a bug"):
            await recorder.record("kite", planned())


async def test_progress_is_for_the_bars_only(path: Path) -> None:
    """It changes the job and is passed on, but not written."""
    received: list[float | None] = []
    async with recording(path, lambda _e, _b, after: received.append(after.progress)) as (recorder, disk):
        for event in LIFE[:3]:
            await recorder.record("kite", event)
        written = sum(disk.transactions)
        job = await recorder.record("kite", ev.Progressed(at=at(9), vendor_status="in_progress", progress=0.4))
        assert (job.progress, recorder.jobs["kite"].vendor_status) == (0.4, "in_progress")
        assert sum(disk.transactions) == written == 3
    assert received == [None, None, None, 0.4]
    assert replay(path)["kite"].progress is None


async def test_progress_does_not_overtake(path: Path) -> None:
    """Progress while an earlier event is being written does not apply that event early."""
    states: list[JobState] = []
    async with recording(path) as (recorder, _disk):
        await recorder.record("kite", planned())
        await recorder.record("kite", started())
        accepted = asyncio.create_task(recorder.record("kite", ACCEPTED))
        await asyncio.sleep(0)
        await recorder.record("kite", ev.Progressed(at=at(3), vendor_status="queued"))
        states.append(recorder.jobs["kite"].state)
        await accepted
        states.append(recorder.jobs["kite"].state)
    assert states == [JobState.SUBMITTING, JobState.RUNNING]


async def test_a_vendors_words_are_cleaned_before_anybody_hears_them(path: Path) -> None:
    """No signed link and no escape of a message reaches the disk, the job or a listener; its plain words do."""
    received: list[str] = []
    message = f"\x1b[2Jfailed, see https://cdn.example/a.mp4?Signature={SECRET} for more"
    async with recording(path, lambda event, _b, _a: received.append(getattr(event, "message", ""))) as (
        recorder,
        _disk,
    ):
        for event in LIFE[:3]:
            await recorder.record("kite", event)
        job = await recorder.record("kite", ev.TaskFailed(at=at(9), kind=FailureKind.UNAVAILABLE, message=message))
    clean = "[2Jfailed, see https://cdn.example/a.mp4?... for more"
    assert received[-1] == job.message == replay(path)["kite"].message == clean
    assert [file.name for file in path.parent.iterdir() if SECRET.encode() in file.read_bytes()] == []


async def test_many_events_share_a_transaction(path: Path) -> None:
    """A thousand records at once cost a handful of syncs, not a thousand, and every one is acknowledged."""
    async with recording(path) as (recorder, disk):
        jobs = await asyncio.gather(
            *(recorder.record(f"kite-{number}", planned(spec(f"kite-{number}"))) for number in range(1000))
        )
        assert len({job.id for job in jobs}) == len(recorder.jobs) == 1000
        assert sum(disk.transactions) == 1000
        assert len(disk.transactions) < 100
    assert [job.id for job in read_jobs(path)] == [f"kite-{number}" for number in range(1000)]


async def test_closing_waits_for_what_was_recorded(path: Path) -> None:
    """What was recorded and not waited for is on the disk when the recorder is closed."""
    async with recording(path) as (recorder, _disk):
        records = [asyncio.create_task(recorder.record("kite", event)) for event in LIFE]
        await asyncio.sleep(0)
        await recorder.close()
        assert replay(path)["kite"].state is JobState.SUCCEEDED
        await asyncio.gather(*records)


async def test_jobs_of_an_earlier_run_go_on(path: Path) -> None:
    """The recorder begins with what the file holds, and its listener gets every event."""
    heard: list[str] = []
    async with recording(path) as (recorder, _disk):
        await recorder.record("kite", planned())
    async with recording(path, lambda event, _b, _a: heard.append(type(event).__name__)) as (recorder, _disk):
        gave_up = ev.GaveUp(at=at(9), kind=FailureKind.CANCELLED, message="by the user")
        assert (await recorder.record("kite", gave_up)).state is JobState.FAILED
    assert heard == ["GaveUp"]


async def test_a_job_gets_its_whole_links_back(path: Path) -> None:
    """The state file has them without their queries; from the next event on the job has them, and the file does not."""
    whole = spec(video="https://cdn.example/a.mp4?Signature=abc123")
    with StateFile(path) as state:
        state.commit(life(planned(whole), started(), ACCEPTED))
    async with recording(path) as (recorder, _disk):
        assert recorder.jobs["kite"].spec != whole
        recorder.inputs = {"kite": inputs_of(whole.request)}
        await recorder.record("kite", ev.TaskFailed(at=at(9), kind=FailureKind.UNAVAILABLE, message="broke"))
        job = await recorder.record("kite", ev.Reopened(at=at(10), reason="retry"))
        assert job.spec == whole
    (stored,) = read_jobs(path)
    assert stored.spec.request.video == "https://cdn.example/a.mp4?..."
