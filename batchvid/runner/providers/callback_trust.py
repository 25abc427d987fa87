"""Whether a provider's callbacks arrive, so that its tasks can be polled less often. Pure."""

from __future__ import annotations

MAX_MISSES = 3  # ends in a row that only a poll has shown: one poll may simply be faster than a callback
MAX_WAIT_S = 120.0  # how much later a task may be polled: a callback that is lost costs no more
MAX_FIRST_WAIT_S = 30.0  # the same before the first callback has come: some vendors ignore the address


class CallbackTrust:
    """Counts, for one provider, the ends in a row that came without a callback.

    At first callbacks are trusted a little: the user has stated where they arrive.
    """

    def __init__(self) -> None:
        self._misses = 0
        self._has_called = False

    @property
    def is_given(self) -> bool:
        """Whether callbacks are expected to arrive."""
        return self._misses < MAX_MISSES

    @property
    def max_wait_s(self) -> float:
        """How much later than without callbacks a task may be polled, in seconds."""
        return MAX_WAIT_S if self._has_called else MAX_FIRST_WAIT_S

    def record_callback(self) -> None:
        """A callback came."""
        self._misses = 0
        self._has_called = True

    def record_miss(self) -> None:
        """A task that was to be called about ended, and only a poll has shown it."""
        self._misses += 1
