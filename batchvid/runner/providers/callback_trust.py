"""Whether a provider's callbacks arrive, so that its tasks can be polled less often. Pure."""

from __future__ import annotations

MAX_MISSES = 3  # ends in a row that only a poll has shown: one poll may simply be faster than a callback


class CallbackTrust:
    """Counts, for one provider, the ends that came with a callback and those that came without."""

    def __init__(self) -> None:
        self._has_called = False
        self._misses = 0

    @property
    def is_given(self) -> bool:
        """Whether callbacks arrive."""
        return self._has_called and self._misses < MAX_MISSES

    def record_callback(self) -> None:
        """A callback came."""
        self._has_called = True
        self._misses = 0

    def record_miss(self) -> None:
        """A task that was to be called about ended, and only a poll has shown it."""
        self._misses += 1
