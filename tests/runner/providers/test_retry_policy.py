"""Retry policy: a table of decisions; waits grow, are bounded and are spread."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected
from batchvid.runner.providers.retry_policy import (
    FREE_RETRIES,
    MAX_REFUSALS,
    MAX_UNAVAILABLE,
    WAIT_MAX_S,
    RetryBudget,
    RetryPolicy,
    after_failure,
    after_refusal,
    with_new_seed,
)
from tests.builders import spec

JITTER = st.floats(0, 1)
PASSING = {FailureKind.RATE, FailureKind.CONCURRENCY, FailureKind.UNAVAILABLE}  # by the vendors' own pages
LASTING = sorted(set(FailureKind) - PASSING)


def refused(
    kind: FailureKind,
    refusals: int = 0,
    retry_after_s: float | None = None,
    jitter: float = 0.5,
    *,
    http_status: int = 429,
    wait_initial_s: float = 2.0,
) -> float | None:
    """The decision after such a refusal."""
    refusal = Rejected(kind=kind, message="no", http_status=http_status, retry_after_s=retry_after_s)
    return after_refusal(refusal, refusals, jitter, wait_initial_s=wait_initial_s)


@given(st.integers(0, 10_000), JITTER, st.floats(0.001, 1000), st.floats(0.001, 10_000))
def test_a_wait_is_bounded(failures: int, jitter: float, wait_initial_s: float, wait_max_s: float) -> None:
    """Never longer than the maximum, never shorter than half of what is due, after any number of failures."""
    wait_s = RetryPolicy(wait_initial_s, wait_max_s).backoff_s(failures, jitter)
    assert min(wait_initial_s, wait_max_s) / 2 <= wait_s <= wait_max_s


@given(st.integers(0, 100), JITTER)
def test_a_wait_never_shrinks(failures: int, jitter: float) -> None:
    """Each wait is at least as long as the one before, and doubles up to the maximum."""
    policy = RetryPolicy()
    now_s, next_s = policy.backoff_s(failures, jitter), policy.backoff_s(failures + 1, jitter)
    assert now_s <= next_s <= 2 * now_s


@given(st.integers(0, 40), JITTER, JITTER)
def test_waits_are_spread(failures: int, one: float, other: float) -> None:
    """Two jobs refused together return at different times, within a factor of two."""
    policy = RetryPolicy()
    low, high = sorted((policy.backoff_s(failures, one), policy.backoff_s(failures, other)))
    assert high <= 2 * low
    assert (low < high) or abs(one - other) < 1e-9


@pytest.mark.parametrize(
    ("failures", "jitter", "wait_s"),
    [(0, 1, 2), (0, 0, 1), (1, 1, 4), (3, 1, 16), (3, 0.5, 12), (5, 1, 60), (99, 0, 30)],
)
def test_waits_by_the_table(failures: int, jitter: float, wait_s: float) -> None:
    """Two seconds, four, eight, to a minute; jitter takes away up to half."""
    assert RetryPolicy().backoff_s(failures, jitter) == wait_s


@given(st.integers(1, 30), JITTER, st.none() | st.floats(0, 1e6))
def test_attempts_are_counted(attempts: int, jitter: float, retry_after_s: float | None) -> None:
    """Of N attempts the last has no successor, whatever Retry-After says; the others wait at most an hour."""
    policy = RetryPolicy(attempts=attempts)
    delays = [policy.delay_s(failures, jitter, retry_after_s) for failures in range(attempts + 2)]
    assert delays[attempts - 1 :] == [None] * 3
    for delay_s in delays[: attempts - 1]:
        assert delay_s is not None
        assert 0 <= delay_s <= 3600


@pytest.mark.parametrize("kind", sorted(PASSING))
def test_what_passes_is_waited_out(kind: FailureKind) -> None:
    """Nothing was bought, so the job waits: for Retry-After, up to an hour, else by our own schedule."""
    assert refused(kind, jitter=1.0) == 2
    assert refused(kind, 2, jitter=1.0, wait_initial_s=0.1) == 0.4
    assert refused(kind, 3, 7.5) == 7.5
    assert refused(kind, 0, 86_400) == 3600
    assert refused(kind, 0, 0.0) == 0


@pytest.mark.parametrize("kind", LASTING)
def test_what_does_not_pass_is_not_waited_for(kind: FailureKind) -> None:
    """A bad request stays bad, whatever Retry-After says."""
    assert refused(kind) is None
    assert refused(kind, 0, 5.0) is None


@pytest.mark.parametrize(
    ("kind", "http_status", "attempts"),
    [
        (FailureKind.RATE, 429, MAX_REFUSALS),
        (FailureKind.CONCURRENCY, 429, MAX_REFUSALS),
        (FailureKind.UNAVAILABLE, 503, MAX_UNAVAILABLE),
        (FailureKind.UNAVAILABLE, 0, MAX_REFUSALS),
    ],
)
def test_waiting_has_an_end(kind: FailureKind, http_status: int, attempts: int) -> None:
    """Twenty refusals in a row are enough, and five where the provider itself answers that it cannot."""
    assert refused(kind, attempts - 2, http_status=http_status) is not None
    assert refused(kind, attempts - 1, http_status=http_status) is None
    assert refused(kind, attempts - 1, 1.0, http_status=http_status) is None


@pytest.mark.parametrize("kind", FailureKind)
def test_nothing_is_bought_again_without_permission(kind: FailureKind) -> None:
    """A failed task may have been charged: by default it waits for the user, whatever its kind."""
    assert after_failure(kind, 1, 0.5, retries=0) is None


@pytest.mark.parametrize("kind", FailureKind)
@given(attempts=st.integers(1, 10), retries=st.integers(0, 10), jitter=JITTER)
def test_a_permission_is_counted(kind: FailureKind, attempts: int, retries: int, jitter: float) -> None:
    """With so many retries allowed, a job is bought at most so many times more, and only where it may help."""
    wait_s = after_failure(kind, attempts, jitter, retries=retries)
    assert (wait_s is not None) == (kind in PASSING and attempts <= retries)
    assert wait_s is None or 1 <= wait_s <= WAIT_MAX_S


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 2), (2, 4), (3, 8)])
def test_each_purchase_waits_longer(attempts: int, wait_s: float) -> None:
    """A vendor in trouble is not bought from in a hurry."""
    assert after_failure(FailureKind.UNAVAILABLE, attempts, 1.0, retries=9) == wait_s


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
    after = partial(after_failure, tasks=tasks, jitter=0.5, retries=9)
    assert after(FailureKind.MODERATION_OUTPUT, moderation_retries=moderation_retries) == again
    for kind in (FailureKind.MODERATION_INPUT, FailureKind.MODERATION_SUSPECTED):
        assert after(kind, moderation_retries=9) is None


@pytest.mark.parametrize(("seed", "then"), [(None, None), (7, 1007), (2**31 - 1, 999), (0, 1000), (-1, 999)])
def test_a_moderation_retry_has_another_seed_and_the_same_fingerprint(seed: int | None, then: int | None) -> None:
    """Far from the seeds of other takes, and within what every vendor takes; without a seed nothing changes."""
    after = with_new_seed(spec(seed=seed))
    assert after == spec(seed=then)
