"""The limit is learned from refusals: halved, never below the tasks in flight, increased one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from batchvid.runner.providers.adaptive_limit import AdaptiveLimit


def test_it_is_the_configured_limit_until_a_refusal() -> None:
    """Time alone does not reduce it."""
    assert (AdaptiveLimit(20, 30.0).limit_at(1e6), AdaptiveLimit(20, 30.0).increases_in(1e6)) == (20, None)


def test_a_refusal_halves_it_and_time_increases_it() -> None:
    """20 becomes 10, and one more each half minute until all 20 are allowed again."""
    one = AdaptiveLimit(20, 30.0)
    one.record_refusal(0, 100.0)
    assert [one.limit_at(now) for now in (100.0, 129.0, 130.0, 399.0, 400.0, 9e9)] == [10, 10, 11, 19, 20, 20]
    assert (one.increases_in(100.0), one.increases_in(110.0), one.increases_in(400.0)) == (30.0, 20.0, None)


def test_it_never_falls_below_the_tasks_in_flight() -> None:
    """It held four when it refused the fifth: the limit falls to four, however often that is tried."""
    one, now = AdaptiveLimit(20, 30.0), 0.0
    limits = []
    for _ in range(3):
        one.record_refusal(4, now)
        limits.append(one.limit_at(now))
    assert limits == [10, 5, 4]
    for _ in range(5):
        now += 30.0
        assert one.limit_at(now) == 5
        one.record_refusal(4, now)
        assert one.limit_at(now) == 4


@given(st.integers(1, 50), st.lists(st.tuples(st.floats(0, 100), st.none() | st.integers(0, 60)), max_size=40))
def test_it_never_leaves_its_bounds(most: int, steps: list[tuple[float, int | None]]) -> None:
    """At least one, at most what is configured; a refusal reduces it unless it is one already."""
    one, now = AdaptiveLimit(most, 7.0), 0.0
    for later_s, inside in steps:
        now += later_s
        before = one.limit_at(now)
        assert 1 <= before <= most
        if inside is not None:
            one.record_refusal(inside, now)
            assert one.limit_at(now) <= max(1, before - 1)
        rises_in_s = one.increases_in(now)
        if rises_in_s is not None:
            assert 0 < rises_in_s <= 7.0
            assert one.limit_at(now + rises_in_s + 0.001) > one.limit_at(now)
