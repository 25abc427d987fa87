"""What may be under way at once, and how often. Pure: it is told the time and who is inside."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Set
from datetime import datetime


class ConcurrencySlots:
    """The right to have a task in flight at one provider: in all, and per model where that is narrower.

    A slot is held by a job id; holding or freeing twice is harmless, so that a replayed event cannot miscount.
    """

    def __init__(self, limit: int, model_limits: Mapping[str, int] | None = None) -> None:
        self.limit = limit
        self._model_limits = dict(model_limits or {})
        self._holders: dict[str, str] = {}
        self._per_model: Counter[str] = Counter()

    @property
    def used(self) -> int:
        """How many are held."""
        return len(self._holders)

    @property
    def holders(self) -> Set[str]:
        """The jobs that hold one."""
        return self._holders.keys()

    def has_free(self, model: str) -> bool:
        """Whether one more task of that model may be started."""
        if self.used >= self.limit:
            return False
        reduce_limit = self._model_limits.get(model)
        return reduce_limit is None or self._per_model[model] < reduce_limit

    def limit_of(self, model: str) -> int:
        """How many tasks of that model may be in flight at most; of all models together for an empty name."""
        return min(self.limit, self._model_limits.get(model, self.limit))

    def used_by(self, model: str) -> int:
        """How many slots tasks of that model hold; all together for an empty name."""
        return self._per_model[model] if model else self.used

    def hold(self, job_id: str, model: str) -> None:
        """Count the job in."""
        if job_id not in self._holders:
            self._holders[job_id] = model
            self._per_model[model] += 1

    def free(self, job_id: str) -> bool:
        """Count the job out; whether it held a slot."""
        model = self._holders.pop(job_id, None)
        if model is None:
            return False
        self._per_model[model] -= 1
        return True


class SlidingWindowRateLimiter:
    """At most `count` grants in any `window_s` seconds, as the provider sees it.

    Grants reach the provider with a varying delay, so that two of them can come closer together there than they were
    made here; `MARGIN` and `SLACK_S` widen the window by more than that. A count below one stretches the window
    instead; of a fraction above one the whole part is granted.
    """

    MARGIN = 1.02
    SLACK_S = 0.15  # a loop stall longer than this between grant and wire would be needed to exceed the rate

    def __init__(self, count: float, window_s: float, past: Iterable[float] = ()) -> None:
        self._count = max(1, int(count))
        self._window_s = window_s * max(1.0, self._count / count) * self.MARGIN + self.SLACK_S
        self._grants: deque[float] = deque(sorted(past)[-self._count :], maxlen=self._count)

    def next_available_at(self) -> float:
        """When the next grant may be made, on the clock that `acquire` is told; minus infinity when it never waited."""
        if len(self._grants) < self._count:
            return float("-inf")
        return self._grants[0] + self._window_s

    def acquire(self, now: float) -> None:
        """Note that one was made."""
        self._grants.append(now)

    def ages(self, now: float) -> list[float]:
        """How many seconds ago the grants were made that still count."""
        return [now - at for at in self._grants if now - at < self._window_s]


class RequestPacer:
    """Spreads what comes due together: `interval_s` from one grant to the next, several at once after a quiet while.

    It serves nobody but ourselves, as Window serves the provider. `interval_s` may be set at any time. Whoever looks
    only every `burst_s` finds a few grants open, for a timer for each would cost more than it spreads.
    """

    LONGEST_S = 0.005  # a few calls that come due together are no herd, however seldom they are
    SLACK_S = 0.05  # so long may nobody look, and no grant is lost
    FEW = 5

    def __init__(self) -> None:
        self.interval_s = math.inf
        self._next_at = float("-inf")

    def next_available_at(self) -> float:
        """When the next grant may be made, on the clock that `acquire` is told."""
        return self._next_at - self.SLACK_S

    @property
    def burst_s(self) -> float:
        """How long a few grants take, at the pace at which they come due."""
        return self.FEW * self.interval_s

    def acquire(self, now: float) -> None:
        """Note that one was made."""
        self._next_at = max(self._next_at, now) + min(self.interval_s, self.LONGEST_S)


def on_loop_clock(times: Iterable[datetime], now: datetime, loop_now: float) -> list[float]:
    """Past calls on the loop's clock. One of the future was made before the clock was set back: it counts as of now."""
    return [loop_now - max((now - at).total_seconds(), 0.0) for at in times]
