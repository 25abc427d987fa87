"""A clip made from a clip: bought after it, never without it, once, and named as its provider names it."""

from __future__ import annotations

import json
import signal

import pytest

from batchvid import commands
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs, replay
from tests.end_to_end.conftest import KEY, Bench
from tests.end_to_end.test_money import hasty

WORK = "duration_s: null, aspect_ratio: null"
KITE = "  - {id: kite, model: grok-imagine-video, duration_s: 1, prompt: a kite}\n"
SNOW = f"  - {{id: snow, model: grok-imagine-video, {WORK}, action: edit, parent: kite, prompt: make it snow}}\n"
NIGHT = f"  - {{id: night, model: grok-imagine-video, {WORK}, action: edit, parent: snow, prompt: make it dark}}\n"
TEA = "  - {id: tea, model: kling-v1-6, duration_s: 5, prompt: a tea}\n"
LONGER = f"  - {{id: longer, model: kling-v1-6, {WORK}, action: extend, parent: tea, prompt: it steams}}\n"


def states(bench: Bench) -> dict[str, str]:
    return {row["id"]: row["state"] for row in bench.rows()}


def bought(bench: Bench) -> list[str]:
    """The prompts of what was bought, in the order of the purchases."""
    return [task["prompt"] for task in bench.emulator.ledger()["tasks"]]


def events(bench: Bench) -> list[tuple[str, str]]:
    """What the log tells of the jobs, in order."""
    lines = [json.loads(line) for line in (bench.batch / "run.log").read_text("utf-8").splitlines()]
    return [(line["event"], line.get("job", "")) for line in lines]


def test_a_chain_is_bought_link_by_link(bench: Bench) -> None:
    """Each job is bought when its parent is stored, with one slot for all; the sidecar names the parent."""
    bench.write(NIGHT + SNOW + KITE, concurrency=1)
    assert bench.run().code == 0
    assert bought(bench) == ["a kite", "make it snow", "make it dark"]
    recorded = events(bench)
    for parent, child in (("kite", "snow"), ("snow", "night")):
        assert recorded.index(("ClipStored", parent)) < recorded.index(("SubmitStarted", child))
    sidecar = json.loads((bench.batch / "clips" / "snow" / "snow.mp4.json").read_text("utf-8"))
    assert (sidecar["action"], sidecar["parent"]) == ("edit", "kite")
    assert [row["parent"] for row in bench.rows()] == ["snow", "kite", ""]
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 3


def test_a_waiting_child_holds_no_slot(bench: Bench) -> None:
    """With one slot, others are bought while a child waits for its parent's task; no limit is passed."""
    bench.write(SNOW + KITE + "  - {id: boat, prompt: a boat}", concurrency=1)
    assert bench.run().code == 0
    assert bought(bench)[-1] == "make it snow"
    assert bench.emulator.ledger()["in_flight_max"] == 1


def test_a_wire_that_wants_a_link_gets_a_fresh_one_that_nobody_writes_down(bench: Bench) -> None:
    """The parent's task is asked once more, right before; its signed link stands in no file of the batch."""
    bench.write(KITE + SNOW)
    assert bench.run().code == 0
    kite, snow = (row["clip_s"] for row in bench.rows())
    assert kite == snow  # made of the parent's very picture
    polls = bench.emulator.ledger()["families"]["xai"]["polls"]
    assert polls == 2 * 1 + 1  # life polls:1, and the one question for the link
    for file in bench.batch.rglob("*"):
        assert not file.is_file() or b"sig=" not in file.read_bytes(), file


@pytest.mark.parametrize(
    "trouble", [{"rate": True}, {"unavailable": True}, {"status": 200, "body": "<html>"}, "reset_before"]
)
def test_the_question_for_a_link_is_asked_again_when_it_fails(bench: Bench, trouble: object) -> None:
    """A provider that is away for a moment costs a moment, and no purchase."""
    bench.write(KITE + SNOW)
    bench.emulator.set_faults({"match": {"step": "poll", "prompt": "a kite", "nth": [2, 3]}, "do": trouble})
    assert commands.run(hasty(bench)).exit_code == 0
    assert bought(bench) == ["a kite", "make it snow"]


