"""What was asked for and bought, counted in all, by family and by route. It must not know HTTP or any clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any


class Window:
    """The highest number of events that ever fell into any window of `span_s` seconds."""

    __slots__ = ("_span_s", "_times", "highest")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._times: deque[float] = deque()
        self.highest = 0

    def add(self, at: float) -> None:
        """Count one event; `at` (seconds) never runs backwards."""
        times = self._times
        times.append(at)
        while times[0] <= at - self._span_s:
            times.popleft()
        self.highest = max(self.highest, len(times))


@dataclass(slots=True)
class Account:
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
        """The counters by the names that the ledger page uses."""
        return {
            "submits": self.submits,
            "purchases": self.purchases,
            "refused": self.refused,
            "polls": self.polls,
            "downloads": self.downloads,
            "in_flight_now": self.in_flight,
            "in_flight_max": self.in_flight_max,
            "max_submits_per_60s": self.submit_times.highest,
            "max_polls_per_s": self.poll_times.highest,
        }


class Ledger:
    """The books. Every method takes the family (`kling`) and the route (the path) that it is about.

    In flight: created and not ended, as the task's own clock says.
    """

    def __init__(self) -> None:
        self.key_leaks = 0
        self.total = Account()
        self._families: dict[str, Account] = {}
        self._routes: dict[str, Account] = {}

    def submitted(self, family: str, route: str, at: float) -> None:
        """A submit came in; what becomes of it is told by `created` or `refused`."""
        for account in self._accounts(family, route):
            account.submits += 1
            account.submit_times.add(at)

    def refused(self, family: str, route: str) -> None:
        """A submit made no task."""
        for account in self._accounts(family, route):
            account.refused += 1

    def created(self, family: str, route: str) -> None:
        """A submit made a task: that is a purchase, and the task is in flight."""
        for account in self._accounts(family, route):
            account.purchases += 1
            account.in_flight += 1
            account.in_flight_max = max(account.in_flight_max, account.in_flight)

    def ended(self, family: str, route: str) -> None:
        """A task ended, however it did."""
        for account in self._accounts(family, route):
            account.in_flight -= 1

    def polled(self, family: str, route: str, at: float) -> None:
        """Somebody asked for a task, known or not."""
        for account in self._accounts(family, route):
            account.polls += 1
            account.poll_times.add(at)

    def downloaded(self, family: str, route: str) -> None:
        """Somebody asked for a clip, whatever the answer."""
        for account in self._accounts(family, route):
            account.downloads += 1

    def clear(self) -> None:
        """Forget the counts; what is in flight stays in flight."""
        self.key_leaks = 0
        self.total = _cleared(self.total)
        self._families = {name: _cleared(account) for name, account in self._families.items()}
        self._routes = {name: _cleared(account) for name, account in self._routes.items()}

    def as_dict(self) -> dict[str, Any]:
        """The books as JSON can hold them, without the tasks."""
        return {
            **self.total.totals(),
            "key_leaks": self.key_leaks,
            "families": {name: account.totals() for name, account in self._families.items()},
            "routes": {name: account.totals() for name, account in self._routes.items()},
        }

    def _accounts(self, family: str, route: str) -> tuple[Account, Account, Account]:
        of_family = self._families.get(family)
        if of_family is None:
            of_family = self._families[family] = Account()
        of_route = self._routes.get(route)
        if of_route is None:
            of_route = self._routes[route] = Account()
        return self.total, of_family, of_route


def _cleared(account: Account) -> Account:
    return Account(in_flight=account.in_flight, in_flight_max=account.in_flight)
