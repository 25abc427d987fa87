"""Why a job failed, and whether the vendor may have charged for it. Values only, no rules."""

from enum import StrEnum


class FailureKind(StrEnum):
    """The cause of a failure (docs/reference/failure-kinds.md). It decides the next step."""

    INVALID = "invalid"
    """The request itself is refused: a parameter, a size, an image. Fix the manifest."""
    MODERATION_INPUT = "moderation_input"
    """A content filter refused the prompt or an image before generation."""
    MODERATION_OUTPUT = "moderation_output"
    """A content filter withheld the finished clip."""
    MODERATION_SUSPECTED = "moderation_suspected"
    """The vendor failed the task without a reason, which usually means a content filter."""
    AUTH = "auth"
    """The key is missing, wrong or not allowed. Stops the provider, not the job."""
    BALANCE = "balance"
    """The account has no money or no package left. Stops the provider, not the job."""
    RATE = "rate"
    """Too many requests: slow down. The task was not created."""
    CONCURRENCY = "concurrency"
    """All of the account's slots are taken: wait for one. The task was not created."""
    UNAVAILABLE = "unavailable"
    """The provider, or the vendor behind it, is down or broke the task."""
    TIMEOUT = "timeout"
    """The task was still unfinished at its deadline. It may still finish."""
    LOST_TASK = "lost_task"
    """The provider does not know the task id."""
    EXPIRED = "expired"
    """The task finished, but its result can no longer be downloaded."""
    BAD_MEDIA = "bad_media"
    """The downloaded file is not the requested clip."""
    CANCELLED = "cancelled"
    """Cancelled by the user, or at the vendor."""


class Charged(StrEnum):
    """Whether a failed task was paid for."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


STOPS_PROVIDER = frozenset({FailureKind.AUTH, FailureKind.BALANCE})
"""Kinds that concern the account: the provider stops and its jobs stay pending."""

MODERATION = frozenset({FailureKind.MODERATION_INPUT, FailureKind.MODERATION_OUTPUT, FailureKind.MODERATION_SUSPECTED})
"""Kinds that a retry would most likely meet again: only a `retry` that names them buys again."""