def test_a_link_that_never_comes_ends_in_time(bench: Bench) -> None:
    """A provider that answers every question with the same no is not asked for ever; the child stays pending."""
    bench.write(KITE + SNOW)
    refused = {"match": {"step": "poll", "prompt": "a kite", "nth": list(range(2, 9))}, "do": {"unavailable": True}}
    bench.emulator.set_faults(refused)
    ended = commands.run(hasty(bench))
    assert (ended.exit_code, states(bench)) == (1, {"kite": "succeeded", "snow": "pending"})
    assert "snow is not bought: parent: no link to the clip of kite: " in ended.reason
    assert commands.run(hasty(bench)).exit_code == 0


def test_a_key_that_no_longer_opens_the_parent_buys_no_child(bench: Bench) -> None:
    """What cannot be requested is not bought, and reported; the next run continues there."""
    bench.write(KITE + SNOW)
    bench.emulator.set_faults({"match": {"step": "poll", "prompt": "a kite", "nth": [2]}, "do": {"auth": True}})
    ended = bench.run()
    assert ended.code == 1
    assert "snow is not bought: parent: no link to the clip of kite: " in ended.err
    assert states(bench) == {"kite": "succeeded", "snow": "pending"}
    assert bench.run().code == 0
    assert bought(bench) == ["a kite", "make it snow"]


def test_a_clip_that_has_no_link_makes_no_child(bench: Bench) -> None:
    """Sora offers its clip with the key only: an edit by link is not bought, for it would fail and be paid for."""
    bench.write(
        "  - {id: crane, model: sora-2, prompt: a crane}\n"
        f"  - {{id: snow, model: videos/omni, {WORK}, action: edit, parent: crane, prompt: make it snow}}"
    )
    ended = bench.run()
    assert (ended.code, states(bench)) == (1, {"crane": "succeeded", "snow": "pending"})
    assert "some jobs are not finished" in ended.err
    assert "snow is not bought: parent: a link to its clip is required" in ended.err
    assert bench.emulator.ledger()["purchases"] == 1


@pytest.mark.parametrize(
    ("fault", "code", "state"),
    [
        ({"outcome": "fail", "message": "broke"}, 1, "failed"),
        ("reset_after", 5, "uncertain"),
        ({"auth": True}, 6, "pending"),
    ],
)
def test_a_parent_without_a_clip_leaves_its_children_pending(
    bench: Bench, fault: object, code: int, state: str
) -> None:
    """The run ends by itself, buys nothing below the parent, and says what waits for what."""
    bench.write(KITE + SNOW + NIGHT)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": fault})
    ended = bench.run()
    assert ended.code == code
    assert states(bench) == {"kite": state, "snow": "pending", "night": "pending"}
    word = {"failed": "failed", "uncertain": "is uncertain", "pending": "is not bought yet"}[state]
    assert f"snow waits for kite, which {word}" in ended.out
    assert "night waits for snow, which is not bought yet" in ended.out
    assert bench.emulator.ledger()["purchases"] <= 1


def test_retry_buys_the_parent_and_the_next_run_its_children(bench: Bench) -> None:
    """`retry` buys what failed and nothing else, says that jobs are left, and `plan` shows them as to be bought."""
    bench.write(KITE + SNOW)
    bench.emulator.set_faults({"match": {"step": "submit", "times": 1}, "do": {"outcome": "fail", "message": "broke"}})
    assert bench.run().code == 1
    held = bench.cli("plan", str(bench.manifest))
    assert "to buy: 0 clips" in held.out
    assert "snow: planned, not bought yet; waits for kite, which failed" in held.out
    retried = bench.cli("retry", str(bench.manifest))
    assert (retried.code, states(bench)) == (1, {"kite": "succeeded", "snow": "pending"})
    assert "some jobs are not finished: run again to go on" in retried.err
    assert bench.run().code == 0
    assert bought(bench) == ["a kite", "a kite", "make it snow"]


