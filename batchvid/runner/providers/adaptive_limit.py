"""How many tasks a provider takes at once, learned from its refusals. Pure.

Additive increase, multiplicative decrease (AIMD): a refusal halves the limit, but not below what the provider holds.
Each quiet interval adds one, up to the configured limit.
"""

from __future__ import annotations


class AdaptiveLimit:
    """A limit of `max_limit` that refusals reduce and time increases again, by one every `increase_every_s` seconds."""

    def __init__(self, max_limit: int, increase_every_s: float) -> None:
        self.max_limit = max_limit
        self._increase_every_s = increase_every_s
        self._reduced = max_limit
        self._reduced_at = 0.0

    def limit_at(self, now: float) -> int:
        """How many tasks may be in flight now."""
        if self._reduced >= self.max_limit:
            return self.max_limit
        return min(self.max_limit, self._reduced + int((now - self._reduced_at) / self._increase_every_s))

    def record_refusal(self, in_flight: int, now: float) -> None:
        """One more task was refused while `in_flight` were accepted. Calls that went out together count once."""
        limit = self.limit_at(now)
        self._reduced = max(1, min(limit - 1, max(in_flight, limit // 2)))
        self._reduced_at = now

    def increases_in(self, now: float) -> float | None:
        """Seconds until the limit increases, None when it is at its maximum."""
        if self.limit_at(now) >= self.max_limit:
            return None
        return self._increase_every_s - (now - self._reduced_at) % self._increase_every_s
