"""The fair queue: lines take turns, a line keeps its order, no job is lost or doubled."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from batchvid.runner.providers.fair_queue import FairQueue


def every_model(_model: str) -> bool:
    """No model is full."""
    return True


def filled(*lines: tuple[str, str, int]) -> FairQueue:
    """A queue with so many jobs in each line of an entry and a model, pushed line by line."""
    queue = FairQueue()
    for entry, model, count in lines:
        for number in range(count):
            queue.push(f"{entry}/{model}/{number}", entry, model)
    return queue


def drained(queue: FairQueue, allows: frozenset[str] | None = None) -> list[str]:
    """All that can be popped, in order."""
    popped = []
    while (job_id := queue.pop(every_model if allows is None else allows.__contains__)) is not None:
        popped.append(job_id)
    return popped


def test_lines_take_turns() -> None:
    """An entry of three does not wait behind an entry of a thousand."""
    queue = filled(("big", "veo", 4), ("small", "veo", 2), ("other", "sora", 1))
    assert drained(queue) == [
        *("big/veo/0", "small/veo/0", "other/sora/0"),
        *("big/veo/1", "small/veo/1"),
        *("big/veo/2", "big/veo/3"),
    ]
    assert len(queue) == 0


def test_one_entry_of_two_models_is_two_lines() -> None:
    """A full model holds up only its own jobs of an entry."""
    queue = filled(("kite", "veo", 2), ("kite", "sora", 2))
    assert drained(queue, frozenset({"sora"})) == ["kite/sora/0", "kite/sora/1"]
    assert len(queue) == 2
    assert drained(queue) == ["kite/veo/0", "kite/veo/1"]


def test_a_line_that_was_passed_over_keeps_its_turn() -> None:
    """A full model loses no turn: as soon as it is allowed, it is first."""
    queue = filled(("a", "sora", 1), ("b", "veo", 3))
    assert queue.pop(lambda model: model == "veo") == "b/veo/0"
    assert queue.pop(lambda model: model == "veo") == "b/veo/1"
    assert queue.pop(every_model) == "a/sora/0"


def test_a_returned_job_is_last() -> None:
    """After a refusal a job is pushed again, at the end of its line."""
    queue = filled(("a", "veo", 2))
    first = queue.pop(every_model)
    queue.push(str(first), "a", "veo")
    assert drained(queue) == ["a/veo/1", "a/veo/0"]


def test_an_empty_queue_has_no_next_job() -> None:
    """An empty queue, and one whose models are all full, return None."""
    assert FairQueue().pop(every_model) is None
    assert filled(("a", "veo", 1)).pop(lambda _model: False) is None


LINES = st.tuples(st.sampled_from(["kite", "boat", "lamp"]), st.sampled_from(["veo", "sora"]))
STEPS = st.lists(LINES | st.sets(st.sampled_from(["veo", "sora"])).map(frozenset), max_size=60)


@given(STEPS)
def test_nothing_is_lost_doubled_or_out_of_order(steps: list[tuple[str, str] | frozenset[str]]) -> None:
    """Each job comes out once, after those before it in its line, and only while its model is allowed."""
    queue = FairQueue()
    waiting: dict[tuple[str, str], list[str]] = defaultdict(list)
    for number, step in enumerate(steps):
        if isinstance(step, tuple):
            job_id = "/".join((*step, str(number)))
            queue.push(job_id, *step)
            waiting[step].append(job_id)
            continue
        popped = queue.pop(step.__contains__)
        allowed = [line for line, jobs in waiting.items() if jobs and line[1] in step]
        if popped is None:
            assert allowed == []
            continue
        entry, model, _ = popped.split("/")
        assert (entry, model) in allowed
        assert waiting[entry, model].pop(0) == popped
        assert len(queue) == sum(map(len, waiting.values()))
        assert queue.models == {model for (_, model), jobs in waiting.items() if jobs}
    assert sorted(drained(queue)) == sorted(job_id for jobs in waiting.values() for job_id in jobs)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
def test_no_line_gets_ahead(sizes: list[int]) -> None:
    """While two lines both have jobs waiting, neither is served twice more than the other."""
    queue = filled(*((f"e{number}", "veo", size) for number, size in enumerate(sizes)))
    served = [0] * len(sizes)
    while (job_id := queue.pop(every_model)) is not None:
        served[int(job_id.split("/")[0][1:])] += 1
        waiting = [count for count, size in zip(served, sizes, strict=True) if count < size]
        assert not waiting or max(served) - min(waiting) <= 1


LASTS_S = {"veo": 60.0, "sora": 180.0, "kling": 70.0}


def test_long_models_go_first_three_times_out_of_four() -> None:
    """Started last, they alone would keep the run waiting; the short ones still get every fourth place."""
    queue = filled(("short", "veo", 20), ("long", "sora", 20))
    first = [queue.pop(every_model, LASTS_S.get) for _ in range(12)]
    assert [str(job).split("/")[1] for job in first].count("sora") == 9
    assert [str(job).split("/")[1] for job in first].count("veo") == 3


def test_models_that_take_about_as_long_take_turns() -> None:
    """A small difference does not change the order."""
    queue = filled(("a", "veo", 3), ("b", "kling", 3))
    assert [queue.pop(every_model, LASTS_S.get) for _ in range(4)] == ["a/veo/0", "b/kling/0", "a/veo/1", "b/kling/1"]


def test_where_one_model_is_not_known_yet_all_take_turns() -> None:
    """Only known durations change the order."""
    queue = filled(("a", "sora", 2), ("b", "new", 2))
    assert [queue.pop(every_model, LASTS_S.get) for _ in range(4)] == ["a/sora/0", "b/new/0", "a/sora/1", "b/new/1"]


def test_drain_removes_all_jobs_of_a_model() -> None:
    """Jobs of other models stay in order; a model without jobs gives none."""
    queue = filled(("kite", "veo", 2), ("kite", "sora", 2), ("boat", "veo", 1))
    assert sorted(queue.drain("veo")) == ["boat/veo/0", "kite/veo/0", "kite/veo/1"]
    assert (len(queue), queue.models, queue.drain("veo")) == (2, {"sora"}, [])
    assert drained(queue) == ["kite/sora/0", "kite/sora/1"]


def test_a_job_of_another_line_can_be_taken_first() -> None:
    """The first allowed job outside of these lines, in turn; the rest keep their order."""
    queue = FairQueue()
    for job_id, entry, model in [("k1", "kite", "a"), ("k2", "kite", "a"), ("b1", "boat", "b"), ("c1", "crane", "a")]:
        queue.push(job_id, entry, model)
    assert queue.lines == {("kite", "a"), ("boat", "b"), ("crane", "a")}
    assert queue.pop_other(lambda model: model == "a", {("kite", "a")}) == "c1"
    assert queue.pop_other(lambda model: model == "a", {("kite", "a")}) is None
    assert queue.pop_other(lambda _model: True, {("kite", "a")}) == "b1"
    assert (len(queue), queue.models) == (2, {"a"})
    assert [queue.pop(lambda _model: True) for _ in range(3)] == ["k1", "k2", None]
