"""The vendors' status words and the phases they mean: one table for every dialect.

Sources stand beside the words; the adaptors of new-api know the same list.
A word outside the table is never a verdict.
"""

import re

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
    "suspended": Phase.RUNNING,  # Ali
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
    "starting": Phase.QUEUED,  # Replicate
    "waiting": Phase.QUEUED,  # kie.ai
    "queuing": Phase.QUEUED,  # kie.ai
    "dreaming": Phase.RUNNING,  # Luma
    "generating": Phase.RUNNING,  # kie.ai
    "preprocessing": Phase.RUNNING,  # Azure's Sora
    "ready": Phase.SUCCEEDED,  # BFL
    "aborted": Phase.FAILED,  # Replicate: its deadline passed before the start, unbilled
    "timeout": Phase.FAILED,  # WaveSpeed, Atlas Cloud
    "deleted": Phase.FAILED,  # WaveSpeed, SGLang
    "complete": Phase.SUCCEEDED,  # Leonardo, Hedra
    "finished": Phase.SUCCEEDED,  # Pika
    "successful": Phase.SUCCEEDED,  # Flow: MEDIA_GENERATION_STATUS_SUCCESSFUL
    "requires_continuation": Phase.RUNNING,  # Gemini's Interactions
    "incomplete": Phase.FAILED,  # Gemini's Interactions
    "budget_exceeded": Phase.FAILED,  # Gemini's Interactions
    "requires_action": Phase.FAILED,  # Gemini's Interactions: it waits for a tool, and no clip needs one
    "task_not_found": Phase.UNSEEN,  # BFL: "Task not found"
    "task_not_exist": Phase.UNSEEN,  # CometAPI's Runway, right after the submit
}

KINDS: dict[str, FailureKind] = {
    "cancelled": FailureKind.CANCELLED,
    "canceled": FailureKind.CANCELLED,
    "expired": FailureKind.EXPIRED,
    "aborted": FailureKind.CANCELLED,
    "deleted": FailureKind.CANCELLED,
    "timeout": FailureKind.UNAVAILABLE,
}
"""Failure words that name their own cause."""

_WITHHELD = re.compile(
    r"((content|request|output|input|prompt|video|media|image|audio|result|generation|safety|moderation|policy|nsfw|failed|rai)_)*"
    r"(moderated|filtered|blocked|flagged|censored|nsfw|withheld|content_filter|policy_violation|content_violation"
    r"|rejected_by_(moderation|safety|content_filter|policy)|failed_(moderation|safety)|(moderation|safety)_(failed|rejected|violation))"
    r"(_(by|for|due|to|content|input|output|prompt|moderation|safety|policy|filter|system|violation|nsfw))*"
    r"|(内容|內容)?(审核|審核)(未通过|不通过|失败|拒绝|未通過)|违规|違規|已屏蔽"
)
"""Status words for a blocked or filtered output: "blocked", "content_filtered", Higgsfield's "nsfw", BFL's "Request
Moderated". A word for a check that still runs, like "moderating", is none."""

_ENUMERATION = re.compile(r"(task|job|media|video|generation|operation|run)_(\w+_)?(status|state)_")


def read_phase(word: str) -> Phase:
    """Return the phase of a status word, whatever its case; `Phase.UNKNOWN` for an undocumented word."""
    found = PHASES.get(_plain(word), Phase.UNKNOWN)
    return Phase.FAILED if found is Phase.UNKNOWN and is_moderation_word(word) else found


def is_moderation_word(word: str) -> bool:
    """Whether a status word means that a content filter blocked the task or its output."""
    return _WITHHELD.fullmatch(_plain(word)) is not None


def read_failure_kind(word: str) -> FailureKind | None:
    """Return the cause of a failure that the status word names, else None."""
    return KINDS.get(_plain(word))


def _plain(word: str) -> str:
    """Return a word in lower case, with underscores between its parts and without the name of its enumeration.

    "In Progress" is `in_progress`, Novita's TASK_STATUS_SUCCEED is `succeed`.
    """
    return _ENUMERATION.sub("", "_".join(re.split(r"[\s_-]+", word.strip().casefold())))
