"""Slots and rates: never one too many, in any order of calls, whatever an earlier run left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from batchvid.runner.providers.rate_limits import (
    ConcurrencySlots,
    RequestPacer,
    SlidingWindowRateLimiter,
    on_loop_clock,
)
from tests.builders import at

MODELS = st.sampled_from(["veo", "sora", "kling"])
JOB_IDS = st.sampled_from([f"kite-{number}" for number in range(8)])
NARROW = {"sora": 1, "kling": 2}


class Permits(RuleBasedStateMachine):
    """Jobs come and go at one provider, by the rules that the submitter keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = ConcurrencySlots(4, NARROW)
        self.inside: dict[str, str] = {}

    @rule(job_id=JOB_IDS, model=MODELS)
    def ask_and_hold(self, job_id: str, model: str) -> None:
        full = len(self.inside) >= 4 or list(self.inside.values()).count(model) >= NARROW.get(model, 4)
        assert self.slots.has_free(model) is not full
        if not full:
            self.slots.acquire(job_id, model)
            self.inside.setdefault(job_id, model)

    @rule(job_id=JOB_IDS, model=MODELS)
    def hold_twice(self, job_id: str, model: str) -> None:
        if job_id in self.inside:
            self.slots.acquire(job_id, model)

    @rule(job_id=JOB_IDS)
    def free(self, job_id: str) -> None:
        assert self.slots.release(job_id) is (self.inside.pop(job_id, None) is not None)

    @invariant()
    def counts_agree(self) -> None:
        """A job holds a slot, not an event: a repeated event counts once."""
        assert self.slots.used == len(self.inside) <= 4
        assert self.slots.holders == set(self.inside)
        for model, most in NARROW.items():
            assert list(self.inside.values()).count(model) <= most


TestPermits = Permits.TestCase


def test_what_earlier_runs_left_may_be_more_than_the_limit() -> None:
    """A limit that was lowered between runs lets nothing in until enough have left, and keeps counting all of them."""
    slots = ConcurrencySlots(2)
    for number in range(4):
        slots.acquire(f"kite-{number}", "veo")
    assert slots.used == 4
    for number in range(2):
        slots.release(f"kite-{number}")
        assert not slots.has_free("veo")
    slots.release("kite-2")
    assert slots.has_free("veo")


def test_a_full_model_does_not_close_the_provider() -> None:
    """A narrower limit holds for its model only."""
    slots = ConcurrencySlots(4, {"sora": 1})
    slots.acquire("a", "sora")
    assert (slots.has_free("sora"), slots.has_free("veo")) == (False, True)


COUNTS = st.integers(1, 6) | st.floats(0.05, 0.95) | st.floats(1.05, 5.95)


def most_in_any_window(grants: list[float], window_s: float) -> int:
    """How many grants the fullest stretch of that length holds."""
    return max((sum(first <= other < first + window_s for other in grants) for first in grants), default=0)


@given(
    COUNTS,
    st.sampled_from([1.0, 60.0]),
    st.lists(st.floats(0, 5), max_size=40),
    st.lists(st.floats(-80, 0), max_size=8),
)
def test_no_stretch_of_time_holds_more(count: float, window_s: float, waits: list[float], past: list[float]) -> None:
    """Grants made no earlier than the window opens, with any pauses between, never exceed the rate anywhere."""
    window = SlidingWindowRateLimiter(count, window_s, past)
    now, grants = 0.0, []
    for wait_s in waits:
        now = max(now, window.next_available_at()) + (wait_s if wait_s > 1 else 0.0)
        window.acquire(now)
        grants.append(now)
    stretch_s = window_s if count >= 1 else window_s / count
    assert most_in_any_window(grants, stretch_s) <= max(1, count)
    if len(past) <= int(count):  # what an earlier run sent within its rate counts as if this run had sent it
        assert most_in_any_window([*past, *grants], stretch_s) <= max(1, count, len(past))


