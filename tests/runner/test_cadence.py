"""When a task is asked again: near its interval, never bunched, slower once it takes unusually long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.runner.cadence import LONG_S, SPREAD, first_poll_s, next_poll_s

EVERY_S = st.floats(0.01, 600)
JOB_IDS = st.text(max_size=40)


@given(EVERY_S, JOB_IDS)
def test_a_poll_keeps_near_its_interval(every_s: float, job_id: str) -> None:
    """Each job's own offset is a tenth at most, the same for its first poll and every other."""
    wait_s = first_poll_s(every_s, job_id)
    assert every_s * (1 - SPREAD) <= wait_s <= every_s * (1 + SPREAD)
    assert next_poll_s(every_s, 0, job_id) == wait_s == next_poll_s(every_s, LONG_S - 1, job_id)


@given(EVERY_S, JOB_IDS, st.floats(LONG_S, 1e6))
def test_a_task_that_takes_long_is_asked_less(every_s: float, job_id: str, age_s: float) -> None:
    """After ten minutes a third of the polls will do."""
    assert next_poll_s(every_s, age_s, job_id) == pytest.approx(3 * next_poll_s(every_s, 0, job_id))


def test_jobs_of_one_entry_do_not_bunch() -> None:
    """A hundred takes of one clip are asked at many different times, over the whole spread."""
    waits = [first_poll_s(10, f"kite-{take}") for take in range(100)]
    assert len(set(waits)) > 80
    assert max(waits) - min(waits) > 10 * 2 * SPREAD * 0.8
