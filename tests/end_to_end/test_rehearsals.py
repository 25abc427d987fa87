"""A rehearsal with the emulator, then the real thing: nothing fake counts as made by a provider, nothing real is lost.

A served emulator that does not mark its replies plays the provider.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench, Result, ServedEmulator

KITES = '  - {id: "kite-{{ n }}", prompt: "a kite, {{ n }}", matrix: {n: [1, 2, 3]}}'
REHEARSED = ("--set", "defaults.provider=emulator", "--set", "providers.emulator.life=polls:1")


@pytest.fixture
def marked() -> Iterator[ServedEmulator]:
    """An emulator that says what it is, as `batchvid emulator` does."""
    with ServedEmulator(Settings(life="polls:1", render="shared"), marked=True) as emulator:
        yield emulator


def at(emulator: ServedEmulator) -> tuple[str, ...]:
    """The option that leads the provider to that server."""
    return "--set", f"providers.cometapi.base_url={emulator.base_url}"


def ledger(bench: Bench) -> list[dict[str, str]]:
    """The rows of ledger.csv."""
    with (bench.batch / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def plan(bench: Bench, *args: str) -> str:
    """What `plan` shows."""
    shown = bench.cli("plan", str(bench.manifest), *args)
    assert shown.code == 0, shown.err
    return shown.out


def test_the_steps_that_init_teaches_end_with_real_clips(
    bench: Bench, run_cli: Callable[[Sequence[str]], Result]
) -> None:
    """`init`, a run with the emulator, then the same manifest with a provider: four are bought, four set aside."""
    path = bench.folder / "batch.yaml"
    assert run_cli(["init", str(path)]).code == 0
    assert bench.run("--set", "providers.emulator.life=polls:1").code == 0
    rehearsed = {path.name: path.read_bytes() for path in (bench.batch / "clips").rglob("*.mp4")}
    assert len(rehearsed) == 4
    assert "4 of these jobs are a rehearsal" in bench.cli("status", str(path)).out
    assert {row["rehearsal"] for row in bench.rows()} == {"yes"}
    again = plan(bench)
    assert "to buy: 0 clips" in again
    assert "stored, a rehearsal" in again

    path.write_text(path.read_text("utf-8").replace("provider: emulator", "provider: cometapi"), "utf-8")
    real = (*at(bench.emulator), "--set", "providers.cometapi.api_key_env=TEST_KEY")
    shown = plan(bench, *real)
    assert "to buy: 4 clips" in shown
    assert "the stored clip is a rehearsal" in shown
    assert "$0.00" not in shown.partition("to buy")[2].partition("\n")[0]
    assert bench.emulator.ledger()["purchases"] == 0

    assert bench.run(*real).code == 0
    assert bench.emulator.ledger()["purchases"] == 4
    assert {path.name for path in (bench.batch / "clips").rglob("*.mp4")} == rehearsed.keys()
    aside = {path.name: path.read_bytes() for path in (bench.batch / "replaced").rglob("*.mp4")}
    assert aside == rehearsed
    assert len(list((bench.batch / "replaced").rglob("*.mp4.json"))) == 4
    assert {row["rehearsal"] for row in bench.rows()} == {""}
    assert sorted(row["verdict"] for row in ledger(bench)) == ["rehearsal"] * 4 + ["spent"] * 4
    assert bench.run(*real).code == 0
    assert bench.emulator.ledger()["purchases"] == 4


def test_a_base_url_that_leads_to_the_emulator_makes_a_rehearsal(bench: Bench, marked: ServedEmulator) -> None:
    """The replies show it: nothing counts under a budget, and the real run buys all."""
    bench.write(KITES, top="budget: {usd: 2, clips: 3}")
    assert bench.run(*at(marked)).code == 0
    status = bench.status()
    assert (status["rehearsals"], status["committed_usd"]) == (3, "0")
    assert {row["settled_usd"] for row in ledger(bench)} == {"0"}
    assert "to buy: 0 clips" in plan(bench, *at(marked))
    assert "to buy: 3 clips" in plan(bench)
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 3
    assert bench.status()["rehearsals"] == 0


def test_a_cap_of_the_run_binds_a_rehearsal_too(bench: Bench, marked: ServedEmulator) -> None:
    """`--max-clips 2` rehearses two clips, and leaves nothing behind that a later run counts."""
    bench.write(KITES)
    assert bench.run(*at(marked), "--max-clips", "2").code == 3
    assert marked.ledger()["purchases"] == 2
    assert bench.run("--max-clips", "3").code == 0
    assert bench.emulator.ledger()["purchases"] == 3


@pytest.mark.parametrize("how", ["by name", "by address"])
def test_a_real_clip_is_never_replaced_by_a_rehearsal(bench: Bench, marked: ServedEmulator, how: str) -> None:
    """Not by a run, not by a changed prompt, not by `--regenerate`, and not by `retry`."""
    bench.write(KITES)
    assert bench.run().code == 0
    files = {path: path.read_bytes() for path in (bench.batch / "clips").rglob("*") if path.is_file()}
    args = REHEARSED if how == "by name" else at(marked)
    if how == "by name":
        assert "stored; a rehearsal does not replace it" in plan(bench, *args)
    assert bench.run(*args).code == 0
    bench.write(KITES.replace("a kite", "a boat"))
    for more in ((), ("--regenerate", "changed"), ("--regenerate", "kite-1")):
        assert bench.run(*args, *more).code == 0
    assert bench.cli("retry", str(bench.manifest), *args).code == 0
    assert {path: path.read_bytes() for path in (bench.batch / "clips").rglob("*") if path.is_file()} == files
    assert not (bench.batch / "replaced").exists()
    assert marked.ledger()["purchases"] == 0
    assert bench.status()["rehearsals"] == 0


@pytest.mark.parametrize("what", ["running", "failed", "uncertain"])
def test_an_unfinished_rehearsal_does_not_block_the_real_run(bench: Bench, marked: ServedEmulator, what: str) -> None:
    """It is not paid: the task is given up, and the clip is bought."""
    bench.write(KITES, on_lost_submit="hold")
    fault = {
        "running": ("poll", {"auth": True}),
        "failed": ("submit", {"moderation": True}),
        "uncertain": ("submit", {"after": True, "status": 500}),
    }[what]
    marked.set_faults({"match": {"step": fault[0], "prompt": "kite, 2"}, "do": fault[1]})
    assert bench.run(*at(marked)).code != 0
    state = {row["id"]: row["state"] for row in bench.rows()}["kite-2"]
    assert state == what
    assert "to buy: 3 clips" in plan(bench)
    assert bench.run().code == 0
    assert {row["state"] for row in bench.rows()} == {"succeeded"}
    assert bench.emulator.ledger()["purchases"] == 3
    assert bench.status()["rehearsals"] == 0


def test_a_real_uncertain_submit_stays_uncertain_beside_a_rehearsal(bench: Bench, marked: ServedEmulator) -> None:
    """Whoever rehearses then does not lose sight of what a provider may have sold."""
    bench.write(KITES, on_lost_submit="hold")
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "kite, 2"}, "do": "reset_after"})
    assert bench.run("--only", "kite-2").code == 5
    assert bench.run(*at(marked)).code == 5
    assert bench.run().code == 5
    assert {row["id"]: row["state"] for row in bench.rows()}["kite-2"] == "uncertain"
    assert bench.emulator.ledger()["purchases"] == 3


def test_a_clip_of_an_unmarked_local_server_is_real(bench: Bench) -> None:
    """An address on this machine is no proof: a proxy to a provider, or a server of one's own, may listen there."""
    bench.write(KITES)
    assert bench.run().code == 0
    assert bench.status()["rehearsals"] == 0
    with ServedEmulator(Settings(life="polls:1", render="shared", api_key=KEY)) as other:
        assert "to buy: 0 clips" in plan(bench, *at(other))