def test_a_child_takes_a_parent_that_an_earlier_run_stored(bench: Bench) -> None:
    """A child written below a stored clip is bought alone, by link or by ids out of the state file."""
    bench.write(KITE + TEA)
    assert bench.run().code == 0
    bench.write(KITE + TEA + SNOW + LONGER)
    assert bench.run("--only", "snow", "--only", "longer").code == 0
    assert sorted(bought(bench)) == ["a kite", "a tea", "it steams", "make it snow"]
    assert set(states(bench).values()) == {"succeeded"}
    lengths = {row["id"]: float(row["clip_s"]) for row in bench.rows()}
    assert lengths == {"kite": 1, "snow": 1, "tea": 5, "longer": 10}


def test_only_a_child_buys_no_parent(bench: Bench) -> None:
    """Picked alone and without its parent's clip it stays pending, and the run says so with exit code 1."""
    bench.write(KITE + SNOW)
    ended = bench.run("--only", "snow")
    assert (ended.code, states(bench)) == (1, {"snow": "pending"})
    assert "snow waits for kite, which is not bought yet" in ended.err
    assert bench.emulator.ledger()["purchases"] == 0
    assert bench.run().code == 0


def test_a_changed_parent_is_kept_and_so_are_its_children_until_both_are_asked_for(bench: Bench) -> None:
    """The change shows in both; `--regenerate changed` buys the parent again and then the child of the new clip."""
    bench.write(KITE + SNOW)
    assert bench.run().code == 0
    bench.write(KITE.replace("a kite", "a red kite") + SNOW + NIGHT)
    shown = bench.cli("plan", str(bench.manifest))
    assert "changed: 2" in shown.out
    assert "held: 1" in shown.out
    assert bench.run().code == 1
    assert bench.emulator.ledger()["purchases"] == 2
    assert bench.run("--regenerate", "changed").code == 0
    assert bought(bench)[2:] == ["a red kite", "make it snow", "make it dark"]


def test_a_parent_bought_again_unchanged_does_not_buy_its_children_again(bench: Bench) -> None:
    """Only the fingerprint decides: what was made of the earlier clip is kept."""
    bench.write(KITE + SNOW)
    assert bench.run().code == 0
    assert bench.run("--regenerate", "kite").code == 0
    assert bought(bench) == ["a kite", "make it snow", "a kite"]


def test_a_child_is_not_bought_where_its_parent_does_not_live(bench: Bench) -> None:
    """An address that is another one by now knows neither the task nor the clip: nothing is sent there."""
    bench.write(KITE)
    assert bench.run().code == 0
    bench.write(KITE + SNOW, base_url=bench.emulator.base_url.replace("127.0.0.1", "127.0.0.2"))
    ended = bench.run()
    assert (ended.code, states(bench)) == (1, {"kite": "succeeded", "snow": "pending"})
    assert "the clip of kite was made at http://127.0.0.1" in ended.err
    assert bench.emulator.ledger()["purchases"] == 1


class TestKills:
    """kill -9 between a parent and its child."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="instant", render="shared", api_key=KEY)

    @pytest.mark.parametrize("count", [3, 4, 5, 6])  # the parent's clip is stored by the fourth
    def test_killed_between_parent_and_child_buys_each_clip_once(self, bench: Bench, count: int) -> None:
        """Whatever was the last thing written down, the parent and then its child are bought once and stored."""
        bench.write(KITE + SNOW)
        process = bench.start(str(count), str(bench.manifest), module="tests.end_to_end.kill_after_events")
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        code = bench.run().code
        assert code in (0, 5)
        if code == 5:
            bench.settle_uncertain()
            assert bench.run().code == 0
        assert bought(bench) == ["a kite", "make it snow"]
        assert states(bench) == {"kite": "succeeded", "snow": "succeeded"}
        state = bench.batch / "state.sqlite3"
        assert replay(state) == {job.id: job for job in read_jobs(state)}
