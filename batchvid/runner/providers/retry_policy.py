"""Retry policy: the delay before the next attempt, or the end of the attempts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.wire import Rejected

WAIT_INITIAL_S = 2.0
WAIT_MAX_S = 60.0
MAX_RETRY_AFTER_S = 3600.0  # a longer Retry-After is left to the next run
MAX_REFUSALS = 20  # of one job in a row: with the waits above about a quarter of an hour
MAX_UNAVAILABLE = 5  # where the provider itself answers: a model that it does not have stays "unavailable"

RETRYABLE_REFUSALS = frozenset({FailureKind.RATE, FailureKind.CONCURRENCY, FailureKind.UNAVAILABLE})
"""Refusals that pass with time. Nothing was bought, so waiting costs nothing."""

RETRYABLE_FAILURES = frozenset({FailureKind.UNAVAILABLE, FailureKind.RATE, FailureKind.CONCURRENCY})
"""Failures of a bought task that another purchase may avoid."""

SEED_STEP = 1000  # more than the seeds of an entry's takes differ, which is at most 100
SEED_COUNT = 2**31  # every vendor with seeds accepts these

FREE_RETRIES = 10
RETRIES_SHARE = 0.2  # of the tasks that a provider accepted, like the retry budgets of gRPC and Finagle


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff: the wait doubles from `wait_initial_s` to `wait_max_s`. At most `attempts` are made."""

    wait_initial_s: float = WAIT_INITIAL_S
    wait_max_s: float = WAIT_MAX_S
    attempts: int = MAX_REFUSALS

    def backoff_s(self, failures: int, jitter: float) -> float:
        """The wait after a first failure (0), a second (1) and so on.

        `jitter` (0.0-1.0) spreads it between half and all of the doubled wait, so that jobs do not return together.
        """
        return min(self.wait_max_s, self.wait_initial_s * 2.0 ** min(failures, 30)) * (0.5 + 0.5 * jitter)

    def delay_s(self, failures: int, jitter: float, retry_after_s: float | None = None) -> float | None:
        """The same, or None when that was the last attempt. The vendor's Retry-After replaces our own wait."""
        if failures + 1 >= self.attempts:
            return None
        if retry_after_s is not None:
            return min(retry_after_s, MAX_RETRY_AFTER_S)
        return self.backoff_s(failures, jitter)


class RetryBudget:
    """How many failed tasks one provider may be paid for again in a run: an outage must not buy every job again.

    It applies in addition to each job's own `retries`.
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


def after_refusal(
    refusal: Rejected, refusals: int, jitter: float, *, wait_initial_s: float = WAIT_INITIAL_S
) -> float | None:
    """Seconds until a refused call may be sent again, None for never.

    `refusals` counts the earlier refusals of this job in a row. Without an HTTP status there was no connection.
    """
    if refusal.kind not in RETRYABLE_REFUSALS:
        return None
    answered = refusal.http_status != 0
    attempts = MAX_UNAVAILABLE if answered and refusal.kind is FailureKind.UNAVAILABLE else MAX_REFUSALS
    policy = RetryPolicy(wait_initial_s, attempts=attempts)
    return policy.delay_s(refusals, jitter, refusal.retry_after_s)


def after_failure(
    kind: FailureKind,
    tasks: int,
    jitter: float,
    *,
    retries: int,
    moderation_retries: int = 0,
    wait_initial_s: float = WAIT_INITIAL_S,
) -> float | None:
    """Seconds until a failed task is bought again automatically, None if the user has to decide.

    `tasks` counts those made for the job, this one included. `retries` is the manifest's permission for more, and
    `moderation_retries` for clips that were made and withheld: a failed task may have been charged.
    """
    if kind is FailureKind.MODERATION_OUTPUT:
        return 0.0 if tasks <= moderation_retries else None  # waiting changes nothing
    if kind not in RETRYABLE_FAILURES:
        return None
    return RetryPolicy(wait_initial_s, attempts=1 + retries).delay_s(tasks - 1, jitter)


def with_new_seed(spec: JobSpec) -> JobSpec:
    """The same clip with another seed; without one it is unchanged, because the vendor draws a new one.

    The fingerprint is unchanged too: it is still what the manifest requests.
    """
    seed = spec.request.seed
    return spec if seed is None else spec.with_request(seed=(seed + SEED_STEP) % SEED_COUNT)
