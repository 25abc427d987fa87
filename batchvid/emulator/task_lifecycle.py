"""How long a task takes, and what a poll shows of it. Pure: no clock, no store."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp
from random import Random

QUEUED_FRACTION = 0.15  # fraction of a timed task that is spent in the queue
MIN_POLLS_OF_ODD_PROGRESS = 4  # wrong progress needs some polls between the queue and the end to be visible

_NUMBER = r"(\d+(?:\.\d+)?)"
ALLOWED = "instant, polls:N, seconds:S, seconds:A-B, lognormal:MEDIAN_S,SIGMA"


class Phase(StrEnum):
    """Where a task is, in words of no vendor."""

    QUEUED = "queued"
    THROTTLED = "throttled"  # accepted over the concurrency limit: waits for a slot
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERROR = "error"  # failed by the vendor's own fault, where the vendor has a separate word for it
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNDOCUMENTED = "undocumented"  # has a status word that no vendor page documents


class Outcome(StrEnum):
    """How a task ends (or does not)."""

    SUCCESS = "success"
    FAIL = "fail"
    FAIL_SILENT = "fail_silent"
    MODERATION = "moderation"
    ERROR = "error"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    STUCK = "stuck"
    UNKNOWN_WORD = "unknown_word"
    PROGRESS_BACKWARDS = "progress_backwards"
    PROGRESS_100_RUNNING = "progress_100_running"


ENDLESS = frozenset({Outcome.STUCK, Outcome.UNKNOWN_WORD})  # outcomes of tasks that never end and never free their slot

_END = {
    **dict.fromkeys((Outcome.FAIL, Outcome.FAIL_SILENT, Outcome.MODERATION), Phase.FAILED),
    Outcome.ERROR: Phase.ERROR,
    Outcome.CANCELLED: Phase.CANCELLED,
    Outcome.EXPIRED: Phase.EXPIRED,
}
_OPEN = frozenset({Phase.QUEUED, Phase.THROTTLED, Phase.RUNNING, Phase.UNDOCUMENTED})


@dataclass(frozen=True, slots=True)
class TaskDuration:
    """The task ends at poll number `polls`, or, when that is 0, `seconds` after its start."""

    polls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskView:
    """What a poll shows: the phase, and progress from 0 to 100."""

    phase: Phase
    progress: int

    @property
    def ended(self) -> bool:
        """Whether the task has ended."""
        return self.phase not in _OPEN

    @property
    def failed(self) -> bool:
        """Whether the task has ended without a clip."""
        return self.ended and self.phase is not Phase.SUCCEEDED


def draw(setting: str, rng: Random, outcome: Outcome) -> TaskDuration:
    """Draw one task's duration. Raises ValueError for an invalid setting."""
    duration = sampler(setting)(rng)
    if duration.polls and outcome in (Outcome.PROGRESS_BACKWARDS, Outcome.PROGRESS_100_RUNNING):
        return replace(duration, polls=max(duration.polls, MIN_POLLS_OF_ODD_PROGRESS))
    return duration


def view(duration: TaskDuration, outcome: Outcome, *, age_s: float, polls: int) -> TaskView:
    """What a task shows at this age and after this number of polls, the current one included."""
    if outcome is Outcome.STUCK:
        return TaskView(Phase.QUEUED, 0)
    if outcome is Outcome.UNKNOWN_WORD:
        return TaskView(Phase.UNDOCUMENTED, 0)
    if has_ended(duration, outcome, age_s=age_s, polls=polls):
        return TaskView(_END.get(outcome, Phase.SUCCEEDED), 0 if outcome in _END else 100)
    fraction = polls / duration.polls if duration.polls else age_s / duration.seconds
    if (polls <= 1) if duration.polls else (fraction < QUEUED_FRACTION):
        return TaskView(Phase.QUEUED, 0)
    progress = min(99, int(fraction * 100))
    if outcome is Outcome.PROGRESS_BACKWARDS:
        progress = 100 - progress
    if outcome is Outcome.PROGRESS_100_RUNNING:
        progress = 100
    return TaskView(Phase.RUNNING, progress)


def has_ended(duration: TaskDuration, outcome: Outcome, *, age_s: float, polls: int) -> bool:
    """Whether the task has ended."""
    if outcome in ENDLESS:
        return False
    return polls >= duration.polls if duration.polls else age_s >= duration.seconds


def sampler(setting: str) -> Callable[[Random], TaskDuration]:
    """How durations are drawn. Raises ValueError, with what is allowed, for an invalid `life` setting."""
    if setting == "instant":
        return lambda _rng: TaskDuration(polls=1)
    if (found := re.fullmatch(r"polls:(\d+)", setting)) and (polls := int(found[1])) > 0:
        return lambda _rng: TaskDuration(polls=polls)
    if found := re.fullmatch(f"seconds:{_NUMBER}(?:-{_NUMBER})?", setting):
        low, high = float(found[1]), float(found[2] or found[1])
        if low <= high:
            return lambda rng: TaskDuration(seconds=rng.uniform(low, high) if low < high else low)
    if found := re.fullmatch(f"lognormal:{_NUMBER},{_NUMBER}", setting):
        median, sigma = float(found[1]), float(found[2])
        return lambda rng: TaskDuration(seconds=median * exp(rng.gauss(0, sigma)))
    raise ValueError(f"life {setting!r} is not one of: {ALLOWED}")
