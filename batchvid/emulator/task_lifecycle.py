"""How a task lives: from a dial to one task's own life, and what a look at it shows. Pure: no clock, no store."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp
from random import Random

QUEUED_PART = 0.15
"""The part of a timed life that is spent in the queue."""
LOOKS_FOR_ODD_PROGRESS = 4
"""Progress can be seen going wrong only when there are some looks between the queue and the end."""

_NUMBER = r"(\d+(?:\.\d+)?)"
ALLOWED = "instant, polls:N, seconds:S, seconds:A-B, lognormal:MEDIAN_S,SIGMA"


class Phase(StrEnum):
    """Where a task stands, in words of no vendor."""

    QUEUED = "queued"
    THROTTLED = "throttled"
    """Accepted over the concurrency limit: waits for a slot."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERROR = "error"
    """Failed by the vendor's own fault, where the vendor has a word of its own for it."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNDOCUMENTED = "undocumented"
    """Shown with a status word that no vendor page knows."""


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


ENDLESS = frozenset({Outcome.STUCK, Outcome.UNKNOWN_WORD})
"""Outcomes of tasks that never end and hold their slot for ever."""

_END = {
    Outcome.FAIL: Phase.FAILED,
    Outcome.FAIL_SILENT: Phase.FAILED,
    Outcome.MODERATION: Phase.FAILED,
    Outcome.ERROR: Phase.ERROR,
    Outcome.CANCELLED: Phase.CANCELLED,
    Outcome.EXPIRED: Phase.EXPIRED,
}
_OPEN = frozenset({Phase.QUEUED, Phase.THROTTLED, Phase.RUNNING, Phase.UNDOCUMENTED})


@dataclass(frozen=True, slots=True)
class Life:
    """One task's life: it ends at look number `looks`, or, when that is 0, `seconds` after its start."""

    looks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    """What a look shows: the phase, and progress from 0 to 100."""

    phase: Phase
    progress: int

    @property
    def ended(self) -> bool:
        """Whether this is a last view: nothing will change any more."""
        return self.phase not in _OPEN


def check(dial: str) -> None:
    """Raise ValueError, naming what is allowed, when the dial is not a life."""
    _sampler(dial)


def draw(dial: str, rng: Random, outcome: Outcome) -> Life:
    """One task's life, as the dial says. Raises ValueError for an unknown dial."""
    life = _sampler(dial)(rng)
    odd = outcome in (Outcome.PROGRESS_BACKWARDS, Outcome.PROGRESS_100_RUNNING)
    return replace(life, looks=max(life.looks, LOOKS_FOR_ODD_PROGRESS)) if odd and life.looks else life


def view(life: Life, outcome: Outcome, *, age_s: float, looks: int) -> View:
    """What a task shows at its age and with so many looks taken at it, this one included."""
    if outcome is Outcome.STUCK:
        return View(Phase.QUEUED, 0)
    if outcome is Outcome.UNKNOWN_WORD:
        return View(Phase.UNDOCUMENTED, 0)
    if has_ended(life, outcome, age_s=age_s, looks=looks):
        return View(_END.get(outcome, Phase.SUCCEEDED), 0 if outcome in _END else 100)
    part = looks / life.looks if life.looks else age_s / life.seconds
    if (looks <= 1) if life.looks else (part < QUEUED_PART):
        return View(Phase.QUEUED, 0)
    progress = min(99, int(part * 100))
    if outcome is Outcome.PROGRESS_BACKWARDS:
        progress = 100 - progress
    if outcome is Outcome.PROGRESS_100_RUNNING:
        progress = 100
    return View(Phase.RUNNING, progress)


def has_ended(life: Life, outcome: Outcome, *, age_s: float, looks: int) -> bool:
    """Whether the life is over."""
    if outcome in ENDLESS:
        return False
    return looks >= life.looks if life.looks else age_s >= life.seconds


def _sampler(dial: str) -> Callable[[Random], Life]:
    if dial == "instant":
        return lambda _rng: Life(looks=1)
    if (found := re.fullmatch(r"polls:(\d+)", dial)) and (looks := int(found[1])) > 0:
        return lambda _rng: Life(looks=looks)
    if found := re.fullmatch(f"seconds:{_NUMBER}", dial):
        seconds = float(found[1])
        return lambda _rng: Life(seconds=seconds)
    if (found := re.fullmatch(f"seconds:{_NUMBER}-{_NUMBER}", dial)) and float(found[1]) <= float(found[2]):
        low, high = float(found[1]), float(found[2])
        return lambda rng: Life(seconds=rng.uniform(low, high))
    if found := re.fullmatch(f"lognormal:{_NUMBER},{_NUMBER}", dial):
        median, sigma = float(found[1]), float(found[2])
        return lambda rng: Life(seconds=median * exp(rng.gauss(0, sigma)))
    raise ValueError(f"life {dial!r} is not one of: {ALLOWED}")
