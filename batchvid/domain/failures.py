"""Why a job failed, and whether the vendor may have charged for it. Words only: no rule lives here."""

from enum import StrEnum


class FailureKind(StrEnum):
    """The cause of a failure, as DESIGN names them. Each decides what may be tried next."""

    INVALID = "invalid"
    """The request itself is refused: a parameter, a size, an image. Fix the manifest."""
    MODERATION_INPUT = "moderation_input"
    """The prompt or an image was refused by a content filter before anything was made."""
    MODERATION_OUTPUT = "moderation_output"
    """The finished clip was withheld by a content filter."""
    MODERATION_SUSPECTED = "moderation_suspected"
    """The vendor failed the task and gave no reason, which usually means a content filter."""
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
    """The task was still unfinished at its deadline. It may finish yet."""
    LOST_TASK = "lost_task"
    """The provider no longer (or never) knew the task id."""
    EXPIRED = "expired"
    """The task finished, but its result can no longer be fetched."""
    BAD_MEDIA = "bad_media"
    """What came down is not the clip that was asked for."""
    STORAGE = "storage"
    """The clip could not be written here."""
    CANCELLED = "cancelled"
    """Cancelled by the user, or by somebody at the vendor."""


class Charged(StrEnum):
    """Whether a failed task was paid for."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


STOPS_PROVIDER = frozenset({FailureKind.AUTH, FailureKind.BALANCE})
"""Kinds that are the account's trouble: the provider stops and its jobs stay pending."""

MODERATION = frozenset({FailureKind.MODERATION_INPUT, FailureKind.MODERATION_OUTPUT, FailureKind.MODERATION_SUSPECTED})
"""Kinds that most likely come again unchanged: never retried by itself, nor by a `retry` that does not name them."""

NOT_CREATED = frozenset({FailureKind.AUTH, FailureKind.BALANCE, FailureKind.RATE, FailureKind.CONCURRENCY})
"""Kinds of refusal by which the vendor says that no task was made: nothing was bought."""
