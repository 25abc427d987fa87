"""Which jobs hold a slot of their provider."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.jobs import JobState
from batchvid.runner.listeners import track_slots
from tests.builders import job_in
from tests.runner.downloads.downloader_harness import open_harness


@pytest.mark.parametrize(("age_s", "holds"), [(1.0, True), (20.0, False)])
async def test_a_lost_submit_holds_its_slot_until_the_deadline(tmp_path: Path, age_s: float, holds: bool) -> None:
    """A call that took longer than a task may take holds none: no other job waits for it for ever."""
    now = utc_now()
    sent = replace(job_in(JobState.SUBMITTING), submitted_at=now - timedelta(seconds=age_s))
    async with open_harness(tmp_path, sent, timeout_s=10.0) as harness:
        provider_state = harness.context.provider_states["cometapi"]
        provider_state.slots.acquire(sent.id, sent.model_sent)
        lost = ev.SubmitLost(at=now, message="no reply")
        job = await harness.context.recorder.record(sent.id, lost)
        track_slots(harness.context)(lost, sent, job)
        assert (sent.id in provider_state.slots.holders) is holds
        assert provider_state.wake.is_set() is not holds