def test_the_mark_is_one_word_on_both_sides() -> None:
    """The emulator shares no code with the client, so the name of the header stands twice."""
    from batchvid.domain.wire import EMULATOR_HEADER
    from batchvid.emulator.server import MARK

    assert MARK == EMULATOR_HEADER


def test_no_clip_of_the_folder_is_lost(bench: Bench, marked: ServedEmulator) -> None:
    """Back and forth: each clip is below `clips/` or `replaced/`."""
    bench.write(KITES)
    assert bench.run(*at(marked)).code == 0
    assert bench.run().code == 0
    assert bench.run(*at(marked)).code == 0
    files = [path for path in Path(bench.batch).rglob("*.mp4") if path.is_file()]
    assert len(files) == 6


def test_an_uncertain_rehearsal_outside_of_the_manifest_ends_no_real_run(bench: Bench, marked: ServedEmulator) -> None:
    """It holds no slot of the provider, and needs no decision: nothing of it is paid."""
    bench.write(KITES, on_lost_submit="hold")
    marked.set_faults({"match": {"step": "submit", "prompt": "kite, 2"}, "do": {"after": True, "status": 500}})
    assert bench.run(*at(marked)).code == 5
    assert "in a rehearsal: no verdict" in plan(bench, *at(marked))
    bench.write(KITES.replace("[1, 2, 3]", "[1, 3]"), on_lost_submit="hold", concurrency=1)
    assert bench.run("--no-wait").code == 0
    assert bench.emulator.ledger()["purchases"] == 2


