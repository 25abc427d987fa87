"""How long a model's tasks take, learned from what polls see. Pure; when to ask again is told in poll_schedule.py.

A poll does not see when a task ended, only that it did between two looks; and most tasks are still running. Both count:
`survived` and `ended` are all a law is told, and ages are cut into bins that grow with age
(docs/explanation/polling.md gives the reason).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

FIRST_EDGE_S = 0.05
GROWTH = 1.06  # of bins: fine enough for a model that always takes nearly the same time
LAST_EDGE_S = 14_400.0
VAGUE_MEDIAN_S = 90.0  # clips take 2-5 minutes, the quick models 1-2 (wire-notes 6.2)
VAGUE_SPREAD = 1.0  # sigma of the logarithm: anything from half a minute to ten is no surprise
VAGUE_WEIGHT = 1.0  # what is assumed before anything is seen counts like one task
MOST_REMEMBERED = 400.0  # tasks of earlier runs that count: a vendor gets quicker or slower with the months
REFRESH = 0.03  # the curve is drawn anew after so much more was seen

MOST_KEPT = 400  # ends whose two looks are kept, to be shared out anew as more is known
SHARED_ANEW = 4  # of them, with each new end

_EDGES_S = [0.0, FIRST_EDGE_S]
while _EDGES_S[-1] < LAST_EDGE_S:
    _EDGES_S.append(_EDGES_S[-1] * GROWTH)
_BINS = len(_EDGES_S) - 1
_WIDTHS_S = [right - left for left, right in pairwise(_EDGES_S)]

_Share = tuple[int, float, float]
"""What a bin got of one end: the bin's number, the part of the end, seconds of exposure."""


