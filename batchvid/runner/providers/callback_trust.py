"""Whether a provider's callbacks arrive, so that its tasks can be polled less often. Pure."""

from __future__ import annotations

MAX_MISSES = 3  # ends in a row that only a poll has shown: one poll may simply be faster than a callback


class CallbackTrust:
    """Counts, for one provider, the ends in a row that came without a callback.

    At first callbacks are trusted: the user has stated where they arrive.
    """

    def __init__(self) -> None:
        self._misses = 0

    @property
    def is_given(self) -> bool:
        """Whether callbacks are expected to arrive."""
        return self._misses < MAX_MISSES

    def record_callback(self) -> None:
        """A callback came."""
        self._misses = 0

    def record_miss(self) -> None:
        """A task that was to be called about ended, and only a poll has shown it."""
        self._misses += 1
