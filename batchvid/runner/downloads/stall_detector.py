"""Whether a download gets anywhere: what is borne of a slow line, and how large a clip may be. Pure; no clock."""

from __future__ import annotations

from dataclasses import dataclass

MOST_CLIP_BYTES = 4 * 1024**3  # larger than any clip sold today; a body without end stops here
FIRST_BYTES = 256 * 1024**2
BYTES_PER_S = 64 * 1024**2  # of a clip: five times what 4K at 100 Mbit/s takes


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLimits:
    """What is borne of one try of a download; the next one goes on where it stopped, on another connection.

    Fewer than `floor_bytes` in `window_s` seconds is a trickle; `total_s` is the most that a try may take.
    """

    floor_bytes: int = 256 * 1024
    window_s: float = 60.0
    total_s: float = 7200.0


PATIENCE = DownloadLimits()


class StallDetector:
    """Counts what comes, window by window. `now` is seconds on any clock that only goes forward."""

    def __init__(self, patience: DownloadLimits, now: float) -> None:
        self._patience = patience
        self._since = now
        self._bytes = 0

    def is_trickle(self, now: float, more_bytes: int) -> bool:
        """Told of bytes that came; whether the window that ends with them held too few."""
        self._bytes += more_bytes
        if now - self._since < self._patience.window_s:
            return False
        too_few = self._bytes < self._patience.floor_bytes * (now - self._since) / self._patience.window_s
        self._since, self._bytes = now, 0
        return too_few


def max_bytes(duration_s: float | None) -> int:
    """What a clip of that many seconds may have at most; of any length where none is known."""
    if duration_s is None:
        return MOST_CLIP_BYTES
    return min(MOST_CLIP_BYTES, FIRST_BYTES + round(duration_s * BYTES_PER_S))
