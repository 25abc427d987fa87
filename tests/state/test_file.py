"""The state file: all or nothing, readable by anybody at any time, and the log and the jobs tell the same story."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from batchvid.domain import events as ev
from batchvid.domain.clip_request import ImageRef
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import IllegalEvent, StateError
from batchvid.state.readers import read_jobs, read_meta, replay
from batchvid.state.state_file import RecordedEvent, StateFile, record_offline
from tests.builders import (
    ACCEPTED,
    SECRET,
    SUCCEEDED,
    at,
    clip,
    life,
    planned,
    spec,
    started,
    state_file,
    steps,
)
from tests.state.children import WRITE, child


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state file is to be, in a folder that is not there yet."""
    return tmp_path / "outputs" / "spring" / "state.sqlite3"


def one_in_each_state() -> Iterator[list[RecordedEvent]]:
    """Seven lives."""
    for state in JobState:
        yield steps(f"kite-{state.value}", state)


def unsigned(job: Job) -> Job:
    """The job as a file may know it."""
    return replace(job, assets=tuple(asset for asset in job.assets if asset.keyed))


def test_what_was_committed_is_there_after_a_restart(path: Path) -> None:
    """Jobs come back as they were, in the order in which they were planned."""
    lives = list(one_in_each_state())
    state_file(path, *lives)
    with StateFile(path) as state:
        assert [unsigned(entries[-1].job) for entries in lives] == list(state.jobs().values())


def test_the_log_leads_to_the_jobs(path: Path) -> None:
    """Replaying the events from the first gives what stands in the table of jobs."""
    state_file(path, *one_in_each_state())
    told = {job_id: unsigned(job) for job_id, job in replay(path).items()}
    assert {job.id: job for job in read_jobs(path)} == told


def test_a_changed_plan_is_the_one_that_stands(path: Path) -> None:
    """A job planned again before it was bought has the new spec and keeps its place in the order."""
    state_file(path, steps("a"), steps("b"), life(planned(spec("a")), planned(spec("a", prompt="two kites")))[1:])
    assert [(job.id, job.spec.request.prompt) for job in read_jobs(path)] == [("a", "two kites"), ("b", "a paper kite")]


def test_a_job_that_is_planned_later_stands_behind(path: Path) -> None:
    """The order goes on where it ended, also in the next run."""
    state_file(path, steps("b"), steps("c"))
    state_file(path, steps("a"))
    assert [job.id for job in read_jobs(path)] == ["b", "c", "a"]


@pytest.mark.parametrize("broken_at", [0, 1, 2, 3])
def test_a_commit_is_all_or_nothing(path: Path, broken_at: int) -> None:
    """If one entry cannot be written, StateError says why, none of them is written, and the file goes on."""
    state_file(path, steps("first"))
    with closing(sqlite3.connect(path)) as disk:
        disk.execute(
            "CREATE TRIGGER full BEFORE INSERT ON jobs WHEN NEW.id = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'no room for this one'); END"
        )
    with StateFile(path) as state:
        entries = steps("x", JobState.RUNNING)
        entries[broken_at:broken_at] = steps("bad")
        with pytest.raises(StateError, match=f"{path.name}: no room for this one"):
            state.commit(entries)
        state.commit(steps("last"))
    assert ["first", "last"] == [job.id for job in read_jobs(path)] == list(replay(path))


def test_a_full_disk_is_said(path: Path) -> None:
    """SQLite rolls back by itself then: the message is the disk's, not one about a transaction that is gone."""
    state_file(path, steps("first"))
    with closing(sqlite3.connect(path)) as disk:
        disk.execute(
            "CREATE TRIGGER full BEFORE INSERT ON jobs WHEN NEW.id = 'bad'"
            " BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
        )
    with StateFile(path) as state:
        with pytest.raises(StateError, match="disk is full"):
            state.commit([*steps("x"), *steps("bad")])
        state.commit(steps("last"))
    assert ["first", "last"] == [job.id for job in read_jobs(path)] == list(replay(path))