class DurationModel:
    """What is known of how long tasks take.

    `seen` counts the tasks whose end was seen, remembered ones included; by `median_s` half of them have ended.
    The hazard is the chance, per second, that a task which is still running ends now.
    """

    __slots__ = ("_drawn_at", "_ends", "_exposure_s", "_hazard", "_kept", "_roots", "median_s", "seen")

    def __init__(self, remembered: Mapping[str, Sequence[float]] | None = None) -> None:
        self._ends, self._exposure_s = [0.0] * _BINS, [0.0] * _BINS
        self._kept: deque[tuple[float, float, list[_Share]]] = deque()
        self.seen = 0.0
        for age_s, ends, exposure_s in zip(*_columns(remembered), strict=True):
            self._ends[_bin(age_s)] += ends
            self._exposure_s[_bin(age_s)] += exposure_s
            self.seen += ends
        self._draw()

    def survived(self, from_s: float, to_s: float) -> None:
        """A task that ran at the age `from_s` was still running at `to_s`."""
        number = _bin(from_s)
        while number < _BINS and _EDGES_S[number] < to_s:
            self._exposure_s[number] += min(to_s, _EDGES_S[number + 1]) - max(from_s, _EDGES_S[number])
            number += 1

    def ended(self, from_s: float, to_s: float) -> None:
        """A task that ran at the age `from_s` had ended by `to_s`; a few earlier ends are looked at again with it."""
        self._kept.append((from_s, to_s, self._share_out(from_s, to_s)))
        self.seen += 1
        if self.seen > self._drawn_at * (1 + REFRESH):
            self._draw()
        for _ in range(SHARED_ANEW):
            self._share_anew()
        if len(self._kept) > MOST_KEPT:
            self._kept.popleft()

    def root(self, age_s: float) -> float:
        """The square root of the hazard at this age: how much a second's waiting there is worth."""
        return math.sqrt(self._hazard[min(_bin(age_s), _BINS - 1)])

    def worth(self, age_s: float) -> float:
        """The integral of `root` from 0 to this age."""
        number = min(_bin(age_s), _BINS - 1)
        return self._roots[number] + (age_s - _EDGES_S[number]) * math.sqrt(self._hazard[number])

    def age_of(self, worth: float) -> float:
        """The age in seconds at which that worth has gathered: the inverse of `worth`."""
        number = min(bisect_right(self._roots, worth) - 1, _BINS - 1)
        return _EDGES_S[number] + (worth - self._roots[number]) / math.sqrt(self._hazard[number])

    def remembered(self) -> dict[str, list[float]]:
        """What to keep for later runs, as plain numbers: not so much of it that they could not learn anew."""
        share = min(1.0, MOST_REMEMBERED / self.seen) if self.seen else 0.0
        kept = [n for n in range(_BINS) if self._exposure_s[n] * share > 0.0]
        return {
            "ages_s": [round(_EDGES_S[n] + _WIDTHS_S[n] / 2, 4) for n in kept],  # ages, for bins may be cut otherwise
            "ends": [round(self._ends[n] * share, 4) for n in kept],
            "exposure_s": [round(self._exposure_s[n] * share, 3) for n in kept],
        }

    def _share_out(self, from_s: float, to_s: float) -> list[_Share]:
        """Add an end that came at an unknown moment between two ages to the sums; what each bin got of it."""
        number, running = _bin(from_s), 1.0
        parts: list[tuple[int, float, float]] = []
        while number < _BINS and _EDGES_S[number] < to_s:
            inside_s = min(to_s, _EDGES_S[number + 1]) - max(from_s, _EDGES_S[number])
            ending = running * -math.expm1(-self._hazard[number] * inside_s)
            parts.append((number, ending, inside_s))
            running -= ending
            number += 1
        whole, left = sum(part for _, part, _ in parts), 1.0
        shares: list[_Share] = []
        for number, ending, inside_s in parts:
            part = ending / whole if whole else 1 / len(parts)
            exposure_s = (left - part / 2) * inside_s
            self._ends[number] += part
            self._exposure_s[number] += exposure_s
            shares.append((number, part, exposure_s))
            left -= part
        return shares

    def _share_anew(self) -> None:
        """Take the end that was shared out longest ago out of the sums, and share it out as it would be now."""
        from_s, to_s, shares = self._kept.popleft()
        for number, part, exposure_s in shares:  # never below nothing, whatever the arithmetic leaves
            self._ends[number] = max(self._ends[number] - part, 0.0)
            self._exposure_s[number] = max(self._exposure_s[number] - exposure_s, 0.0)
        self._kept.append((from_s, to_s, self._share_out(from_s, to_s)))

    def _draw(self) -> None:
        """Work the hazard out of the counts, each bin with half a look at its neighbours."""
        self._drawn_at = self.seen
        ends, exposure_s = _vague(self._typical_s())
        ends = [seen + vague for seen, vague in zip(self._ends, ends, strict=True)]
        exposure_s = [seen + vague for seen, vague in zip(self._exposure_s, exposure_s, strict=True)]
        self._hazard = [
            (ends[max(n - 1, 0)] + 2 * ends[n] + ends[min(n + 1, _BINS - 1)])
            / (exposure_s[max(n - 1, 0)] + 2 * exposure_s[n] + exposure_s[min(n + 1, _BINS - 1)])
            for n in range(_BINS)
        ]
        self._roots = [0.0]
        for hazard, width_s in zip(self._hazard, _WIDTHS_S, strict=True):
            self._roots.append(self._roots[-1] + math.sqrt(hazard) * width_s)
        self.median_s = self._median_s()

    def _typical_s(self) -> float:
        """Around what the vague law lies: what outlives all that was seen is judged by that, not by other models."""
        half, number = self.seen / 2, 0
        if self.seen < 1:
            return VAGUE_MEDIAN_S
        while number < _BINS - 1 and half > self._ends[number]:
            half -= self._ends[number]
            number += 1
        return _EDGES_S[number + 1]

    def _median_s(self) -> float:
        left = math.log(2.0)
        for hazard, width_s, edge_s in zip(self._hazard, _WIDTHS_S, _EDGES_S, strict=False):
            if left <= hazard * width_s:
                return edge_s + left / hazard
            left -= hazard * width_s
        return LAST_EDGE_S


def _bin(age_s: float) -> int:
    return bisect_right(_EDGES_S, age_s) - 1


def _columns(remembered: Mapping[str, Sequence[float]] | None) -> tuple[Sequence[float], ...]:
    """The three columns of what an earlier run kept; empty ones where nothing was, or where it cannot be understood."""
    columns = tuple((remembered or {}).get(name, ()) for name in ("ages_s", "ends", "exposure_s"))
    usable = len({len(column) for column in columns}) == 1 and all(
        isinstance(value, int | float) and 0 <= value < math.inf for column in columns for value in column
    )
    return columns if usable and all(age_s < LAST_EDGE_S for age_s in columns[0]) else ((), (), ())


@lru_cache(maxsize=64)
def _vague(median_s: float) -> tuple[list[float], list[float]]:
    """What is assumed before anything is seen: ends and exposure of a task of a log-normal law around this median."""
    scale = VAGUE_SPREAD * math.sqrt(2)
    ended = [0.5 * (1 + math.erf(math.log(edge_s / median_s) / scale)) if edge_s else 0.0 for edge_s in _EDGES_S]
    ends = [VAGUE_WEIGHT * max(right - left, 1e-12) for left, right in pairwise(ended)]
    running = [VAGUE_WEIGHT * max(1 - (left + right) / 2, 1e-12) for left, right in pairwise(ended)]
    return ends, [share * width_s for share, width_s in zip(running, _WIDTHS_S, strict=True)]
