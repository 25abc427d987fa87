"""Runs whose vendor calls back: fewer polls and less lag; and the same end when no callback arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchvid.domain.jobs import JobState
from tests.runner.callbacks.harness import listening, run_jobs

JOBS = 100
FEW = 6
LIFE = {"life": "seconds:1-4"}
SHORT = {"life": "seconds:0.1-0.3"}
AT_ONCE = {"concurrency": JOBS, "poll_every_s": 0.3}
QUICK = {"poll_every_s": 0.02}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the provider."""
    monkeypatch.setenv("TEST_KEY", "sk-the-key-of-tests")


async def test_callbacks_halve_the_polls_and_shorten_the_lag(tmp_path: Path) -> None:
    """A hundred jobs, with callbacks and without."""
    without = await run_jobs(folder(tmp_path, "without"), JOBS, None, LIFE, **AT_ONCE)
    called = await run_jobs(folder(tmp_path, "called"), JOBS, listening(), LIFE, **AT_ONCE)
    for ran in (without, called):
        assert (ran.outcome.exit_code, ran.outcome.counts) == (0, {JobState.SUCCEEDED: JOBS})
    assert called.polls <= without.polls / 2
    assert called.mean_lag_s < without.mean_lag_s
    assert called.counts == {"woke": JOBS}


def folder(parent: Path, name: str) -> Path:
    """A new folder."""
    (parent / name).mkdir()
    return parent / name


def files_with(folder: Path, text: bytes) -> list[str]:
    """The files of a batch that hold this text; the state file is private."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".sqlite3"]
    return [file.name for file in files if text in file.read_bytes()]


HOOK = {"callback_secret_env": "HOOK"}


@pytest.mark.parametrize(
    ("settings", "row", "counted"),
    [
        ({"callback_fault": "drop"}, {}, set()),
        ({"callback_fault": "replayed"}, {}, {"repeated", "woke"}),
        ({"callback_challenge": True}, {}, {"woke"}),
        ({"callback_signature": "fal", "callback_fault": "padded_x"}, {}, {"woke"}),
        ({"callback_signature": "fal", "callback_fault": "tampered"}, {}, {"invalid"}),
        ({"callback_signature": "atlas", "callback_fault": "wrong_key"}, {}, {"invalid"}),
        ({"callback_signature": "standard-webhooks", "callback_fault": "stale"}, HOOK, {"invalid"}),
        ({"callback_signature": "standard-webhooks"}, HOOK, {"woke"}),
        ({"callback_signature": "openrouter"}, HOOK, {"woke"}),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
async def test_whatever_becomes_of_callbacks_the_run_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], row: dict[str, Any], counted: set[str]
) -> None:
    """Each scheme is checked, a replay wakes nothing, and what is not valid only loses its wake-up."""
    monkeypatch.setenv("HOOK", "whsec_ZW11bGF0b3ItY2FsbGJhY2stc2VjcmV0")
    signed = {name: settings[name] for name in ("callback_signature",) if name in settings}
    ran = await run_jobs(tmp_path, FEW, listening(), {**SHORT, **settings}, **QUICK, **signed, **row)
    assert (ran.outcome.exit_code, ran.outcome.counts) == (0, {JobState.SUCCEEDED: FEW})
    assert len(ran.lags_s) == FEW
    assert ran.counts.keys() == counted
    assert ran.counts.get("woke", FEW) == FEW  # none is lost, and none counts twice
    assert sum("has no valid signature" in line for line in ran.notices) == ("invalid" in counted)
    assert not files_with(tmp_path, b"/batch/")  # who has an address can have a task polled
