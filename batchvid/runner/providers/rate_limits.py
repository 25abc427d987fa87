"""Limits of one provider: tasks in flight, calls per time, spacing of calls. Pure."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Set
from datetime import datetime


class ConcurrencySlots:
    """The tasks in flight at one provider: in all, and per model where that limit is lower.

    A job holds a slot. Acquiring or releasing twice has no effect, so that a replayed event cannot miscount.
    """

    def __init__(self, limit: int, model_limits: Mapping[str, int] | None = None) -> None:
        self.limit = limit
        self._model_limits = dict(model_limits or {})
        self._holders: dict[str, str] = {}
        self._per_model: Counter[str] = Counter()

    @property
    def used(self) -> int:
        """The number of slots in use."""
        return len(self._holders)

    @property
    def holders(self) -> Set[str]:
        """The jobs that hold a slot."""
        return self._holders.keys()

    def has_free(self, model: str) -> bool:
        """Whether one more task of that model may start."""
        if self.used >= self.limit:
            return False
        model_limit = self._model_limits.get(model)
        return model_limit is None or self._per_model[model] < model_limit

    def limit_for(self, model: str) -> int:
        """The limit of tasks of that model in flight; "" stands for all models together."""
        return min(self.limit, self._model_limits.get(model, self.limit))

    def used_by(self, model: str) -> int:
        """The number of slots that tasks of that model hold; "" stands for all models together."""
        return self._per_model[model] if model else self.used

    def acquire(self, job_id: str, model: str) -> None:
        """The job takes a slot, even above the limit: its task may be in flight already."""
        if job_id not in self._holders:
            self._holders[job_id] = model
            self._per_model[model] += 1

    def release(self, job_id: str) -> bool:
        """The job returns its slot. Returns whether it held one."""
        model = self._holders.pop(job_id, None)
        if model is None:
            return False
        self._per_model[model] -= 1
        return True


class SlidingWindowRateLimiter:
    """At most `count` calls in any `window_s` seconds, as the provider sees them.

    Calls reach the provider with a varying delay, so two of them can be closer together there than here. `MARGIN` and
    `SLACK_S` widen the window by more than that. A count below one stretches the window; of a fraction above one the
    integer part is used.
    """

    MARGIN = 1.02
    SLACK_S = 0.15  # only a loop stall longer than this, between grant and wire, could exceed the rate

    def __init__(self, count: float, window_s: float, past: Iterable[float] = ()) -> None:
        self._count = max(1, int(count))
        self._window_s = window_s * max(1.0, self._count / count) * self.MARGIN + self.SLACK_S
        self._grants: deque[float] = deque(sorted(past)[-self._count :], maxlen=self._count)

    def next_available_at(self) -> float:
        """When the next call may go out, on the clock of `acquire`; minus infinity while the window is not full."""
        if len(self._grants) < self._count:
            return float("-inf")
        return self._grants[0] + self._window_s

    def acquire(self, now: float) -> None:
        """A call goes out."""
        self._grants.append(now)

    def ages(self, now: float) -> list[float]:
        """How many seconds ago the calls went out that still count."""
        return [now - at for at in self._grants if now - at < self._window_s]


class RequestPacer:
    """Spaces out calls that come due together: `interval_s` from one to the next, a short burst after a quiet time.

    It spreads our own load; the rate limiter enforces the provider's. `interval_s` may be set at any time. A caller
    that checks only every `burst_s` may send a few calls at once: a timer for each would cost more than it spreads.
    """

    MAX_SPACING_S = 0.005  # a few calls at the same time are harmless
    SLACK_S = 0.05  # a caller that checks this late loses no call
    BURST = 5

    def __init__(self) -> None:
        self.interval_s = math.inf
        self._next_at = float("-inf")

    def next_available_at(self) -> float:
        """When the next call may go out, on the clock of `acquire`."""
        return self._next_at - self.SLACK_S

    @property
    def burst_s(self) -> float:
        """The time that a burst covers at the current interval."""
        return self.BURST * self.interval_s

    def acquire(self, now: float) -> None:
        """A call goes out."""
        self._next_at = max(self._next_at, now) + min(self.interval_s, self.MAX_SPACING_S)


def on_loop_clock(times: Iterable[datetime], now: datetime, loop_now: float) -> list[float]:
    """Past calls on the loop's clock. A time in the future (the clock was set back) counts as now."""
    return [loop_now - max((now - at).total_seconds(), 0.0) for at in times]
