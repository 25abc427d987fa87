"""Counts submits, purchases, polls and downloads: in total, by family and by route. It knows no HTTP and no clock."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, Literal

Countable = Literal["submits", "refused", "polls", "downloads"]
COUNTED = ("submits", "purchases", "refused", "polls", "downloads")


class Window:
    """The highest number of events in any sliding window of `span_s` seconds."""

    __slots__ = ("_span_s", "_times", "highest")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._times: deque[float] = deque()
        self.highest = 0

    def add(self, at: float) -> None:
        """Count one event; `at` (seconds) never decreases."""
        times = self._times
        times.append(at)
        while times[0] <= at - self._span_s:
            times.popleft()
        self.highest = max(self.highest, len(times))


@dataclass(slots=True)
class Counters:
    """The counters of one family, of one route, or of all. In flight: created and not ended by the task's own clock."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    in_flight: int = 0
    in_flight_max: int = 0
    windows: dict[str, Window] = field(default_factory=lambda: {"submits": Window(60), "polls": Window(1)})

    def totals(self) -> dict[str, int]:
        """The counters by the names of the ledger page."""
        windows = {"max_submits_per_60s": self.windows["submits"], "max_polls_per_s": self.windows["polls"]}
        highest = {name: window.highest for name, window in windows.items()}
        return {**self.counts, "in_flight_now": self.in_flight, "in_flight_max": self.in_flight_max, **highest}


class Ledger:
    """The counters. Every method takes the family (`kling`) and the route (the path)."""

    def __init__(self) -> None:
        self.key_leaks = 0
        self.total = Counters()
        self._families: defaultdict[str, Counters] = defaultdict(Counters)
        self._routes: defaultdict[str, Counters] = defaultdict(Counters)

    def count(self, name: Countable, family: str, route: str, at: float = 0.0) -> None:
        """Count one request: a submit, a submit that created no task, a poll, or a download, with any answer."""
        for counters in self._counters(family, route):
            counters.counts[name] += 1
            if name in counters.windows:
                counters.windows[name].add(at)

    def created(self, family: str, route: str) -> None:
        """Count a purchase: a submit that created a task, which is in flight now."""
        for counters in self._counters(family, route):
            counters.counts["purchases"] += 1
            counters.in_flight += 1
            counters.in_flight_max = max(counters.in_flight_max, counters.in_flight)

    def ended(self, family: str, route: str) -> None:
        """Count the end of a task, with any outcome."""
        for counters in self._counters(family, route):
            counters.in_flight -= 1

    def clear(self) -> None:
        """Reset the counters; what is in flight stays in flight."""
        self.key_leaks = 0
        self.total = _cleared(self.total)
        for table in (self._families, self._routes):
            table.update({name: _cleared(counters) for name, counters in table.items()})

    def as_dict(self) -> dict[str, Any]:
        """The counters as JSON, without the tasks."""
        families = {name: counters.totals() for name, counters in self._families.items()}
        routes = {name: counters.totals() for name, counters in self._routes.items()}
        return {**self.total.totals(), "key_leaks": self.key_leaks, "families": families, "routes": routes}

    def _counters(self, family: str, route: str) -> tuple[Counters, Counters, Counters]:
        return self.total, self._families[family], self._routes[route]


def _cleared(counters: Counters) -> Counters:
    return Counters(in_flight=counters.in_flight, in_flight_max=counters.in_flight)
