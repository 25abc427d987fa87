"""What to do after a no: again after so many seconds, or give up. Pure decisions; the loops obey them."""

from __future__ import annotations

from dataclasses import replace

from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import JobSpec

WAIT_INITIAL_S = 2.0
WAIT_MAX_S = 60.0
MOST_REFUSALS = 20  # of one job in a row: with the waits above about a quarter of an hour
MOST_UNAVAILABLE = 5  # where the provider answers so itself: a model it does not have is "unavailable" for ever

WAITS_OUT = frozenset({FailureKind.RATE, FailureKind.CONCURRENCY, FailureKind.UNAVAILABLE})
"""Refusals that pass by waiting. Nothing was bought, so the wait costs nothing."""

PASSING = frozenset({FailureKind.UNAVAILABLE, FailureKind.RATE, FailureKind.CONCURRENCY})
"""Failures of a bought task that another purchase may not meet."""

SEED_STEP = 1000  # farther than the takes of an entry reach, which differ by one each (at most 100)
SEEDS = 2**31  # every vendor that has seeds has these


FREE_RETRIES = 10
RETRIES_SHARE = 0.2  # of the tasks that a provider accepted, like the retry budgets of gRPC and Finagle


class RetryBudget:
    """How many failed tasks one provider may be paid for once more: an outage must not buy every job again.

    Beside each job's own `retries`; counted anew in every run.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.spent = 0

    def spend(self) -> bool:
        """Take one retry out, if there is one."""
        if self.spent >= FREE_RETRIES + int(RETRIES_SHARE * self.accepted):
            return False
        self.spent += 1
        return True


def backoff_s(tries: int, jitter: float, *, first_s: float = WAIT_INITIAL_S, longest_s: float = WAIT_MAX_S) -> float:
    """How long to wait after that many tries: doubling, at most `longest_s`, spread by `jitter` (0.0-1.0).

    The wait lies between half and the whole of the doubled one, so that many jobs do not come back together.
    """
    whole = min(longest_s, first_s * 2.0 ** min(tries, 30))
    return whole * (0.5 + 0.5 * jitter)


def after_refusal(
    kind: FailureKind,
    refusals: int,
    retry_after_s: float | None,
    jitter: float,
    *,
    first_s: float = WAIT_INITIAL_S,
    answered: bool = True,
) -> float | None:
    """Seconds until a refused submit may be sent again, None when it never should.

    `refusals` counts those of this job in a row, before this one. A vendor's own wish is kept, up to an hour.
    `answered` is false where nobody said no but no connection came about.
    """
    most = MOST_UNAVAILABLE if answered and kind is FailureKind.UNAVAILABLE else MOST_REFUSALS
    if kind not in WAITS_OUT or refusals + 1 >= most:
        return None
    if retry_after_s is not None:
        return min(retry_after_s, 3600.0)
    return backoff_s(refusals, jitter, first_s=first_s)


def after_failure(
    kind: FailureKind,
    tasks: int,
    retries: int,
    jitter: float,
    *,
    moderation_retries: int = 0,
    first_s: float = WAIT_INITIAL_S,
) -> float | None:
    """Seconds until a failed task is bought again by itself, None when that waits for the user.

    `tasks` counts those that were made for the job, this one included; `retries` is the manifest's explicit permission
    for how many more, `moderation_retries` that for clips which were made and withheld. Both are 0 by default,
    because a failed task may have been charged.
    """
    if kind is FailureKind.MODERATION_OUTPUT:
        return 0.0 if tasks <= moderation_retries else None  # nothing passes by waiting
    return backoff_s(tasks - 1, jitter, first_s=first_s) if kind in PASSING and tasks <= retries else None


def rerolled(spec: JobSpec) -> JobSpec:
    """The same clip with another seed; without one it stays as it is, for then the vendor draws another anyway.

    The fingerprint stays, too: it is still what the manifest asks for.
    """
    return spec if spec.seed is None else replace(spec, seed=(spec.seed + SEED_STEP) % SEEDS)
