"""Limits of a download: minimum throughput, total time, clip size. Pure; no clock."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CLIP_BYTES = 4 * 1024**3  # larger than any clip sold today; bounds a body without an end
BASE_BYTES = 256 * 1024**2
BYTES_PER_S = 64 * 1024**2  # of a clip: five times what 4K at 100 Mbit/s takes


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLimits:
    """Limits of one try. The next try resumes on another connection.

    Fewer than `min_bytes` in `window_s` seconds is a stall; a try ends after `total_s`, and after `headers_s` if the
    headers of the reply are not complete: a server may send interim replies (1xx), or a header, without an end.
    """

    min_bytes: int = 256 * 1024
    window_s: float = 60.0
    headers_s: float = 120.0
    total_s: float = 7200.0


DEFAULT_LIMITS = DownloadLimits()


class StallDetector:
    """Counts bytes per window. `now` is seconds on a monotonic clock."""

    def __init__(self, limits: DownloadLimits, now: float) -> None:
        self._limits = limits
        self._window_start = now
        self._bytes = 0

    def is_stalled(self, now: float, more_bytes: int) -> bool:
        """Add bytes that arrived; whether the window that ends with them held too few."""
        self._bytes += more_bytes
        elapsed_s = now - self._window_start
        if elapsed_s < self._limits.window_s:
            return False
        too_few = self._bytes < self._limits.min_bytes * elapsed_s / self._limits.window_s
        self._window_start, self._bytes = now, 0
        return too_few


def max_bytes(duration_s: float | None) -> int:
    """The maximum size of a clip of that duration; `MAX_CLIP_BYTES` if it is unknown."""
    if duration_s is None:
        return MAX_CLIP_BYTES
    return min(MAX_CLIP_BYTES, BASE_BYTES + round(duration_s * BYTES_PER_S))