def test_a_saved_plan_is_bought_after_a_rehearsal(bench: Bench, marked: ServedEmulator) -> None:
    """What was rehearsed since the plan was saved is still to be bought."""
    bench.write(KITES)
    saved = bench.folder / "plan.json"
    plan(bench, "--save-plan", str(saved))
    assert bench.run(*at(marked)).code == 0
    assert bench.cli("run", "--plan", str(saved)).code == 0
    assert bench.emulator.ledger()["purchases"] == 3
    assert bench.status()["rehearsals"] == 0


def test_an_interrupted_rehearsal_is_bought(bench: Bench, marked: ServedEmulator) -> None:
    """`run --collect-only` at the provider neither collects nor buys it; `retry` and `run` leave nothing open."""
    bench.write(KITES)
    marked.set_faults({"match": {"step": "poll"}, "do": {"auth": True}})
    assert bench.run(*at(marked)).code == 6
    marked.set_faults()
    assert bench.run("--collect-only").code == 1
    assert bench.emulator.ledger()["purchases"] == 0
    assert bench.run(*at(marked)).code == 0
    assert bench.status()["rehearsals"] == 3
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 3


@pytest.mark.parametrize("how", ["by name", "by address"])
def test_a_rehearsal_adopts_like_a_real_run(bench: Bench, marked: ServedEmulator, how: str) -> None:
    """Three clips, a second take of each, other names: the emulator sells three, three, and none."""
    args = REHEARSED if how == "by name" else at(marked)
    attempts = 0
    for clips, bought in (
        (KITES, 3),
        (KITES.replace("[1, 2, 3]}", "[1, 2, 3]}, takes: 2"), 3),
        (KITES.replace("kite-", "glider-").replace("[1, 2, 3]}", "[1, 2, 3]}, takes: 2"), 0),
    ):
        bench.write(clips)
        assert f"to buy: {bought} clips" in plan(bench, *args)
        assert bench.run(*args).code == 0
        attempts += bought
        assert len(ledger(bench)) == attempts
        assert {row["state"] for row in bench.rows()} == {"succeeded"}
    assert len(list((bench.batch / "clips").rglob("glider-*.mp4"))) == 6
    assert bench.status()["rehearsals"] == 6
