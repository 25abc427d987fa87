"""What to do after a no: a table of decisions, and waits that grow, stay bounded and do not bunch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.failures import FailureKind
from batchvid.runner.providers.retry_policy import (
    FREE_RETRIES,
    MOST_REFUSALS,
    MOST_UNAVAILABLE,
    WAIT_MAX_S,
    RetryBudget,
    after_failure,
    after_refusal,
    backoff_s,
    rerolled,
)
from tests.builders import spec

JITTER = st.floats(0, 1)
PASSING = {FailureKind.RATE, FailureKind.CONCURRENCY, FailureKind.UNAVAILABLE}  # by the vendors' own pages
LASTING = sorted(set(FailureKind) - PASSING)


@given(st.integers(0, 10_000), JITTER, st.floats(0.001, 1000), st.floats(0.001, 10_000))
def test_a_wait_is_bounded(tries: int, jitter: float, first_s: float, longest_s: float) -> None:
    """Never longer than the longest, never shorter than half of what is due, however many tries there were."""
    wait_s = backoff_s(tries, jitter, first_s=first_s, longest_s=longest_s)
    assert min(first_s, longest_s) / 2 <= wait_s <= longest_s


@given(st.integers(0, 100), JITTER)
def test_a_wait_never_shrinks(tries: int, jitter: float) -> None:
    """With each try the wait is at least as long as before, and doubles until it is the longest."""
    now_s, next_s = backoff_s(tries, jitter), backoff_s(tries + 1, jitter)
    assert now_s <= next_s <= 2 * now_s


@given(st.integers(0, 40), JITTER, JITTER)
def test_waits_are_spread(tries: int, one: float, other: float) -> None:
    """Two jobs refused together come back apart, as far as their numbers are, within a factor of two."""
    low, high = sorted((backoff_s(tries, one), backoff_s(tries, other)))
    assert high <= 2 * low
    assert (low < high) or abs(one - other) < 1e-9


@pytest.mark.parametrize(
    ("tries", "jitter", "wait_s"), [(0, 1, 2), (0, 0, 1), (1, 1, 4), (3, 1, 16), (3, 0.5, 12), (5, 1, 60), (99, 0, 30)]
)
def test_waits_by_the_table(tries: int, jitter: float, wait_s: float) -> None:
    """Two seconds, four, eight, to a minute; jitter takes away up to half."""
    assert backoff_s(tries, jitter) == wait_s


@pytest.mark.parametrize("kind", sorted(PASSING))
def test_what_passes_is_waited_out(kind: FailureKind) -> None:
    """Nothing was bought, so the job waits: as long as the vendor wants, up to an hour, else by our own schedule."""
    assert after_refusal(kind, 0, None, 1.0) == 2
    assert after_refusal(kind, 2, None, 1.0, first_s=0.1) == 0.4
    assert after_refusal(kind, 3, 7.5, 0.0) == 7.5
    assert after_refusal(kind, 0, 86_400, 0.0) == 3600
    assert after_refusal(kind, 0, 0.0, 1.0) == 0


@pytest.mark.parametrize("kind", LASTING)
def test_what_does_not_pass_is_not_waited_for(kind: FailureKind) -> None:
    """A bad request stays bad, whatever the vendor says about trying again."""
    assert after_refusal(kind, 0, None, 0.5) is None
    assert after_refusal(kind, 0, 5.0, 0.5) is None


@pytest.mark.parametrize(
    ("kind", "answered", "most"),
    [
        (FailureKind.RATE, True, MOST_REFUSALS),
        (FailureKind.CONCURRENCY, True, MOST_REFUSALS),
        (FailureKind.UNAVAILABLE, True, MOST_UNAVAILABLE),
        (FailureKind.UNAVAILABLE, False, MOST_REFUSALS),
    ],
)
def test_waiting_has_an_end(kind: FailureKind, answered: bool, most: int) -> None:
    """Twenty refusals in a row are enough, and five where the provider itself says that it cannot."""
    assert after_refusal(kind, most - 2, None, 0.5, answered=answered) is not None
    assert after_refusal(kind, most - 1, None, 0.5, answered=answered) is None
    assert after_refusal(kind, most - 1, 1.0, 0.5, answered=answered) is None


@pytest.mark.parametrize("kind", FailureKind)
def test_nothing_is_bought_again_without_permission(kind: FailureKind) -> None:
    """A failed task may have been charged: by default it waits for the user, whatever its kind."""
    assert after_failure(kind, 1, 0, 0.5) is None


@pytest.mark.parametrize("kind", FailureKind)
@given(attempts=st.integers(1, 10), retries=st.integers(0, 10), jitter=JITTER)
def test_a_permission_is_counted(kind: FailureKind, attempts: int, retries: int, jitter: float) -> None:
    """With so many retries allowed, a job is bought at most so many times more, and only where it may help."""
    wait_s = after_failure(kind, attempts, retries, jitter)
    assert (wait_s is not None) == (kind in PASSING and attempts <= retries)
    assert wait_s is None or 1 <= wait_s <= WAIT_MAX_S


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 2), (2, 4), (3, 8)])
def test_each_purchase_waits_longer(attempts: int, wait_s: float) -> None:
    """A vendor in trouble is not bought from in a hurry."""
    assert after_failure(FailureKind.UNAVAILABLE, attempts, 9, 1.0) == wait_s


@given(st.lists(st.booleans(), max_size=300))
def test_an_outage_cannot_buy_every_job_again(steps: list[bool]) -> None:
    """However acceptances and retries follow each other, ten and a fifth of what was accepted are bought again."""
    budget, granted = RetryBudget(), 0
    for accepts in steps:
        if accepts:
            budget.accepted += 1
            continue
        allowed = granted < FREE_RETRIES + budget.accepted // 5
        assert budget.spend() is allowed
        granted += allowed


@pytest.mark.parametrize(
    ("tasks", "moderation_retries", "again"), [(1, 0, None), (1, 1, 0.0), (2, 1, None), (2, 2, 0.0)]
)
def test_a_withheld_clip_is_bought_again_only_by_its_own_permission(
    tasks: int, moderation_retries: int, again: float | None
) -> None:
    """At once, for nothing passes by waiting; `retries` speaks of passing trouble and does not count here."""
    assert after_failure(FailureKind.MODERATION_OUTPUT, tasks, 9, 0.5, moderation_retries=moderation_retries) == again
    for kind in (FailureKind.MODERATION_INPUT, FailureKind.MODERATION_SUSPECTED):
        assert after_failure(kind, tasks, 9, 0.5, moderation_retries=9) is None


@pytest.mark.parametrize(("seed", "then"), [(None, None), (7, 1007), (2**31 - 1, 999), (0, 1000), (-1, 999)])
def test_a_reroll_has_another_seed_and_the_same_fingerprint(seed: int | None, then: int | None) -> None:
    """Far from the seeds of other takes, and within what every vendor takes; without a seed nothing changes."""
    after = rerolled(spec(seed=seed))
    assert after == spec(seed=then)
