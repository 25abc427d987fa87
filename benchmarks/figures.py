"""What a case hands back: samples of each candidate, ratios round by round, and figures with their bars. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Samples = Mapping[str, Sequence[float]]
"""The values of each candidate, one a round, in the order of the rounds."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with its range."""

    median: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{short(self.median)} ({short(self.lowest)}-{short(self.highest)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table: what was measured, in which unit, and the bar of it where there is one.

    `bar` is the highest value that is good, with `best="high"` the lowest. `note` says what a reader must know.
    """

    name: str
    value: Spread
    unit: str = ""
    bar: float | None = None
    best: Literal["low", "high"] = "low"
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the bar is reached; empty where there is none."""
        if self.bar is None:
            return ""
        good = self.value.median <= self.bar if self.best == "low" else self.value.median >= self.bar
        return "yes" if good else "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars to be drawn: one value a label. `floor` names the label that the others are measured by."""

    title: str
    unit: str
    values: Mapping[str, float]
    floor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Lines to be drawn: points (x, y) a label, x rising. `most_x` and `most_y` cut the axes where they are set."""

    title: str
    across: str
    upwards: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    most_x: float = 0.0
    most_y: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one case found out. `skipped` are candidates that could not run here, each with its reason."""

    case: str
    figures: Sequence[Figure]
    charts: Sequence[Chart | Curves] = ()
    skipped: Sequence[str] = ()


def spread(values: Sequence[float]) -> Spread:
    """The median and the range. Raises statistics.StatisticsError when there is no value."""
    return Spread(median(values), min(values), max(values))


def ratios(samples: Samples, over: str, under: str) -> Spread:
    """One candidate over another, round by round: what a noisy machine disturbs least."""
    return spread([a / b for a, b in zip(samples[over], samples[under], strict=True)])


def short(value: float) -> str:
    """A number for people: three digits that count.

    >>> short(1234.5), short(12.345), short(0.001234)
    ('1,234', '12.3', '0.00123')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
