"""Counts submits, purchases, polls and downloads: in total, by family and by route. It knows no HTTP and no clock."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any


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
    """The counters of one family, of one route, or of all."""

    submits: int = 0
    purchases: int = 0
    refused: int = 0
    polls: int = 0
    downloads: int = 0
    in_flight: int = 0
    in_flight_max: int = 0
    submit_times: Window = field(default_factory=lambda: Window(60))
    poll_times: Window = field(default_factory=lambda: Window(1))

    def totals(self) -> dict[str, int]:
        """The counters by the names of the ledger page."""
        same = ("submits", "purchases", "refused", "polls", "downloads")
        return {
            **{name: getattr(self, name) for name in same},
            "in_flight_now": self.in_flight,
            "in_flight_max": self.in_flight_max,
            "max_submits_per_60s": self.submit_times.highest,
            "max_polls_per_s": self.poll_times.highest,
        }

    def cleared(self) -> Counters:
        """Zero, but for what is in flight."""
        return Counters(in_flight=self.in_flight, in_flight_max=self.in_flight)


class Ledger:
    """The counters. Every method takes the family (`kling`) and the route (the path).

    In flight: created and not ended by the task's own clock.
    """

    def __init__(self) -> None:
        self.key_leaks = 0
        self.total = Counters()
        self._families: defaultdict[str, Counters] = defaultdict(Counters)
        self._routes: defaultdict[str, Counters] = defaultdict(Counters)

    def submitted(self, family: str, route: str, at: float) -> None:
        """Count a submit; `created` or `refused` follows."""
        for counters in self._counters(family, route):
            counters.submits += 1
            counters.submit_times.add(at)

    def refused(self, family: str, route: str) -> None:
        """Count a submit that created no task."""
        for counters in self._counters(family, route):
            counters.refused += 1

    def created(self, family: str, route: str) -> None:
        """Count a submit that created a task: a purchase, and a task in flight."""
        for counters in self._counters(family, route):
            counters.purchases += 1
            counters.in_flight += 1
            counters.in_flight_max = max(counters.in_flight_max, counters.in_flight)

    def ended(self, family: str, route: str) -> None:
        """Count the end of a task, with any outcome."""
        for counters in self._counters(family, route):
            counters.in_flight -= 1

    def polled(self, family: str, route: str, at: float) -> None:
        """Count a poll of a known or unknown task."""
        for counters in self._counters(family, route):
            counters.polls += 1
            counters.poll_times.add(at)

    def downloaded(self, family: str, route: str) -> None:
        """Count a request for a clip, with any answer."""
        for counters in self._counters(family, route):
            counters.downloads += 1

    def clear(self) -> None:
        """Reset the counters; what is in flight stays in flight."""
        self.key_leaks = 0
        self.total = self.total.cleared()
        for table in (self._families, self._routes):
            table.update({name: counters.cleared() for name, counters in table.items()})

    def as_dict(self) -> dict[str, Any]:
        """The counters as JSON, without the tasks."""
        return {
            **self.total.totals(),
            "key_leaks": self.key_leaks,
            "families": {name: counters.totals() for name, counters in self._families.items()},
            "routes": {name: counters.totals() for name, counters in self._routes.items()},
        }

    def _counters(self, family: str, route: str) -> tuple[Counters, Counters, Counters]:
        return self.total, self._families[family], self._routes[route]