@pytest.mark.parametrize("options", [{"n": 2**70}, {"x": {1: "a"}}, {"x": "\ud83d"}], ids=["big", "key", "half"])
def test_options_that_json_cannot_hold_are_told(path: Path, options: dict[str, object]) -> None:
    """Numbers beyond 64 bits, keys that are no text, half a surrogate: StateError, and the file goes on."""
    with StateFile(path) as state:
        with pytest.raises(StateError, match=path.name):
            state.commit([*steps("x"), *steps("bad", options=options)])
        state.commit(steps("last"))
    assert ["last"] == [job.id for job in read_jobs(path)] == list(replay(path))


def test_a_fault_of_the_source_takes_all_back(path: Path) -> None:
    """Entries may be worked out while they are written; if that fails, nothing was written."""

    def source() -> Iterator[RecordedEvent]:
        yield from steps("x")
        raise StateError("no more")

    with StateFile(path) as state, pytest.raises(StateError, match="no more"):
        state.commit(source())
    assert read_jobs(path) == []


def test_events_are_recorded_together_or_not_at_all(path: Path) -> None:
    """`record_offline` works the jobs out first: one illegal event and not a line is written."""
    with StateFile(path) as state:
        with pytest.raises(IllegalEvent):
            record_offline(state, {}, [("a", planned(spec("a"))), ("a", ACCEPTED)])
        assert state.jobs() == {}
        jobs = record_offline(state, {}, [("a", planned(spec("a"))), ("a", started()), ("a", ACCEPTED)])
        assert jobs["a"].state is JobState.RUNNING
        assert jobs == state.jobs()
        assert jobs == record_offline(state, jobs, [])


def test_no_signed_link_ever_reaches_the_disk(path: Path) -> None:
    """Neither the file nor what SQLite keeps beside it holds a byte of a link's signature."""
    with StateFile(path) as state:
        for entries in one_in_each_state():
            state.commit(entries)
        state.commit(life(*(e.event for e in steps("again", JobState.READY)), ev.LinkExpired(at=at(99), message="")))
        beside = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert path.name + "-wal" in beside
    beside["closed"] = path.read_bytes()
    assert b"/v1/videos/t-1/content" in b"".join(beside.values())  # what may be kept is: the search finds things
    assert [name for name, raw in beside.items() if SECRET.encode() in raw] == []


def test_a_reader_never_sees_half_a_commit(path: Path) -> None:
    """While another process writes, every look at the file shows whole transactions, and each shows no fewer."""
    seen = [0]
    with child(WRITE, path):
        while seen[-1] < 30:
            jobs = read_jobs(path)
            assert {job.state for job in jobs} <= {JobState.RUNNING}
            assert [job.id for job in jobs] == [f"kite-{number}" for number in range(len(jobs))]
            seen.append(len(jobs))
    assert seen == sorted(seen)


def test_a_reader_holds_no_writer_up(path: Path) -> None:
    """A replay that is under way and a commit do not wait for each other."""
    with StateFile(path) as state:
        state.commit(steps("a"))
        before = read_jobs(path)
        state.commit(steps("b"))
        assert (len(before), len(read_jobs(path)), len(replay(path))) == (1, 2, 2)


def test_nobody_reads_a_file_that_is_not_there(path: Path) -> None:
    """Looking makes no file; it says that there is none yet."""
    for read in (read_jobs, read_meta, replay):
        with pytest.raises(StateError, match="no state file here yet"):
            read(path)
    assert not path.parent.exists()


