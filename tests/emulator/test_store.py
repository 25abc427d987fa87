"""Slots are never exceeded and never lost, whatever happens in whatever order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from batchvid.emulator.ledger import Ledger
from batchvid.emulator.store import Store
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskDuration
from batchvid.emulator.task_log import TaskLog

DURATIONS = [
    TaskDuration(polls=1),
    TaskDuration(polls=3),
    TaskDuration(seconds=0),
    TaskDuration(seconds=5),
    TaskDuration(seconds=30),
]
STEPS = st.one_of(
    st.tuples(
        st.just("create"), st.sampled_from(DURATIONS), st.sampled_from([Outcome.SUCCESS, Outcome.FAIL, Outcome.STUCK])
    ),
    st.tuples(st.just("pass"), st.floats(0, 20, allow_nan=False)),
    st.tuples(st.just("poll"), st.integers(0, 30)),
)


def task(number: int, duration: TaskDuration, outcome: Outcome, now: float) -> Task:
    return Task(
        id=f"t{number}",
        family="runway",
        route="/",
        kind="",
        owner="me",
        model="m",
        prompt="p",
        seconds=5,
        width=64,
        height=64,
        duration=duration,
        outcome=outcome,
        created_at=now,
    )


@given(limit=st.integers(0, 3), steps=st.lists(STEPS, max_size=60))
def test_slots(limit: int, steps: list[tuple[Any, ...]]) -> None:
    """At no time run more tasks than the limit; no task waits beside a free slot; the first to come starts first."""
    ledger = Ledger()
    store = Store(ledger, TaskLog(None))
    now = 1000.0
    tasks: list[Task] = []
    for step, *values in steps:
        if step == "create":
            tasks.append(task(len(tasks), values[0], values[1], now))
            store.create(tasks[-1], limit=limit)
        elif step == "pass":
            now += values[0]
        elif tasks:
            store.poll(tasks[values[0] % len(tasks)], now)
        store.settle(now)
        waiting = [one for one in tasks if one.started_at is None]
        running = [one for one in tasks if one.started_at is not None and one.ended_at is None]
        assert not limit or len(running) <= limit
        assert not waiting or len(running) == limit
        assert ledger.total.in_flight == len(waiting) + len(running)
        started = [one.started_at for one in tasks if one.started_at is not None]
        assert started == sorted(started)
        assert tasks[len(started) :] == waiting
        for one in tasks:
            assert one.ended_at is None or (one.started_at or 0) <= one.ended_at <= now
            assert (store.peek(one, now).phase is Phase.THROTTLED) == (one.started_at is None)
    assert ledger.total.counts["purchases"] == len(tasks)
    assert ledger.total.in_flight_max <= len(tasks)