@given(COUNTS, st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_the_wire_may_delay_a_grant(count: float, delays: list[float]) -> None:
    """Each call reaches the provider up to a tenth of a second late: the rate that it sees still holds."""
    window = SlidingWindowRateLimiter(count, 60)
    now, seen = 0.0, []
    for delay in delays:
        now = max(now, window.next_available_at())
        window.acquire(now)
        seen.append(now + delay % 0.1)
    assert most_in_any_window(seen, 60 if count >= 1 else 60 / count) <= max(1, count)


def test_a_window_opens_as_soon_as_it_may() -> None:
    """The rate is used, not only kept: a full window opens a little more than its length after the oldest grant."""
    window = SlidingWindowRateLimiter(2, 60)
    assert window.next_available_at() == float("-inf")
    window.acquire(100)
    assert window.next_available_at() == float("-inf")
    window.acquire(110)
    assert 160 < window.next_available_at() < 162
    window.acquire(170)
    assert 170 < window.next_available_at() < 172


def test_earlier_grants_may_come_in_any_order() -> None:
    """The newest of what an earlier run sent are what counts."""
    window = SlidingWindowRateLimiter(2, 60, [50, 10, 30])
    assert window.next_available_at() == pytest.approx(
        30 + 60 * SlidingWindowRateLimiter.MARGIN + SlidingWindowRateLimiter.SLACK_S
    )


@pytest.mark.parametrize(("count", "most"), [(1.5, 1), (2.5, 2), (3.9, 3), (2.0, 2)])
def test_of_a_fraction_the_whole_part_is_granted(count: float, most: int) -> None:
    """Two and a half submits a minute are never three in one, however long that goes on."""
    window, now, grants = SlidingWindowRateLimiter(count, 60), 0.0, []
    for _ in range(20):
        now = max(now, window.next_available_at())
        window.acquire(now)
        grants.append(now)
    assert most_in_any_window(grants, 60) == most


@pytest.mark.parametrize(("count", "apart_s"), [(0.5, 120), (0.1, 600), (0.25, 240)])
def test_less_than_one_a_minute(count: float, apart_s: float) -> None:
    """Half a submit a minute is one in two minutes."""
    window = SlidingWindowRateLimiter(count, 60)
    window.acquire(0)
    assert apart_s <= window.next_available_at() < apart_s * 1.03


def test_calls_of_the_future_count_as_of_now() -> None:
    """The clock was set back: what an earlier run did then delays no call longer than a call made just now."""
    assert on_loop_clock([at(-90), at(-1), at(7200)], now=at(), loop_now=1000.0) == [910.0, 999.0, 1000.0]


def test_what_still_counts_is_handed_on() -> None:
    """The next run's window, made of the ages of the grants, opens when this one would have."""
    one = SlidingWindowRateLimiter(2, 1.0)
    for now in (10.0, 11.5, 12.0):
        one.acquire(now)
    assert one.ages(12.1) == pytest.approx([0.6, 0.1])
    assert SlidingWindowRateLimiter(2, 1.0, [-0.6, -0.1]).next_available_at() == pytest.approx(
        one.next_available_at() - 12.1
    )
    assert one.ages(20.0) == []


@given(st.floats(1e-4, 1), st.lists(st.floats(0, 0.3), min_size=1, max_size=60))
def test_calls_are_spaced(interval_s: float, waits: list[float]) -> None:
    """In no stretch of time are there more calls than intervals, except for a burst."""
    pacer, now, grants = RequestPacer(), 0.0, []
    pacer.interval_s = interval_s
    for wait_s in waits:
        now = max(now + (wait_s if wait_s > 0.2 else 0.0), pacer.next_available_at())
        pacer.acquire(now)
        grants.append(now)
    kept_s = min(interval_s, RequestPacer.MAX_SPACING_S)
    at_once = 2 + RequestPacer.SLACK_S / kept_s
    for number, first in enumerate(grants):
        assert all(more <= at_once + (at - first) / kept_s for more, at in enumerate(grants[number:], 1))


def test_a_pacer_loses_no_time() -> None:
    """A caller that never waits gets one call per interval; unused calls are not saved up."""
    pacer = RequestPacer()
    pacer.interval_s = 0.002
    for _ in range(100):
        pacer.acquire(max(100.0, pacer.next_available_at()))
    assert pacer.next_available_at() == pytest.approx(100.2 - RequestPacer.SLACK_S)
    assert pacer.burst_s == RequestPacer.BURST * 0.002
    pacer.acquire(200.0)
    assert pacer.next_available_at() == pytest.approx(200.002 - RequestPacer.SLACK_S)
