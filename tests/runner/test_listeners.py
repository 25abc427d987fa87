"""Listeners are called in one order, and no failing output keeps another listener from an event."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batchvid.domain import events as ev
from batchvid.domain.jobs import Job
from batchvid.runner.listeners import Listeners
from tests.builders import ACCEPTED, life, planned, started

EVENTS = [(entry.event, None, entry.job) for entry in life(planned(), started(), ACCEPTED)]
ERRORS = [BrokenPipeError(), UnicodeEncodeError("ascii", "\u72ac", 0, 1, "no"), KeyError("x"), RecursionError()]


class Recorded:
    """An observer that keeps what it gets, or fails."""

    def __init__(self, calls: list[str], name: str, fail: Callable[[], None] = lambda: None) -> None:
        self._calls = calls
        self._name = name
        self._fail = fail
        self.notices: list[str] = []

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Keeps the event's name."""
        self._calls.append(f"{self._name} {type(event).__name__}")
        self._fail()

    def notice(self, text: str) -> None:
        """Keeps a notice."""
        self.notices.append(text)
        self._fail()

    def tick(self) -> None:
        """May fail."""
        self._fail()

    def close(self) -> None:
        """May fail."""
        self._calls.append(f"{self._name} closed")
        self._fail()


def failing(exc: Exception) -> Callable[[], None]:
    """A function that raises this."""

    def fail() -> None:
        raise exc

    return fail


def test_the_bookkeeping_comes_first_then_observers_in_order() -> None:
    """The written order holds for every event."""
    calls: list[str] = []
    listeners = Listeners([Recorded(calls, "log"), Recorded(calls, "display")])
    listeners.bookkeeping = [lambda *_: calls.append("budget"), lambda *_: calls.append("slots")]
    listeners(*EVENTS[0])
    assert calls == ["budget", "slots", "log Planned", "display Planned"]


@pytest.mark.parametrize("exc", ERRORS, ids=lambda exc: type(exc).__name__)
def test_a_failing_observer_is_reported_once_and_stops_nobody(exc: Exception) -> None:
    """Any exception: the others get every event, and one line that names the observer."""
    calls: list[str] = []
    broken, sound = Recorded(calls, "display", failing(exc)), Recorded(calls, "log")
    listeners = Listeners([broken, sound])
    for event in EVENTS:
        listeners(*event)
    listeners.tick()
    listeners.notice("all is well")
    listeners.close()
    assert [call for call in calls if call.startswith("log")] == [
        "log Planned", "log SubmitStarted", "log SubmitAccepted", "log closed",
    ]  # fmt: skip
    assert len(sound.notices) == 2
    assert sound.notices[0].startswith(f"Recorded failed: {type(exc).__name__}")
    assert sound.notices[1] == "all is well"


def test_two_failing_observers_do_not_report_for_ever() -> None:
    """Each is reported to the other, which fails again: that is the end of it."""
    calls: list[str] = []
    both = [Recorded(calls, name, failing(OSError(28, "No space left on device"))) for name in ("log", "display")]
    listeners = Listeners(both)
    for event in EVENTS:
        listeners(*event)
    assert len(calls) == 2 * len(EVENTS)


def test_a_bug_in_the_bookkeeping_ends_the_run_after_all_were_called() -> None:
    """The other bookkeeping and the log get the event; then the exception is passed on."""
    calls: list[str] = []
    bugs: list[Exception] = []
    listeners = Listeners([Recorded(calls, "log")])
    listeners.on_bug = bugs.append
    bug = ValueError("slots")
    fail = failing(bug)
    listeners.bookkeeping = [lambda *_: fail(), lambda *_: calls.append("health")]
    listeners(*EVENTS[0])
    assert calls == ["health", "log Planned"]
    assert bugs == [bug]


def test_a_notice_holds_no_signed_link() -> None:
    """It is redacted before any observer gets it."""
    log = Recorded([], "log")
    Listeners([log]).notice("see https://cdn.example/a.mp4?sig=secret")
    assert log.notices == ["see https://cdn.example/a.mp4?..."]
