"""Google's two video APIs from the manifest to the stored clip: inline and behind the key."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from batchvid import commands
from batchvid.domain.jobs import JobState
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import ServedEmulator

MANIFEST = """\
batch: omni
defaults: {{provider: house, model: gemini-omni-1.2-flash, duration_s: 3, resolution: 360p}}
budget: {{allow_unpriced: true}}
providers:
  house: {{base_url: "{url}", dialect: gemini, prefix: /gemini, api_key_env: TEST_KEY, poll_every_s: 0.05,
           auth: {{header: x-goog-api-key, scheme: ""}}}}
clips:
  - {{id: kite, prompt: a kite}}
  - {{id: snow, prompt: add snow, action: edit, parent: kite}}
  - {{id: rude, prompt: a rude kite}}
"""
WITHHELD = {"match": {"step": "submit", "prompt": "rude"}, "do": {"outcome": "moderation"}}


@pytest.mark.parametrize("delivery", ["inline", "uri"])
def test_interactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivery: Literal["inline", "uri"]) -> None:
    """A clip and an edit of it are stored, and a withheld one fails; no file holds the clip as text."""
    monkeypatch.setenv("TEST_KEY", "k-123456789")
    settings = Settings(gemini_delivery=delivery, render="shared", api_key="k-123456789", life="polls:2")
    with ServedEmulator(settings) as emulator:
        emulator.set_faults(WITHHELD)
        manifest = tmp_path / "batch.yaml"
        manifest.write_text(MANIFEST.format(url=emulator.base_url), "utf-8")
        outcome = commands.run(commands.load(manifest, out=tmp_path / "out"))
        ledger = emulator.ledger()
    folder = next((tmp_path / "out").iterdir())
    jobs = {job.id: job for job in read_jobs(folder / "state.sqlite3")}
    assert outcome.exit_code == 1
    assert [jobs[name].state for name in ("kite", "snow")] == [JobState.SUCCEEDED] * 2
    assert (jobs["rude"].state, jobs["rude"].kind) == (JobState.FAILED, "moderation_suspected")
    assert (ledger["purchases"], ledger["key_leaks"]) == (3, 0)
    assert all(b"base64" not in file.read_bytes() for file in folder.rglob("*") if file.suffix not in ("", ".mp4"))
