"""One run from the inside, with settings that the command line does not have: a disk without room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from batchvid.catalog import providers
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.emulator import Emulator, Settings
from batchvid.net.credentials import Credentials
from batchvid.runner import Outcome, Recorder, RunConfig, RunRequest, run
from batchvid.runner.listeners import Listeners
from batchvid.state.state_file import StateFile, record_offline
from tests.builders import planned, spec

FULL = 10**15  # more to be spared than any disk has
JOBS = ("kite", "boat", "crane")
LIMITS = {"concurrency": 9, "submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02}


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A vendor whose tasks are done at once."""
    async with Emulator(Settings(render="shared")) as served:
        yield served


class Notices:
    """An observer that keeps notices."""

    def __init__(self, notices: list[str]) -> None:
        self._notices = notices

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Events are of no interest here."""

    def notice(self, text: str) -> None:
        """Keeps a line."""
        self._notices.append(text)

    def tick(self) -> None:
        """Nothing moves."""

    def close(self) -> None:
        """Nothing to close."""


async def one_run(folder: Path, emulator: Emulator, notices: list[str], spare_bytes: int) -> Outcome:
    """Plan three jobs if they are not there yet, buy and fetch what can be."""
    specs = [spec(job_id, prompt=job_id, model="kling-v2-6", duration_s=5.0) for job_id in JOBS]
    rows = providers({"cometapi": {"base_url": emulator.base_url, "api_key_env": "TEST_KEY", **LIMITS}})
    with StateFile(folder / "state.sqlite3") as state:
        jobs = state.jobs() or record_offline(state, {}, [(one.id, planned(one)) for one in specs])
        request = RunRequest(exit_code_ids=frozenset(JOBS), purchase_ids=frozenset(JOBS))
        config = RunConfig(
            folder=folder, providers=rows, keys=Credentials(folder), request=lambda: request,
            spare_bytes=spare_bytes, room_wait_s=0.1,
        )  # fmt: skip
        listeners = Listeners([Notices(notices)])
        return await run(state, Recorder(state, jobs, listeners), config, listeners)


async def test_nothing_is_bought_for_a_full_disk(
    tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one submit; the run ends with 1 and says what to do; with room again all are bought once and stored."""
    monkeypatch.setenv("TEST_KEY", "k")
    notices: list[str] = []
    ended = await one_run(tmp_path, emulator, notices, FULL)
    assert (ended.exit_code, ended.counts) == (1, {JobState.PENDING: 3})
    assert "is full: " in ended.reason
    assert ended.reason.endswith(" are needed. Make room and run again to go on")
    assert len(notices) == 1
    assert emulator.ledger()["submits"] == 0
    ended = await one_run(tmp_path, emulator, notices, 0)
    assert (ended.exit_code, ended.counts) == (0, {JobState.SUCCEEDED: 3})
    assert emulator.ledger()["purchases"] == 3
