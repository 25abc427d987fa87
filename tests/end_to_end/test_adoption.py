"""One identity per clip: what only has a new id is adopted, and nothing is bought twice or lost."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from batchvid.commands import adoption, open_batch
from batchvid.domain.jobs import Job
from batchvid.state.readers import read_jobs
from batchvid.state.state_file import RecordedEvent, StateFile
from batchvid.storage import LocalStore
from tests.end_to_end.conftest import Bench

ONE = '  - {id: kite, prompt: "a kite"}'
TWO = '  - {id: kite, prompt: "a kite", takes: 2}'
WORK = "duration_s: null, aspect_ratio: null"
EDITED = f"""  - {{id: NAME, model: grok-imagine-video, duration_s: 1, prompt: a kite}}
  - {{id: snow, model: grok-imagine-video, {WORK}, action: edit, parent: NAME, prompt: make it snow}}"""
RENAMED = '  - {id: glider, prompt: "a kite"}'


def bought(bench: Bench) -> int:
    """The purchases that the vendor counts."""
    return int(bench.emulator.ledger()["purchases"])


def plan(bench: Bench, *args: str) -> str:
    """What `plan` shows."""
    shown = bench.cli("plan", str(bench.manifest), *args)
    assert shown.code == 0, shown.err
    return shown.out


def clips(bench: Bench) -> dict[str, bytes]:
    """Every stored clip by the name of its file."""
    return {path.name: path.read_bytes() for path in (bench.batch / "clips").rglob("*.mp4")}


def ledger(bench: Bench) -> list[dict[str, str]]:
    """The rows of ledger.csv."""
    with (bench.batch / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def committed(bench: Bench) -> tuple[str, Decimal]:
    """The sums of the state and of the ledger."""
    settled = sum((Decimal(row["settled_usd"]) for row in ledger(bench)), Decimal(0))
    return bench.status()["committed_usd"], settled


def test_a_second_take_buys_one_clip(bench: Bench) -> None:
    """`takes: 1 -> 2`: the stored clip becomes the first take, under its new name and with its history."""
    bench.write(ONE)
    assert bench.run().code == 0
    (first,) = clips(bench).values()
    before = json.loads((bench.batch / "clips" / "kite" / "kite.mp4.json").read_text("utf-8"))
    bench.write(TWO)
    shown = plan(bench)
    assert "to buy: 1 clips" in shown
    assert "adopted: 1\n  kite_t1: kite -> kite_t1, same request; stored" in shown
    assert "removed" not in shown
    assert bench.run().code == 0
    assert bought(bench) == 2
    assert clips(bench)["kite_t1.mp4"] == first
    assert clips(bench).keys() == {"kite_t1.mp4", "kite_t2.mp4"}
    sidecar = json.loads((bench.batch / "clips" / "kite" / "kite_t1.mp4.json").read_text("utf-8"))
    assert sidecar == before | {
        "job": "kite_t1",
        "adopted_from": "kite",
        "moved_from": "kite/kite.mp4",
        "clip": before["clip"] | {"key": "kite/kite_t1.mp4"},
    }
    assert not (bench.batch / "clips" / "kite" / "kite.mp4.json").exists()
    assert [row["id"] for row in bench.rows()] == ["kite_t1", "kite_t2"]
    assert {row["job"] for row in ledger(bench)} == {"kite_t1", "kite_t2"}
    again = bench.run()
    assert (again.code, bought(bench)) == (0, 2)
    bench.write(ONE)  # and back: the first take is adopted once more
    assert bench.run().code == 0
    assert (bought(bench), clips(bench)["kite.mp4"]) == (2, first)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ONE, RENAMED),
        (ONE, '  - {id: "kite-{{ n }}", prompt: "a kite", matrix: {n: [1]}}'),
        (ONE, '  - {id: kite, prompt: "a kite", matrix: {aspect_ratio: [16:9]}}'),
        (
            '  - {id: a, prompt: "a kite"}\n  - {id: b, prompt: "a boat"}',
            '  - {id: b2, prompt: "a kite"}\n  - {id: a2, prompt: "a boat"}',
        ),
    ],
)
def test_new_names_buy_nothing(bench: Bench, before: str, after: str) -> None:
    """An entry is renamed, an axis is added: the clips move, the sums stay."""
    bench.write(before)
    assert bench.run().code == 0
    count, files, sums = bought(bench), sorted(clips(bench).values()), committed(bench)
    bench.write(after)
    assert "to buy: 0 clips" in plan(bench)
    done = bench.run()
    assert (done.code, bought(bench)) == (0, count)
    assert (sorted(clips(bench).values()), committed(bench)) == (files, sums)
    assert "adopted, not bought again" in done.out + done.err


def test_names_and_paths_that_swap(bench: Bench) -> None:
    """Two clips change places below `clips/`: each keeps its bytes."""
    outputs = 'output: {clips: "{{ place }}.mp4"}'

    def entry(name: str, what: str, place: str) -> str:
        return f'  - {{id: {name}, prompt: "a {what}", matrix: {{place: [{place}]}}}}\n'

    bench.write(entry("x", "kite", "one") + entry("y", "boat", "two"), top=outputs)
    assert bench.run().code == 0
    before = clips(bench)
    bench.write(entry("v", "kite", "two") + entry("w", "boat", "one"), top=outputs)
    assert bench.run().code == 0
    after = clips(bench)
    assert (after["one.mp4"], after["two.mp4"]) == (before["two.mp4"], before["one.mp4"])
    assert bought(bench) == 2
    assert not (bench.batch / "replaced").exists()


def test_an_inserted_row_moves_the_ids(bench: Bench) -> None:
    """With row numbers as ids, every later row has another id now: one clip is bought, that of the new row."""
    rows, entry = bench.folder / "rows.csv", '  - {id: "{{ row_number }}", prompt: "a {{ what }}", rows: rows.csv}'
    rows.write_text("what\nkite\nboat\nbell\n")
    bench.write(entry)
    assert bench.run().code == 0
    before = {row["prompt"]: (bench.batch / row["path"]).read_bytes() for row in bench.rows()}
    rows.write_text("what\nkite\nlamp\nboat\nbell\n")
    shown = plan(bench)
    assert "to buy: 1 clip" in shown
    assert "prompt: a lamp" in shown
    assert bench.run().code == 0
    after = {row["prompt"]: (bench.batch / row["path"]).read_bytes() for row in bench.rows()}
    assert (bought(bench), after | before) == (4, after)
    rows.write_text("what\nbell\nboat\nlamp\nkite\n")  # and sorted
    assert bench.run().code == 0
    assert {row["prompt"]: (bench.batch / row["path"]).read_bytes() for row in bench.rows()} == after
    assert bought(bench) == 4


def test_the_log_of_an_id_that_was_given_away_twice(bench: Bench) -> None:
    """Its first job had two paid calls, its second one: the state file is no older copy."""
    bench.emulator.set_faults({"match": {"step": "submit", "nth_overall": [1]}, "do": {"outcome": "fail"}})
    bench.write(ONE)
    bench.run("--set", "retries=0")
    assert bench.cli("retry", str(bench.manifest)).code == 0
    bench.write(RENAMED)
    assert bench.run().code == 0
    bench.write(f'{RENAMED}\n  - {{id: kite, prompt: "a boat"}}')
    assert bench.run().code == 0
    bench.write(f'{RENAMED}\n  - {{id: boat, prompt: "a boat"}}')
    assert bench.run().code == 0
    assert bench.run().code == 0
    assert bought(bench) == 3


def test_an_unselected_job_is_not_removed(bench: Bench) -> None:
    """With `--only`, a job that is still in the manifest keeps its clip; the new one is bought."""
    bench.write(ONE)
    assert bench.run().code == 0
    bench.write(f'{ONE}\n  - {{id: glider, prompt: "a kite"}}')
    assert "to buy: 1 clips" in plan(bench, "--only", "glider")
    assert bench.run("--only", "glider").code == 0
    assert (bought(bench), set(clips(bench))) == (2, {"kite.mp4", "glider.mp4"})


def test_the_clip_stored_first_is_taken(bench: Bench) -> None:
    """Where two fit, the older one goes; the other stays where it is."""
    bench.write(TWO)
    assert bench.run("--only", "kite_t2").code == 0
    assert bench.run().code == 0
    before = clips(bench)
    bench.write(RENAMED)
    assert "kite_t2 -> glider, same request" in plan(bench)
    assert bench.run().code == 0
    assert clips(bench) == {"kite_t1.mp4": before["kite_t1.mp4"], "glider.mp4": before["kite_t2.mp4"]}


@pytest.mark.parametrize("collect_only", [False, True])
def test_a_task_under_an_old_id_is_waited_for(bench: Bench, collect_only: bool) -> None:
    """It is not bought again: the run collects it, and adopts its clip at the end."""
    bench.write(ONE)
    bench.emulator.set_faults({"match": {"step": "poll"}, "do": {"auth": True}})
    assert bench.run().code == 6
    bench.emulator.set_faults()
    bench.write(RENAMED)
    shown = plan(bench)
    assert "to buy: 0 clips" in shown
    assert "glider: waits for kite, which is the same request (running as task" in shown
    assert bench.run(*(["--collect-only"] if collect_only else [])).code == 0
    assert (bought(bench), set(clips(bench))) == (1, {"glider.mp4"})
    assert [(row["id"], row["state"]) for row in bench.rows()] == [("glider", "succeeded")]


def test_an_uncertain_submit_under_an_old_id_holds_the_new_one(bench: Bench) -> None:
    """The new id may be the same purchase: nothing is bought until a person decides."""
    bench.write(ONE, on_lost_submit="hold")
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": "reset_after"})
    assert bench.run().code == 5
    bench.emulator.set_faults()
    bench.write(RENAMED, on_lost_submit="hold")
    assert "glider: kite is the same request and may be paid for: batchvid resolve kite" in plan(bench)
    assert bench.run().code == 5
    assert bought(bench) == 1
    bench.settle_uncertain()
    assert bench.run().code == 0
    assert (bought(bench), set(clips(bench))) == (1, {"glider.mp4"})


def test_a_failure_keeps_its_history_under_the_new_id(bench: Bench) -> None:
    """What a content filter refused is not bought again by a new name."""
    bench.write(ONE)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"moderation": True}})
    assert bench.run().code == 1
    bench.emulator.set_faults()
    bench.write(RENAMED)
    shown = plan(bench)
    assert "to buy: 0 clips" in shown
    assert "kite -> glider, same request; moderation_input" in shown
    assert bench.run().code == 1
    assert bought(bench) == 0
    assert bench.cli("retry", str(bench.manifest), "--kind", "moderation_input").code == 0
    assert (bought(bench), set(clips(bench))) == (1, {"glider.mp4"})


def test_children_and_edits_follow(bench: Bench) -> None:
    """A job whose parent is renamed keeps its clip, and an edited prompt stays edited."""
    entries = EDITED
    bench.write(entries.replace("NAME", "kite"))
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "a kite"}, "do": {"moderation": True}})
    assert bench.run().code == 1
    bench.emulator.set_faults()
    path = bench.batch / "edit-these.csv"
    path.write_text(path.read_text("utf-8-sig").replace("a kite", "a paper kite"), "utf-8")
    assert bench.cli("retry", str(bench.manifest), "--edits", str(path)).code == 1  # the child waits for the next run
    assert bench.run().code == 0
    count, files = bought(bench), sorted(clips(bench).values())
    assert count == 2
    bench.write(entries.replace("NAME", "glider"))
    assert "to buy: 0 clips" in plan(bench)
    assert bench.run().code == 0
    assert (bought(bench), sorted(clips(bench).values())) == (count, files)
    assert {row["id"]: (row["prompt"], row["parent"]) for row in bench.rows()} == {
        "glider": ("a paper kite", ""),
        "snow": ("make it snow", "glider"),
    }
    assert json.loads((bench.batch / "edits.json").read_text("utf-8")).keys() == {"glider"}


@pytest.mark.parametrize("after", ["staged", "recorded", "renamed"])
def test_a_crash_in_between_is_repaired(bench: Bench, after: str) -> None:
    """The run ends after the files are staged, after the ids are recorded, or before the old name is gone."""
    bench.write(ONE)
    assert bench.run().code == 0
    (content,) = clips(bench).values()
    bench.write(RENAMED)
    batch = open_batch(bench.manifest, out=bench.folder / "outputs")
    with StateFile(batch.state_path) as state:
        foreseen = adoption.foresee_adoptions(batch.manifest, state.jobs(), frozenset(), {})
        (one,) = foreseen.adoptions.adopted
        store, old = LocalStore(batch.folder), one.job.clip
        assert old is not None
        store.stage_move(old, one.clips[0], {"job": "glider", "adopted_from": "kite"})
        if after != "staged":
            state.commit([RecordedEvent(adoption.event_of(one), foreseen.renamed["kite"])])
        if after == "renamed":
            store.path("glider/glider.mp4.adopting").replace(store.path("glider/glider.mp4"))
    assert bench.run().code == 0
    assert (bought(bench), clips(bench)["glider.mp4"]) == (1, content)
    assert not list(Path(bench.batch).rglob("*.adopting*")) or after == "renamed"
    (job,) = read_jobs(batch.state_path)
    assert isinstance(job, Job)
    assert (job.id, job.adopted_from, job.attempts) == ("glider", ("kite",), 1)


def test_a_rehearsal_is_not_adopted_by_a_real_job(bench: Bench) -> None:
    """A new id at a provider is bought, although the emulator made a clip of the same request."""
    bench.write(ONE)
    assert bench.run("--set", "defaults.provider=emulator", "--set", "providers.emulator.life=polls:1").code == 0
    bench.write(RENAMED)
    assert "to buy: 1 clips" in plan(bench)
    assert "to buy: 0 clips" in plan(bench, "--set", "defaults.provider=emulator")
    assert bench.run().code == 0
    assert bought(bench) == 1


def test_an_old_id_that_comes_back_is_bought(bench: Bench) -> None:
    """Its clip went to another id: the log of the first purchase does not stop the second one."""
    bench.write(ONE)
    assert bench.run().code == 0
    bench.write(RENAMED)
    assert bench.run().code == 0
    bench.write(f"{ONE}\n{RENAMED}")
    assert "to buy: 1 clips" in plan(bench)
    assert bench.run().code == 0
    assert (bought(bench), set(clips(bench))) == (2, {"kite.mp4", "glider.mp4"})
