"""Durations are drawn from the setting, and polls show the progress."""

from __future__ import annotations

from random import Random
from statistics import median

import pytest
from pydantic import ValidationError

from batchvid.emulator import Settings
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskDuration, draw, view
from tests.emulator.helpers import FakeClock, vendor


def shown(life: TaskDuration, outcome: Outcome = Outcome.SUCCESS, *, polls: int = 6) -> list[tuple[str, int]]:
    views = [view(life, outcome, age_s=0, polls=number) for number in range(1, polls + 1)]
    return [(one.phase.value, one.progress) for one in views]


def test_polls() -> None:
    """A life of N polls is queued at the first, running between, and over at the N-th."""
    assert shown(TaskDuration(polls=4), polls=5) == [
        ("queued", 0),
        ("running", 50),
        ("running", 75),
        ("succeeded", 100),
        ("succeeded", 100),
    ]


def test_seconds() -> None:
    """A timed life is queued for its first part, then runs, then is over, whatever the number of polls."""
    ages = [0, 1, 5, 9.99, 10]
    views = [view(TaskDuration(seconds=10), Outcome.SUCCESS, age_s=age, polls=1) for age in ages]
    assert [one.phase.value for one in views] == ["queued", "queued", "running", "running", "succeeded"]
    assert [one.progress for one in views] == [0, 0, 50, 99, 100]


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        (Outcome.FAIL, Phase.FAILED),
        (Outcome.FAIL_SILENT, Phase.FAILED),
        (Outcome.MODERATION, Phase.FAILED),
        (Outcome.ERROR, Phase.ERROR),
        (Outcome.CANCELLED, Phase.CANCELLED),
        (Outcome.EXPIRED, Phase.EXPIRED),
        (Outcome.STUCK, Phase.QUEUED),
        (Outcome.UNKNOWN_WORD, Phase.UNDOCUMENTED),
    ],
)
def test_outcomes(outcome: Outcome, end: Phase) -> None:
    """Each outcome has its own last phase; stuck and unknown never end."""
    assert view(TaskDuration(polls=2), outcome, age_s=1e9, polls=10**9).phase is end


def test_progress_goes_backwards() -> None:
    """Progress that runs backwards still ends well."""
    numbers = [
        progress for phase, progress in shown(TaskDuration(polls=5), Outcome.PROGRESS_BACKWARDS) if phase == "running"
    ]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 3
    assert shown(TaskDuration(polls=5), Outcome.PROGRESS_BACKWARDS)[-1] == ("succeeded", 100)


def test_progress_100_while_running() -> None:
    """A task may say 100 % long before it is done."""
    assert shown(TaskDuration(polls=3), Outcome.PROGRESS_100_RUNNING)[1] == ("running", 100)


def test_odd_progress_can_be_seen() -> None:
    """Odd progress gives even an instant task some polls."""
    assert draw("instant", Random(1), Outcome.PROGRESS_BACKWARDS).polls == 4
    assert draw("instant", Random(1), Outcome.SUCCESS).polls == 1


def test_draw_range() -> None:
    """A range is drawn from evenly, and the same number comes for the same seed."""
    durations = [draw("seconds:2-4", Random(number), Outcome.SUCCESS).seconds for number in range(200)]
    assert all(2 <= one <= 4 for one in durations)
    assert 2.8 < median(durations) < 3.2
    assert durations == [draw("seconds:2-4", Random(number), Outcome.SUCCESS).seconds for number in range(200)]


def test_draw_lognormal() -> None:
    """A lognormal life has the requested median, and some long ones."""
    durations = [draw("lognormal:60,0.5", Random(number), Outcome.SUCCESS).seconds for number in range(500)]
    assert 54 < median(durations) < 66
    assert max(durations) > 150


@pytest.mark.parametrize("setting", ["", "polls:0", "polls:x", "seconds:5-2", "seconds:-1", "lognormal:5", "soon"])
def test_invalid_setting(setting: str) -> None:
    """A setting that is no life is refused, and the message says what is one."""
    with pytest.raises(ValidationError, match="lognormal:MEDIAN_S,SIGMA"):
        Settings(life=setting)


async def test_durations_do_not_depend_on_order() -> None:
    """The same prompt gets the same life, whatever was submitted before it."""
    ends = []
    for prompts in (["a", "b", "c"], ["c", "b", "a"]):
        clock = FakeClock()
        async with vendor(clock, life="seconds:1-100", seed=7) as v:
            ids = {prompt: (await v.video(prompt=prompt)).json["id"] for prompt in prompts}
            clock.passes(40)
            ends.append({prompt: (await v.poll(ids[prompt])).json["status"] for prompt in "abc"})
    assert ends[0] == ends[1]
    assert len(set(ends[0].values())) > 1


async def test_a_timed_life_over_http() -> None:
    """A task on the clock goes from queued over running to completed, with no poll in between needed."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:100") as v:
        task = (await v.video()).json["id"]
        seen = []
        for _ in range(4):
            reply = (await v.poll(task)).json
            seen.append((reply["status"], reply["progress"]))
            clock.passes(40)
    assert seen == [("queued", 0), ("in_progress", 40), ("in_progress", 80), ("completed", 100)]


async def test_ticks() -> None:
    """With ticks a task is seen as it was at the last one, while its slot is free at once."""
    clock = FakeClock()
    clock.now = 1_800_000_000.0  # a tick of 15 s
    async with vendor(clock, life="seconds:20", tick_s=15, concurrency=1) as v:
        task = (await v.video()).json["id"]
        seen = []
        for _ in range(4):
            reply = (await v.poll(task)).json
            seen.append((reply["status"], "completed_at" in reply))
            clock.passes(8)
        assert (await v.video()).status == 200
    assert seen == [("queued", False), ("queued", False), ("in_progress", False), ("in_progress", False)]
