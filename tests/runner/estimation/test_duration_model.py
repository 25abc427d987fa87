"""Task durations are learned from polls that found a task running, and from ends between two polls."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.poll_interval import PollInterval
from batchvid.runner.estimation.duration_model import LAST_EDGE_S, MAX_REMEMBERED, PRIOR_MEDIAN_S, DurationModel
from batchvid.runner.estimation.poll_schedule import next_age_s

AGES_S = st.floats(0, 1e5)
Draw = Callable[[random.Random], float]


def watched(
    duration_model: DurationModel, draw: Draw, tasks: int, seed: int, *, cost_s: float = 0.35
) -> tuple[float, float]:
    """Tasks polled one after another by the rule, without a clock: polls and seconds of lag per task."""
    chance, polls, lag_s = random.Random(seed), 0, 0.0
    for number in range(tasks):
        lifetime_s, age_s = draw(chance), 0.0
        while True:
            due_s = next_age_s(duration_model, PollInterval(10, 1), age_s, cost_s, f"{seed}-{number}")
            polls += 1
            if due_s >= lifetime_s:
                duration_model.ended(age_s, due_s)
                lag_s += due_s - lifetime_s
                break
            duration_model.survived(age_s, due_s)
            age_s = due_s
    return polls / tasks, lag_s / tasks


def log_normal(median_s: float, sigma: float) -> Draw:
    return lambda chance: median_s * math.exp(sigma * chance.gauss(0, 1))


def fixed(draw: Draw, every_s: float, tasks: int, seed: int) -> tuple[float, float]:
    """The same under a fixed interval."""
    chance, polls, lag_s = random.Random(seed), 0, 0.0
    for _ in range(tasks):
        lifetime_s = draw(chance)
        looks = math.ceil(lifetime_s / every_s)
        polls += looks
        lag_s += looks * every_s - lifetime_s
    return polls / tasks, lag_s / tasks


@pytest.mark.parametrize(
    ("median_s", "sigma", "gain"), [(60, 0.3, 0.6), (120, 0.5, 0.85), (180, 0.4, 0.75), (90, 0.1, 0.3)]
)
def test_a_learned_model_beats_every_fixed_interval(median_s: float, sigma: float, gain: float) -> None:
    """After 300 tasks polls times lag are far below a fixed interval's, and more so if tasks differ little."""
    duration_model, draw = DurationModel(), log_normal(median_s, sigma)
    watched(duration_model, draw, 300, seed=1)
    polls, lag_s = watched(duration_model, draw, 300, seed=2)
    fixed_polls, fixed_lag_s = fixed(draw, 10, 300, seed=2)
    assert polls * lag_s < gain * fixed_polls * fixed_lag_s


def test_the_median_is_found() -> None:
    """Although no poll saw a task end, the median is known."""
    duration_model = DurationModel()
    assert duration_model.median_s == pytest.approx(PRIOR_MEDIAN_S, rel=0.15)
    watched(duration_model, log_normal(200, 0.3), 300, seed=3)
    assert duration_model.median_s == pytest.approx(200, rel=0.1)


def test_a_vague_early_end_is_redistributed() -> None:
    """A first end, known only to the minute, moves to where the later ones are."""
    duration_model = DurationModel()
    duration_model.ended(60.0, 120.0)
    for _ in range(100):
        duration_model.survived(60.0, 110.0)
        duration_model.ended(110.0, 120.0)
    kept = duration_model.remembered()
    early = sum(part for age_s, part in zip(kept["ages_s"], kept["ends"], strict=True) if age_s < 105)
    assert early < 0.4  # of one task; it was twice that before there were others


def test_a_poll_costs_the_same_after_a_thousand_ends() -> None:
    """Only the recent ends are kept for redistribution; the sums keep the others."""
    duration_model = DurationModel()
    watched(duration_model, log_normal(90, 0.4), 1000, seed=7)
    assert duration_model.seen == 1000
    assert sum(duration_model.remembered()["ends"]) == pytest.approx(MAX_REMEMBERED, rel=0.01)


def test_tasks_that_are_still_running_count() -> None:
    """A hundred tasks seen running at ten minutes make an early end less likely, though none of them has ended."""
    duration_model, watching = DurationModel(), DurationModel()
    for one in (duration_model, watching):
        for _ in range(20):
            one.ended(50.0, 70.0)
    for _ in range(100):
        watching.survived(0.0, 600.0)
    for one in (duration_model, watching):
        one.ended(50.0, 70.0)  # the hazard is computed again with an end
    assert watching.sqrt_hazard(60.0) < duration_model.sqrt_hazard(60.0) / 1.5


def test_what_is_learned_goes_with_the_vendor() -> None:
    """A model that becomes twice as quick is known to be so after a few hundred tasks, whatever was remembered."""
    duration_model = DurationModel()
    watched(duration_model, log_normal(200, 0.3), 2000, seed=4)
    later = DurationModel(duration_model.remembered())
    watched(later, log_normal(100, 0.3), 1000, seed=5)
    assert later.median_s == pytest.approx(100, rel=0.2)


@given(st.lists(st.tuples(AGES_S, AGES_S, st.booleans()), max_size=60))
def test_any_polls_leave_a_usable_model(looks: list[tuple[float, float, bool]]) -> None:
    """The cumulative weight grows with age, and its inverse finds the age again."""
    duration_model = DurationModel()
    for one, other, over in looks:
        (duration_model.ended if over else duration_model.survived)(min(one, other), max(one, other))
    ages_s = (0.0, 0.01, 1.0, 59.0, 61.0, 3600.0, LAST_EDGE_S, 1e5)
    weights = [duration_model.cumulative_weight(age_s) for age_s in ages_s]
    assert weights == sorted(weights)
    for age_s, weight in zip(ages_s, weights, strict=True):
        assert duration_model.age_at(weight) == pytest.approx(age_s, rel=1e-3, abs=1e-3)


def test_a_remembered_model_is_the_same() -> None:
    """Through JSON and back it is the same, with the weight of a few hundred tasks at most."""
    duration_model = DurationModel()
    watched(duration_model, log_normal(90, 0.4), 1000, seed=6)
    kept = json.loads(json.dumps(duration_model.remembered()))
    again = DurationModel(kept)
    assert again.seen == pytest.approx(MAX_REMEMBERED, rel=0.01)
    assert again.median_s == pytest.approx(duration_model.median_s, rel=0.05)


def spoilt() -> Iterator[object]:
    yield {"ages_s": [1.0], "ends": [], "exposure_s": []}
    yield {"ages_s": [1e9], "ends": [1.0], "exposure_s": [1.0]}
    yield {"ages_s": [3.0], "ends": [-1.0], "exposure_s": [1.0]}
    yield {"ages_s": ["a"], "ends": [1.0], "exposure_s": [1.0]}
    yield {}


@pytest.mark.parametrize("kept", list(spoilt()))
def test_invalid_saved_sums_are_ignored(kept: dict[str, list[float]]) -> None:
    """An edited state file only loses what was learned."""
    assert DurationModel(kept).seen == 0
