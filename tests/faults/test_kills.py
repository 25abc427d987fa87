"""Killed at every recorded event and at every step of a download, in every wire format: bought once, stored once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batchvid.commands import Batch
from batchvid.domain.jobs import JobState
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, consistency_checks, crash_runner
from tests.faults.conftest import is_thorough

EVENTS_A_JOB = 4  # SubmitStarted, SubmitAccepted, TaskSucceeded, ClipStored
FINISHED = 3  # of these, one job's task is finished and its clip is not fetched
KILLED, TOO_LARGE = signal.SIGKILL, signal.SIGXFSZ
MOST_ACTS = 40
PIECE_BYTES = 64 * 1024


@pytest.fixture
def batch(everyone: Batch, emulator: ServedEmulator, tmp_path: Path) -> Batch:
    """A job in every wire format, nothing sold yet."""
    emulator.forget()
    emulator.set_faults()
    return all_formats.with_dials(replace(everyone, folder=tmp_path / "batch"))


@pytest.fixture
def single(emulator: ServedEmulator, tmp_path: Path) -> Callable[[str], Batch]:
    """One job, in one wire format, nothing sold yet."""
    emulator.forget()
    emulator.set_faults()
    return lambda dialect: all_formats.with_dials(all_formats.load(tmp_path, emulator.base_url, [dialect]))


def finish(batch: Batch, emulator: ServedEmulator, jobs: int) -> None:
    """Run again as a user would, settle what is uncertain out of the books, run once more; then all is well."""
    outcome, _ = all_formats.run(batch)
    assert emulator.ledger()["purchases"] <= jobs
    if outcome.exit_code:
        assert outcome.exit_code == 5
        all_formats.settle(batch, emulator.ledger()["tasks"])
        assert all_formats.run(batch)[0].exit_code == 0
    ledger = emulator.ledger()
    assert ledger["purchases"] == jobs
    assert consistency_checks.disagreements(batch.folder, ledger["tasks"]) == []
    assert {job.state for job in read_jobs(batch.state_path)} == {JobState.SUCCEEDED}


@pytest.mark.parametrize("events", range(0, len(all_formats.JOBS) * EVENTS_A_JOB + 1, 1 if is_thorough() else 3))
def test_killed_after_every_single_event_buys_each_clip_once(
    batch: Batch, emulator: ServedEmulator, events: int
) -> None:
    """Whatever was the last thing written down before a kill -9, each job ends stored and bought exactly once."""
    assert crash_runner.death(crash_runner.dies_after, batch, events) == KILLED
    finish(batch, emulator, len(all_formats.JOBS))


@pytest.mark.parametrize("dialect", [*all_formats.JOBS, "kie"])
def test_killed_at_the_bytes_of_a_download(
    single: Callable[[str], Batch], emulator: ServedEmulator, tmp_path: Path, dialect: str
) -> None:
    """Run after run dies at a later byte of one download, from the first to the last: bought once, stored once."""
    whole = all_formats.with_dials(replace(single(dialect), folder=tmp_path / "whole"))
    assert all_formats.run(whole)[0].exit_code == 0
    (job,) = read_jobs(whole.state_path)
    assert job.clip is not None
    size = job.clip.size_bytes
    emulator.forget()
    batch = single(dialect)
    assert crash_runner.death(crash_runner.dies_after, batch, FINISHED) == KILLED
    for byte in (0, 1, *range(PIECE_BYTES, size, 2 * PIECE_BYTES), size - 1):
        assert crash_runner.death(crash_runner.dies_at_byte, batch, byte) == TOO_LARGE
        if byte >= PIECE_BYTES:
            (part,) = batch.folder.glob("clips/**/*.part")
            assert part.stat().st_size == byte
    finish(batch, emulator, 1)


@pytest.mark.parametrize("dialect", ["kling", "openai-videos"])
def test_killed_before_every_act_on_the_clips_folder(
    single: Callable[[str], Batch], emulator: ServedEmulator, tmp_path: Path, dialect: str
) -> None:
    """Between any two acts on files - part, note, check, sidecar, rename, sync - nothing is lost or doubled."""
    acts, batch = 0, single(dialect)
    while (
        crash_runner.death(crash_runner.dies_at_file_act, replace(batch, folder=tmp_path / str(acts)), acts) == KILLED
    ):
        finish(replace(batch, folder=tmp_path / str(acts)), emulator, 1)
        emulator.forget()
        acts += 1
    assert 8 <= acts <= MOST_ACTS
