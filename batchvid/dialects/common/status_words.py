"""The vendors' status words and the phases they mean: one table for every dialect.

Sources stand beside the words; the adaptors of new-api know the same list.
A word outside the table is never a verdict.
"""

from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Phase

PHASES: dict[str, Phase] = {
    "queued": Phase.QUEUED,  # OpenAI, CometAPI, Ark
    "pending": Phase.QUEUED,  # Runway, Ali, xAI
    "submitted": Phase.QUEUED,  # Kling, Seedance, task wrapper
    "not_start": Phase.QUEUED,  # new-api before its first refresh
    "created": Phase.QUEUED,  # Vidu
    "queueing": Phase.QUEUED,  # Vidu, Hailuo
    "preparing": Phase.QUEUED,  # Hailuo
    "in_queue": Phase.QUEUED,  # Jimeng
    "throttled": Phase.QUEUED,  # Runway: over the concurrency limit, waits by itself, no error
    "in_progress": Phase.RUNNING,  # OpenAI, CometAPI, task wrapper
    "processing": Phase.RUNNING,  # Kling, xAI, Vidu, Hailuo
    "running": Phase.RUNNING,  # Runway, Ark, Ali
    "completed": Phase.SUCCEEDED,  # OpenAI, CometAPI
    "succeeded": Phase.SUCCEEDED,  # Runway, Ark, Ali
    "succeed": Phase.SUCCEEDED,  # Kling
    "success": Phase.SUCCEEDED,  # Seedance, task wrapper, Vidu, Hailuo
    "done": Phase.SUCCEEDED,  # xAI, Jimeng
    "failed": Phase.FAILED,
    "failure": Phase.FAILED,  # task wrapper
    "fail": Phase.FAILED,  # Hailuo
    "error": Phase.FAILED,  # CometAPI, Seedance
    "expired": Phase.FAILED,  # xAI: made, but gone
    "cancelled": Phase.FAILED,  # Runway, Ark
    "canceled": Phase.FAILED,  # Ali
    "task_not_exist": Phase.UNSEEN,  # CometAPI's Runway, right after the submit
}

KINDS: dict[str, FailureKind] = {
    "cancelled": FailureKind.CANCELLED,
    "canceled": FailureKind.CANCELLED,
    "expired": FailureKind.EXPIRED,
}
"""Failure words that name their own cause."""


def read_phase(word: str) -> Phase:
    """Return the phase of a status word, whatever its case; `Phase.UNKNOWN` for an undocumented word."""
    return PHASES.get(word.strip().casefold(), Phase.UNKNOWN)


def read_failure_kind(word: str) -> FailureKind | None:
    """Return the cause of a failure that the status word names, else None."""
    return KINDS.get(word.strip().casefold())
