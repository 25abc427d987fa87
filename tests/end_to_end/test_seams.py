"""Where two features meet: edits and parents, cancel and retry, slots and delays, fallbacks and parents."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.emulator import Settings
from tests.builders import ACCEPTED, at, life, planned, spec, started, state_file
from tests.end_to_end.conftest import Bench, ServedEmulator
from tests.end_to_end.interrupted import leave_running

WORK = "duration_s: null, aspect_ratio: null"
KITE = "  - {id: kite, model: grok-imagine-video, duration_s: 1, prompt: a rude kite}\n"
SNOW = f"  - {{id: snow, model: grok-imagine-video, {WORK}, action: edit, parent: kite, prompt: make it snow}}\n"
NIGHT = f"  - {{id: night, model: grok-imagine-video, {WORK}, action: edit, parent: snow, prompt: make it dark}}\n"
RUDE = {"match": {"step": "submit", "prompt": "rude"}, "do": {"moderation": True}}


def bought(bench: Bench) -> list[str]:
    """The prompts of what was bought, in the order of the purchases."""
    return [task["prompt"] for task in bench.emulator.ledger()["tasks"]]


def edited(bench: Bench, prompt: str) -> Path:
    """The sheet of refused prompts, as somebody saves it who gave every row this prompt."""
    path = bench.batch / "edit-these.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "prompt": prompt} for row in rows)
    return path


class TestAParentThatIsEdited:
    """Its clip is that of other words than the manifest's."""

    def test_its_children_are_made_of_the_edited_clip(self, bench: Bench) -> None:
        """They wait for just that clip and no other: bought by the next run, each once, and stored after that."""
        bench.write(KITE + SNOW + NIGHT)
        bench.emulator.set_faults(RUDE)
        assert bench.run().code == 1
        assert bench.cli("retry", "batch", "--edits", str(edited(bench, "a kind kite"))).code == 1
        assert bought(bench) == ["a kind kite"]
        assert bench.run().code == 0
        assert bought(bench) == ["a kind kite", "make it snow", "make it dark"]
        assert "stored: 3" in bench.cli("plan", str(bench.manifest)).out

    def test_its_children_are_bought_alone_too(self, bench: Bench) -> None:
        """`--only` leaves the parent out of the plan, and its edits hold all the same."""
        bench.write(KITE + SNOW + NIGHT)
        bench.emulator.set_faults(RUDE)
        assert bench.run().code == 1
        assert bench.cli("retry", "batch", "--edits", str(edited(bench, "a kind kite"))).code == 1
        assert bench.run("--only", "snow").code == 0
        assert bench.run("--only", "night").code == 0
        assert bought(bench) == ["a kind kite", "make it snow", "make it dark"]
        assert "stored: 3" in bench.cli("plan", str(bench.manifest)).out


