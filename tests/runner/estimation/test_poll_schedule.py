"""When a task is polled again: by a fixed schedule first, then by the duration model, always within bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.poll_interval import PollInterval
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.estimation.poll_schedule import (
    JITTER,
    LONG_TASK_FACTOR,
    LONG_TASK_S,
    MAX_INTERVAL_S,
    MIN_SAMPLES,
    cost_within_rate,
    next_age_s,
    poll_demand,
    poll_spacing_s,
)

EVERY_S = st.floats(0.01, 600)
JOB_IDS = st.text(max_size=40)
COSTS_S = st.floats(0.01, 100)


def learned(*lifetimes_s: float) -> DurationModel:
    """A model that saw tasks of these durations end, each within a second."""
    duration_model = DurationModel()
    for lifetime_s in lifetimes_s:
        duration_model.survived(0.0, max(lifetime_s - 1, 0.0))
        duration_model.ended(max(lifetime_s - 1, 0.0), lifetime_s)
    return duration_model


AROUND_100_S = learned(*(90.0 + n % 21 for n in range(210)))


@given(EVERY_S, JOB_IDS, st.floats(0, LONG_TASK_S - 1), COSTS_S)
def test_before_anything_is_known_the_schedule_is_fixed(every_s: float, job_id: str, age_s: float, cost: float) -> None:
    """The jitter of each job is a tenth at most, whatever a poll costs."""
    wait_s = next_age_s(DurationModel(), PollInterval(every_s, 2), age_s, cost, job_id) - age_s
    assert every_s * (1 - JITTER) - 1e-6 <= wait_s <= every_s * (1 + JITTER) + 1e-6


@given(EVERY_S, JOB_IDS, st.floats(LONG_TASK_S, 1e5))
def test_a_long_task_is_polled_less(every_s: float, job_id: str, age_s: float) -> None:
    """After ten minutes of the fixed schedule a third of the polls will do."""
    pace = PollInterval(every_s, 2)
    late_s = next_age_s(DurationModel(), pace, age_s, 1.0, job_id) - age_s
    assert late_s == pytest.approx(
        LONG_TASK_FACTOR * next_age_s(DurationModel(), pace, 0, 1.0, job_id), rel=1e-3, abs=1e-6
    )


def test_tasks_submitted_together_are_spread() -> None:
    """A hundred takes of one clip are polled at many different times."""
    for duration_model in (DurationModel(), AROUND_100_S):
        ages_s = [next_age_s(duration_model, PollInterval(10, 2), 0, 0.35, f"kite-{take}") for take in range(100)]
        assert len(set(ages_s)) > 80


@given(st.floats(0, 1e5), COSTS_S, JOB_IDS, st.floats(0.1, 30))
def test_no_poll_is_too_early_or_too_late(age_s: float, cost_s: float, job_id: str, refresh_s: float) -> None:
    """Never within the vendor's own refresh, and after the first look at most a minute later."""
    wait_s = next_age_s(AROUND_100_S, PollInterval(10, refresh_s), age_s, cost_s, job_id) - age_s
    assert wait_s >= refresh_s - 1e-6
    assert wait_s <= max(MAX_INTERVAL_S, refresh_s) + 1e-6 or age_s == 0


def test_a_task_is_polled_when_it_is_likely_to_be_done() -> None:
    """Tasks that take 90 to 110 s are left alone before, polled every few seconds then, and slowly once overdue."""
    pace = PollInterval(10, 2)
    assert next_age_s(AROUND_100_S, pace, 0, 0.35, "a") > 85
    assert next_age_s(AROUND_100_S, pace, 100, 0.35, "a") - 100 < 5
    assert next_age_s(AROUND_100_S, pace, 300, 0.35, "a") - 300 > 10


@given(st.floats(0, 400), st.floats(0.05, 5), st.floats(1.5, 20))
def test_a_more_expensive_poll_is_later(age_s: float, cost_s: float, times: float) -> None:
    """A shared rate acts only through the cost of a poll."""
    pace = PollInterval(10, 2)
    now, expensive = (next_age_s(AROUND_100_S, pace, age_s, cost, "a") for cost in (cost_s, cost_s * times))
    assert expensive >= now


@given(st.lists(st.floats(0, 500), min_size=1, max_size=40), st.floats(0.1, 50))
def test_the_cost_keeps_all_tasks_within_the_rate(ages_s: list[float], polls_per_s: float) -> None:
    """At this cost the polls per second of all tasks equal the rate."""
    pace = PollInterval(10, 2)
    demands = [poll_demand(AROUND_100_S, pace, age_s) for age_s in ages_s]
    cost_s = cost_within_rate(demands, polls_per_s)
    assert sum(demand / math.sqrt(2 * cost_s) for demand in demands) == pytest.approx(polls_per_s)


@given(st.lists(st.floats(0, 500), max_size=40), st.integers(1, 1000), COSTS_S)
def test_polls_due_together_are_spaced_and_catch_up(ages_s: list[float], copies: int, cost_s: float) -> None:
    """The spacing leaves room for half as many polls again as the model needs."""
    pace = PollInterval(10, 2)
    demands = [poll_demand(AROUND_100_S, pace, age_s) for age_s in ages_s] * copies
    needed_per_s = sum(demands) / math.sqrt(2 * cost_s)
    if demands:
        assert 0.6 < poll_spacing_s(demands, cost_s) * needed_per_s < 0.7
    else:
        assert poll_spacing_s(demands, cost_s) == math.inf


def test_a_few_ends_are_not_enough() -> None:
    """The fixed schedule applies until so many tasks have ended."""
    few, enough = learned(*[100.0] * (MIN_SAMPLES - 1)), learned(*[100.0] * MIN_SAMPLES)
    assert next_age_s(few, PollInterval(10, 2), 0, 0.35, "a") < 12
    assert next_age_s(enough, PollInterval(10, 2), 0, 0.35, "a") > 30
