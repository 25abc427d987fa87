"""How long a model's tasks take, learned from polls. Pure; poll_schedule.py decides when to poll.

A poll does not show when a task ended, only that it ended between two polls; and most tasks are still running. Both
count: `survived` and `ended` are the only inputs. Ages are divided into bins that grow with age
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
PRIOR_MEDIAN_S = 90.0  # clips take 2-5 minutes, the quick models 1-2 (wire-notes 6.2)
PRIOR_SIGMA = 1.0  # of the logarithm: half a minute to ten minutes are all likely
PRIOR_WEIGHT = 1.0  # the prior counts as one task
MAX_REMEMBERED = 400.0  # tasks of earlier runs that count: a vendor changes over the months
REFRESH_RATIO = 0.03  # the hazard is computed again after so many more ends

MAX_RECENT_ENDS = 400  # ends whose interval is kept, to be distributed again when more is known
REDISTRIBUTED_PER_END = 4  # of them, with each new end

_EDGES_S = [0.0, FIRST_EDGE_S]
while _EDGES_S[-1] < LAST_EDGE_S:
    _EDGES_S.append(_EDGES_S[-1] * GROWTH)
_BINS = len(_EDGES_S) - 1
_WIDTHS_S = [right - left for left, right in pairwise(_EDGES_S)]

_Share = tuple[int, float, float]
"""A bin's share of one end: the bin's number, the fraction of the end, seconds of exposure."""


class DurationModel:
    """The distribution of task durations.

    `seen` counts the observed ends, remembered ones included. Half of the tasks end by `median_s`. The hazard is the
    probability per second that a task which is still running ends now.
    """

    __slots__ = (
        "_computed_at",
        "_cumulative_weights",
        "_ends",
        "_exposure_s",
        "_hazard",
        "_recent_ends",
        "median_s",
        "seen",
    )

    def __init__(self, remembered: Mapping[str, Sequence[float]] | None = None) -> None:
        self._ends, self._exposure_s = [0.0] * _BINS, [0.0] * _BINS
        self._recent_ends: deque[tuple[float, float, list[_Share]]] = deque()
        self.seen = 0.0
        for age_s, ends, exposure_s in zip(*_columns(remembered), strict=True):
            self._ends[_bin(age_s)] += ends
            self._exposure_s[_bin(age_s)] += exposure_s
            self.seen += ends
        self._compute()

    def survived(self, from_s: float, to_s: float) -> None:
        """A poll found a task running at the age `to_s`; it was last seen running at `from_s`."""
        number = _bin(from_s)
        while number < _BINS and _EDGES_S[number] < to_s:
            self._exposure_s[number] += min(to_s, _EDGES_S[number + 1]) - max(from_s, _EDGES_S[number])
            number += 1

    def ended(self, from_s: float, to_s: float) -> None:
        """A poll found a task finished at the age `to_s`; it was last seen running at `from_s`."""
        self._recent_ends.append((from_s, to_s, self._distribute(from_s, to_s)))
        self.seen += 1
        if self.seen > self._computed_at * (1 + REFRESH_RATIO):
            self._compute()
        for _ in range(REDISTRIBUTED_PER_END):
            self._redistribute_oldest()
        if len(self._recent_ends) > MAX_RECENT_ENDS:
            self._recent_ends.popleft()

    def sqrt_hazard(self, age_s: float) -> float:
        """The square root of the hazard at this age: the weight of one second of waiting there."""
        return math.sqrt(self._hazard[min(_bin(age_s), _BINS - 1)])

    def cumulative_weight(self, age_s: float) -> float:
        """The integral of `sqrt_hazard` from 0 to this age."""
        number = min(_bin(age_s), _BINS - 1)
        return self._cumulative_weights[number] + (age_s - _EDGES_S[number]) * math.sqrt(self._hazard[number])

    def age_at(self, weight: float) -> float:
        """The age in seconds with this cumulative weight: the inverse of `cumulative_weight`."""
        number = min(bisect_right(self._cumulative_weights, weight) - 1, _BINS - 1)
        return _EDGES_S[number] + (weight - self._cumulative_weights[number]) / math.sqrt(self._hazard[number])

    def remembered(self) -> dict[str, list[float]]:
        """The sums for later runs, as plain numbers. Their weight is limited, so that later runs can still learn."""
        share = min(1.0, MAX_REMEMBERED / self.seen) if self.seen else 0.0
        bins = [n for n in range(_BINS) if self._exposure_s[n] * share > 0.0]
        return {
            "ages_s": [
                round(_EDGES_S[n] + _WIDTHS_S[n] / 2, 4) for n in bins
            ],  # ages, because a later version may have other bins
            "ends": [round(self._ends[n] * share, 4) for n in bins],
            "exposure_s": [round(self._exposure_s[n] * share, 3) for n in bins],
        }

    def _distribute(self, from_s: float, to_s: float) -> list[_Share]:
        """Add an end at an unknown time between two ages to the sums; returns the shares of the bins."""
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

    def _redistribute_oldest(self) -> None:
        """Subtract the end that was distributed first from the sums, and distribute it by what is known now."""
        from_s, to_s, shares = self._recent_ends.popleft()
        for number, part, exposure_s in shares:  # never negative, in spite of rounding
            self._ends[number] = max(self._ends[number] - part, 0.0)
            self._exposure_s[number] = max(self._exposure_s[number] - exposure_s, 0.0)
        self._recent_ends.append((from_s, to_s, self._distribute(from_s, to_s)))

    def _compute(self) -> None:
        """Compute the hazard from the sums; each bin is averaged with its neighbours."""
        self._computed_at = self.seen
        ends, exposure_s = _prior(self._prior_median_s())
        ends = [seen + prior for seen, prior in zip(self._ends, ends, strict=True)]
        exposure_s = [seen + prior for seen, prior in zip(self._exposure_s, exposure_s, strict=True)]
        self._hazard = [
            (ends[max(n - 1, 0)] + 2 * ends[n] + ends[min(n + 1, _BINS - 1)])
            / (exposure_s[max(n - 1, 0)] + 2 * exposure_s[n] + exposure_s[min(n + 1, _BINS - 1)])
            for n in range(_BINS)
        ]
        self._cumulative_weights = [0.0]
        for hazard, width_s in zip(self._hazard, _WIDTHS_S, strict=True):
            self._cumulative_weights.append(self._cumulative_weights[-1] + math.sqrt(hazard) * width_s)
        self.median_s = self._median_s()

    def _prior_median_s(self) -> float:
        """Half of the observed tasks end before it, so that long outliers are judged by this model's own data."""
        half, number = self.seen / 2, 0
        if self.seen < 1:
            return PRIOR_MEDIAN_S
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
    """The three columns that an earlier run saved; empty ones if there are none or they are invalid."""
    columns = tuple((remembered or {}).get(name, ()) for name in ("ages_s", "ends", "exposure_s"))
    usable = len({len(column) for column in columns}) == 1 and all(
        isinstance(value, int | float) and 0 <= value < math.inf for column in columns for value in column
    )
    return columns if usable and all(age_s < LAST_EDGE_S for age_s in columns[0]) else ((), (), ())


@lru_cache(maxsize=64)
def _prior(median_s: float) -> tuple[list[float], list[float]]:
    """Ends and exposure of one task with a log-normal duration around this median."""
    scale = PRIOR_SIGMA * math.sqrt(2)
    ended = [0.5 * (1 + math.erf(math.log(edge_s / median_s) / scale)) if edge_s else 0.0 for edge_s in _EDGES_S]
    ends = [PRIOR_WEIGHT * max(right - left, 1e-12) for left, right in pairwise(ended)]
    running = [PRIOR_WEIGHT * max(1 - (left + right) / 2, 1e-12) for left, right in pairwise(ended)]
    return ends, [share * width_s for share, width_s in zip(running, _WIDTHS_S, strict=True)]