def test_a_child_of_a_clip_that_was_made_elsewhere(bench: Bench, settings: Settings) -> None:
    """Its parent switched to another provider: nothing is bought, and the message names the way to get the child."""
    away = {"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "internal error"}}
    with ServedEmulator(settings) as other:
        bench.write(
            KITE.replace("a rude kite", "a kite, fallback: {model: grok-imagine-video, provider: office}") + SNOW
        )
        office = {
            "base_url": other.base_url,
            "api_key_env": "TEST_KEY",
            "dialect": "xai",
            "prefix": "/grok",
            "poll_every_s": 0.02,
        }
        text = bench.manifest.read_text("utf-8").replace("providers: {", f"providers: {{office: {json.dumps(office)}, ")
        bench.manifest.write_text(text, "utf-8")
        bench.emulator.set_faults(away)
        ended = bench.run()
        assert (ended.code, bought(bench)) == (1, ["a kite"])
        assert "the clip of kite was made at office: --regenerate kite buys it at cometapi again" in ended.err
        bench.emulator.set_faults()
        assert bench.run("--regenerate", "kite").code == 0
        assert bought(bench) == ["a kite", "a kite", "make it snow"]


def test_a_parent_and_its_child_that_were_both_cancelled(bench: Bench) -> None:
    """One retry brings both back: the parent's task is asked for, and the child is bought when its clip is there."""
    bench.write(KITE + SNOW)
    leave_running(bench)
    assert "kite: task" in bench.cli("cancel", "batch").out
    assert bench.cli("retry", "batch", "--kind", "cancelled").code == 0
    assert bought(bench) == ["a rude kite", "make it snow"]


def test_what_was_cancelled_and_changed(bench: Bench) -> None:
    """Neither the plan nor a plain retry takes a change for the wish to have it back."""
    bench.write("  - {id: kite, prompt: 'kite {{ n }}', matrix: {n: [1, 2]}}", top="budget: {clips: 1}")
    assert bench.run().code == 3
    assert bench.cli("cancel", "batch").code == 0
    bench.write("  - {id: kite, prompt: 'blue kite {{ n }}', matrix: {n: [1, 2]}}")
    planned = bench.cli("plan", str(bench.manifest)).out
    assert "kite_2: cancelled: cancelled before it was bought; retry --kind cancelled buys it\n" in planned
    assert bench.cli("retry", str(bench.manifest)).code == 1
    assert bought(bench) == ["kite 1"]


class TestAManifestThatIsBroken:
    """Somebody saved it half-edited before the night, or took it away."""

    @pytest.mark.parametrize("gone", [False, True])
    def test_what_is_bought_is_collected_and_told_of_all_the_same(self, bench: Bench, gone: bool) -> None:
        """Named by its path as every night: its batch is known by where it came from; nothing is bought."""
        bench.write(KITE)
        leave_running(bench)
        bench.manifest.write_text("clips: [oops", "utf-8")
        if gone:
            bench.manifest.unlink()
        assert bench.run().code == 2
        assert "1 jobs" in bench.cli("status", str(bench.manifest)).out
        ended = bench.run("--collect-only")
        assert (ended.code, "collecting what was bought into" in ended.err) == (0, True)
        assert bought(bench) == ["a rude kite"]
        assert bench.status()["states"]["succeeded"] == 1

    def test_one_that_was_never_run(self, bench: Bench) -> None:
        """There is nothing to collect: its mistakes are reported, exit 2."""
        bench.manifest.write_text("clips: [oops", "utf-8")
        ended = bench.run("--collect-only")
        assert (ended.code, "is not valid YAML" in ended.err) == (2, True)


class TestOneSlotAndAnUncertainJob:
    """The slot is taken until somebody settles it, or its deadline has passed."""

    def test_a_delayed_job_does_not_hold_the_run_up(self, bench: Bench) -> None:
        """A job that waits out a refusal has no slot to come back to: the run ends, exit 5, and says that it waits."""
        bench.write(
            "  - {id: late, model: veo3.1-fast, prompt: a late kite}\n  - {id: lost, prompt: a lost kite}",
            concurrency=1,
        )
        away = {
            "status": 503,
            "json": {"error": {"message": "no channel", "code": "model_not_found"}},
            "headers": {"Retry-After": "600"},
        }
        bench.emulator.set_faults(
            {"match": {"step": "submit", "prompt": "late"}, "do": away},
            {"match": {"step": "submit", "prompt": "lost"}, "do": {"reset_after": True}},
        )
        ended = bench.run("--no-wait")
        assert (ended.code, "1 jobs wait for the slots" in ended.err) == (5, True)
        assert bench.emulator.ledger()["purchases"] == 1


def test_a_task_that_the_provider_does_not_know_is_bought_again_only_by_its_kind(bench: Bench) -> None:
    """The provider made it, or somebody mistyped its id for `resolve`: either way it may be paid for."""
    bench.write(KITE)
    gone = ev.GaveUp(at=at(120), kind=FailureKind.LOST_TASK, message="cometapi does not know task t-1")
    state_file(bench.batch / "state.sqlite3", life(planned(spec("kite")), started(), ACCEPTED, gone))
    ended = bench.cli("retry", str(bench.manifest))
    assert ended.code == 1
    assert "1 whose task the provider does not know may be paid for, retry --kind lost_task buys them again: kite" in (
        ended.out
    )
    assert bought(bench) == []
    assert bench.cli("retry", str(bench.manifest), "--kind", "lost_task").code == 0
    assert bought(bench) == ["a rude kite"]


def test_a_kind_that_no_failure_is_of(bench: Bench) -> None:
    """A retry that finds nothing to do says so, and names what shows the kinds; nothing is sent."""
    bench.write("  - {id: kite, prompt: a kite}")
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "internal error"}})
    assert bench.run().code == 1
    ended = bench.cli("retry", "batch", "--kind", "timeout")
    assert (ended.code, "no failed job is of kind timeout; batchvid status shows the kinds" in ended.out) == (1, True)
    assert bench.emulator.ledger()["submits"] == 1


@pytest.mark.parametrize("command", ["run", "status", "retry", "resolve", "cancel", "report", "plan"])
def test_a_damaged_state_file(bench: Bench, command: str) -> None:
    """The message names what to restore, and where the paid tasks are recorded; nothing is sent."""
    bench.write("  - {id: kite, prompt: a kite}")
    assert bench.run().code == 0
    copy = (bench.batch / "state.sqlite3").read_bytes()
    (bench.batch / "state.sqlite3").write_bytes(b"no database" * 100)
    target = [] if command == "resolve" else [str(bench.manifest)]
    ended = bench.cli(command, *target)
    assert ended.code == 1
    assert "put back a copy; run.log beside it names every task that was bought" in ended.err
    assert bench.emulator.ledger()["submits"] == 1
    (bench.batch / "state.sqlite3").write_bytes(copy)
    assert bench.run().code == 0
