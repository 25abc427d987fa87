"""When a task is asked again: on a fixed schedule first, then by what was learned, always within the bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.catalog.model_policies import PollInterval
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.estimation.poll_schedule import (
    LONG_S,
    LONGEST_S,
    MIN_SAMPLES,
    SLOWER,
    SPREAD,
    next_age_s,
    poll_demand,
    price_within,
    stride_s,
)

EVERY_S = st.floats(0.01, 600)
JOB_IDS = st.text(max_size=40)
PRICES_S = st.floats(0.01, 100)


def learned(*lifetimes_s: float) -> DurationModel:
    """A law that saw tasks of these lifetimes end, each within a second."""
    duration_model = DurationModel()
    for lifetime_s in lifetimes_s:
        duration_model.survived(0.0, max(lifetime_s - 1, 0.0))
        duration_model.ended(max(lifetime_s - 1, 0.0), lifetime_s)
    return duration_model


AROUND_100_S = learned(*(90.0 + n % 21 for n in range(210)))


@given(EVERY_S, JOB_IDS, st.floats(0, LONG_S - 1), PRICES_S)
def test_before_anything_is_known_the_schedule_is_fixed(
    every_s: float, job_id: str, age_s: float, price: float
) -> None:
    """Each job's own offset is a tenth at most, whatever a question costs."""
    wait_s = next_age_s(DurationModel(), PollInterval(every_s, 2), age_s, price, job_id) - age_s
    assert every_s * (1 - SPREAD) - 1e-6 <= wait_s <= every_s * (1 + SPREAD) + 1e-6


@given(EVERY_S, JOB_IDS, st.floats(LONG_S, 1e5))
def test_a_task_that_takes_long_is_asked_less(every_s: float, job_id: str, age_s: float) -> None:
    """After ten minutes of the fixed schedule a third of the polls will do."""
    pace = PollInterval(every_s, 2)
    late_s = next_age_s(DurationModel(), pace, age_s, 1.0, job_id) - age_s
    assert late_s == pytest.approx(SLOWER * next_age_s(DurationModel(), pace, 0, 1.0, job_id), rel=1e-3, abs=1e-6)


def test_jobs_of_one_birth_do_not_bunch() -> None:
    """A hundred takes of one clip are asked at many different times."""
    for duration_model in (DurationModel(), AROUND_100_S):
        ages_s = [next_age_s(duration_model, PollInterval(10, 2), 0, 0.35, f"kite-{take}") for take in range(100)]
        assert len(set(ages_s)) > 80


@given(st.floats(0, 1e5), PRICES_S, JOB_IDS, st.floats(0.1, 30))
def test_nobody_is_asked_too_soon_or_forgotten(age_s: float, price_s: float, job_id: str, refresh_s: float) -> None:
    """Never within the vendor's own refresh, and after the first look never later than a minute."""
    wait_s = next_age_s(AROUND_100_S, PollInterval(10, refresh_s), age_s, price_s, job_id) - age_s
    assert wait_s >= refresh_s - 1e-6
    assert wait_s <= max(LONGEST_S, refresh_s) + 1e-6 or age_s == 0


def test_a_task_is_asked_when_it_is_likely_to_be_done() -> None:
    """Tasks that take 90 to 110 s are left alone before, asked every few seconds then, and slowly once overdue."""
    pace = PollInterval(10, 2)
    assert next_age_s(AROUND_100_S, pace, 0, 0.35, "a") > 85
    assert next_age_s(AROUND_100_S, pace, 100, 0.35, "a") - 100 < 5
    assert next_age_s(AROUND_100_S, pace, 300, 0.35, "a") - 300 > 10


@given(st.floats(0, 400), st.floats(0.05, 5), st.floats(1.5, 20))
def test_a_dearer_question_is_asked_later(age_s: float, price_s: float, times: float) -> None:
    """A shared budget acts through the price alone."""
    pace = PollInterval(10, 2)
    now, dearer = (next_age_s(AROUND_100_S, pace, age_s, price, "a") for price in (price_s, price_s * times))
    assert dearer >= now


@given(st.lists(st.floats(0, 500), min_size=1, max_size=40), st.floats(0.1, 50))
def test_the_price_keeps_all_together_to_the_rate(ages_s: list[float], polls_per_s: float) -> None:
    """At the price that `price_within` names, the questions a second add up to the budget."""
    pace = PollInterval(10, 2)
    demands = [poll_demand(AROUND_100_S, pace, age_s) for age_s in ages_s]
    price_s = price_within(demands, polls_per_s)
    assert sum(demand / math.sqrt(2 * price_s) for demand in demands) == pytest.approx(polls_per_s)


@given(st.lists(st.floats(0, 500), max_size=40), st.integers(1, 1000), PRICES_S)
def test_a_herd_is_spread_and_still_catches_up(ages_s: list[float], herds: int, price_s: float) -> None:
    """Polls keep a stride that lets everybody be asked as often as the law says."""
    pace = PollInterval(10, 2)
    demands = [poll_demand(AROUND_100_S, pace, age_s) for age_s in ages_s] * herds
    needed_per_s = sum(demands) / math.sqrt(2 * price_s)
    if demands:
        assert 0.6 < stride_s(demands, price_s) * needed_per_s < 0.7
    else:
        assert stride_s(demands, price_s) == math.inf


def test_a_few_ends_are_not_enough() -> None:
    """The fixed schedule holds until so many tasks have ended."""
    few, enough = learned(*[100.0] * (MIN_SAMPLES - 1)), learned(*[100.0] * MIN_SAMPLES)
    assert next_age_s(few, PollInterval(10, 2), 0, 0.35, "a") < 12
    assert next_age_s(enough, PollInterval(10, 2), 0, 0.35, "a") > 30
