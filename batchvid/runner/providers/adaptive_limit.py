"""How many tasks a provider takes at once, found out from its own refusals. Pure: it is told the time.

Additive increase, multiplicative decrease: halved by a refusal, but never below what the provider demonstrably
holds, then one more after each quiet while, up to what is configured and never above.
"""

from __future__ import annotations


class AdaptiveLimit:
    """A limit of `most` that refusals narrow and time widens again, by one every `rises_every_s` seconds."""

    def __init__(self, most: int, rises_every_s: float) -> None:
        self.most = most
        self._rises_every_s = rises_every_s
        self._base = most
        self._since = 0.0

    def limit_at(self, now: float) -> int:
        """How many may be inside now."""
        if self._base >= self.most:
            return self.most
        return min(self.most, self._base + int((now - self._since) / self._rises_every_s))

    def refused(self, inside: int, now: float) -> None:
        """One more was refused while `inside` were accepted and not ended: one refusal for calls that went together."""
        limit = self.limit_at(now)
        self._base = max(1, min(limit - 1, max(inside, limit // 2)))
        self._since = now

    def increases_in(self, now: float) -> float | None:
        """Seconds until the limit is wider, None when it is as wide as it gets."""
        if self.limit_at(now) >= self.most:
            return None
        return self._rises_every_s - (now - self._since) % self._rises_every_s