@pytest.mark.parametrize("raw", [b"this was never a database\n" * 400, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_that_is_none_is_told_in_a_sentence(path: Path, raw: bytes) -> None:
    """Whoever opens a damaged file gets a StateError with its name, and the bytes are left for a rescue."""
    path.parent.mkdir(parents=True)
    path.write_bytes(raw)
    for look in (StateFile, read_jobs, read_meta, replay):
        with pytest.raises(StateError, match=path.name):
            look(path)
    assert path.read_bytes() == raw


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE jobs SET job_data = '[1]'",
        "UPDATE jobs SET job_data = '{'",
        "UPDATE jobs SET spec = '{}'",
        "UPDATE jobs SET state = 'paused'",
        "INSERT INTO events (at, job, event, data) VALUES ('2026-01-01', 'a', 'Exploded', '{}')",
        "UPDATE events SET data = '['",
    ],
)
def test_a_row_that_cannot_be_read_is_told_in_a_sentence(path: Path, damage: str) -> None:
    """Whichever table it is in, who reads it gets a StateError with the file's name."""
    state_file(path, steps("a", JobState.RUNNING))
    with closing(sqlite3.connect(path)) as disk:
        disk.execute(damage)
        disk.commit()
    readers = {"jobs": read_jobs, "events": replay}
    read = next(read for table, read in readers.items() if table in damage.split())
    with pytest.raises(StateError, match=path.name):
        read(path)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """Where the outputs should go there is a file: said in a sentence, and the file is left alone."""
    (tmp_path / "outputs").write_text("mine", "utf-8")
    with pytest.raises(StateError, match="outputs"):
        StateFile(tmp_path / "outputs" / "state.sqlite3")
    assert (tmp_path / "outputs").read_text("utf-8") == "mine"


def test_facts_about_the_batch_are_kept(path: Path) -> None:
    """Meta values are JSON; a later one takes the place of an earlier."""
    with StateFile(path) as state:
        state.set_meta(batch="春-风筝", manifest="a.yaml")
        state.set_meta(manifest="b.yaml", providers={"cometapi": {"concurrency": 5}})
    assert read_meta(path) == {
        "batch": "春-风筝",
        "manifest": "b.yaml",
        "providers": {"cometapi": {"concurrency": 5}},
    }


def test_rates_are_remembered_per_provider(path: Path) -> None:
    """The times of paid calls since then, oldest first, whatever became of the jobs."""
    lives = [
        life(planned(spec("a")), started(at=at(10)), ACCEPTED, SUCCEEDED, ev.ClipStored(at=at(95), clip=clip())),
        life(planned(spec("b", provider="office")), started(at=at(20))),
        life(planned(spec("c")), started(at=at(30))),
        steps("d"),
    ]
    state_file(path, *lives)
    with StateFile(path) as state:
        assert state.submit_times(at(0)) == {"cometapi": [at(10), at(30)], "office": [at(20)]}
        assert state.submit_times(at(30)) == {"cometapi": [at(30)]}
        assert state.submit_times(at(30) + timedelta(microseconds=1)) == {}


def test_a_call_counts_for_whom_it_asked(path: Path) -> None:
    """A job that turned to another provider since then takes none of the first one's rate with it."""
    first = started(at=at(10), provider="cometapi")
    refused = ev.SubmitRefused(at=at(11), kind=FailureKind.UNAVAILABLE, message="down", retry_at=at(11))
    elsewhere = ev.Planned(at=at(11), spec=spec("a", provider="office"))
    state_file(path, life(planned(spec("a")), first, refused, elsewhere, started(at=at(20), provider="office")))
    with StateFile(path) as state:
        assert state.submit_times(at(0)) == {"cometapi": [at(10)], "office": [at(20)]}


def test_an_image_of_a_job_is_kept_with_it(path: Path) -> None:
    """Resuming needs no manifest: the spec in the file is whole."""
    image = ImageRef(
        role="first", source="/photos/a.png", sha256="cd" * 32, media_type="image/png", width=640, height=480
    )
    state_file(path, steps("a", images=(image,), options={"mode": "pro", "n": [1, 2]}, tags=("hero",)))
    (job,) = read_jobs(path)
    assert job.spec == spec("a", images=(image,), options={"mode": "pro", "n": [1, 2]}, tags=("hero",))
