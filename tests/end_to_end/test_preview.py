"""A dry run shows what the same command then buys, and changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Bench, Result

TWO = "  - {id: kite, prompt: a paper kite}\n  - {id: boat, prompt: a paper boat}"


def files(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder, with its content, but for the empty ones that SQLite makes beside what it reads."""
    found = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".sqlite3-shm"}
    return {path: data for path, data in found.items() if data or path.suffix != ".sqlite3-wal"}


def to_buy(shown: Result) -> int:
    """How many clips a plan buys."""
    found = re.search(r"^to buy: (\d+) clips", shown.out, re.MULTILINE)
    assert found, shown
    return int(found[1])


def previewed(bench: Bench, *command: str) -> Result:
    """The dry run of a command, which must not change a file or send anything."""
    before, sent = files(bench.folder), bench.emulator.ledger()["submits"]
    shown = bench.cli(*command, "--dry-run")
    assert shown.code == 0, shown
    assert files(bench.folder) == before
    assert bench.emulator.ledger()["submits"] == sent
    return shown


def bought(bench: Bench, *command: str) -> int:
    """How many clips a command buys."""
    before = bench.emulator.ledger()["purchases"]
    bench.cli(*command)
    return int(bench.emulator.ledger()["purchases"] - before)


@pytest.mark.parametrize(
    ("options", "clips"),
    [
        ((), 0),
        (("--regenerate", "boat"), 1),
        (("--regenerate", "*"), 2),
        (("--regenerate", "changed"), 0),
        (("--regenerate", "*", "--only", "kite"), 1),
        (("--collect-only",), 0),
        (("--collect-only", "--regenerate", "*"), 0),
    ],
)
def test_a_dry_run_shows_what_the_run_buys(bench: Bench, options: tuple[str, ...], clips: int) -> None:
    """The clips of each option, with their price, after everything is stored."""
    bench.write(TWO)
    assert bench.run().code == 0
    shown = previewed(bench, "run", str(bench.manifest), *options)
    assert to_buy(shown) == clips
    assert f"${clips * 0.2:.2f}" in shown.out
    assert bought(bench, "run", str(bench.manifest), *options) == clips


@pytest.mark.parametrize("options", [(), ("--collect-only",)])
def test_a_dry_run_before_the_first_run_makes_no_folder(bench: Bench, options: tuple[str, ...]) -> None:
    """Without a state file there is nothing to compare with, and none is made."""
    bench.write(TWO)
    assert to_buy(previewed(bench, "run", str(bench.manifest), *options)) == (0 if options else 2)
    assert not bench.batch.exists()


def test_a_dry_run_of_a_batch_by_its_name_collects_nothing(bench: Bench) -> None:
    """Also where no manifest is needed: `run NAME --collect-only`, and a manifest that is broken by now."""
    bench.write(TWO)
    bench.run()
    shown = previewed(bench, "run", "batch", "--collect-only")
    assert "stored: 2" in shown.out
    assert to_buy(shown) == 0
    bench.manifest.write_text("clips: [", "utf-8")
    assert "stored: 2" in previewed(bench, "run", str(bench.manifest), "--collect-only").out


@pytest.mark.parametrize(("options", "clips"), [((), 1), (("--kind", "invalid"), 1), (("--kind", "timeout"), 0)])
def test_a_dry_run_of_a_retry_shows_what_it_buys(bench: Bench, options: tuple[str, ...], clips: int) -> None:
    """Failed jobs, and no job that was not planned before; `run` would buy that one."""
    bench.write(TWO)
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "boat"}, "do": {"invalid": True}})
    assert bench.run().code == 1
    bench.emulator.set_faults()
    bench.write(f"{TWO}\n  - {{id: third, prompt: a paper hat}}")
    shown = previewed(bench, "retry", str(bench.manifest), *options)
    assert to_buy(shown) == clips
    assert "third: not planned before; retry buys only failed jobs, run buys it" in shown.out
    assert ("no failed job is of kind timeout" in shown.out) == (not clips)
    assert bought(bench, "retry", str(bench.manifest), *options) == clips


def test_a_dry_run_of_a_retry_polls_a_given_up_task_again(bench: Bench) -> None:
    """It is paid for: shown as collected, at no price; with --new-task it is bought."""
    bench.write(TWO, timeout_s=0.3)
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "boat"}, "do": {"outcome": "stuck"}})
    assert bench.run().code == 1
    assert re.search(r"boat: polled again: its task \S+ may still finish", previewed(bench, "retry", "batch").out)
    assert to_buy(previewed(bench, "retry", "batch")) == 0
    assert to_buy(previewed(bench, "retry", "batch", "--new-task")) == 1


def test_a_dry_run_of_edits_does_not_save_them(bench: Bench) -> None:
    """The edited job is shown as bought; the next plan has the old prompt; the retry buys the edited one."""
    bench.write(TWO)
    rule = {"match": {"step": "submit", "prompt": "boat"}, "do": {"outcome": "moderation"}}
    bench.emulator.set_faults(rule)
    bench.run()
    edits = bench.folder / "edited.csv"
    edits.write_text((bench.batch / "edit-these.csv").read_text("utf-8").replace("a paper boat", "a ship"), "utf-8")
    command = ("retry", str(bench.manifest), "--edits", str(edits))
    assert to_buy(previewed(bench, *command)) == 1
    assert not (bench.batch / "edits.json").exists()
    assert to_buy(previewed(bench, "retry", str(bench.manifest))) == 0
    assert bought(bench, *command) == 1
    assert "a ship" in {task["prompt"] for task in bench.emulator.ledger()["tasks"]}


THREE_TAKES = "  - {id: kite, prompt: a paper kite, takes: 3}\n  - {id: boat, prompt: a paper boat, takes: 3}"


@pytest.mark.parametrize(
    ("options", "clips"), [(("--sample", "1"), 2), (("--limit", "4"), 4), (("--sample", "2", "--limit", "3"), 3)]
)
def test_a_run_buys_the_first_clips(bench: Bench, options: tuple[str, ...], clips: int) -> None:
    """As its preview shows. By its name the batch goes on with them, and never with all; nothing is removed."""
    bench.write(THREE_TAKES)
    command = ("run", str(bench.manifest), *options)
    assert to_buy(previewed(bench, *command)) == clips
    assert bought(bench, *command) == clips
    assert "removed" not in previewed(bench, *command).out
    assert bought(bench, "run", "batch") == 0
    assert to_buy(bench.cli("plan", "batch", "--limit", "6")) == 6 - clips
    assert bought(bench, "run", str(bench.manifest)) == 6 - clips
    assert to_buy(previewed(bench, "run", "batch")) == 0


def test_a_retry_of_the_first_clips_leaves_the_others(bench: Bench) -> None:
    """`--limit` selects clips of the manifest, `--max-clips` caps purchases among those that failed."""
    bench.write(THREE_TAKES)
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "boat"}, "do": {"invalid": True}})
    bench.run()
    bench.emulator.set_faults()
    assert to_buy(previewed(bench, "retry", "batch", "--limit", "4")) == 1
    assert "--max-clips 2 allows 2 of 3 clips" in previewed(bench, "retry", "batch", "--max-clips", "2").out
    assert bought(bench, "retry", "batch", "--limit", "4") == 1
    assert bought(bench, "retry", str(bench.manifest), "--max-clips", "1") == 1


@pytest.mark.parametrize("command", ["run", "retry"])
def test_the_warnings_of_the_manifest_are_in_the_log_of_a_run(bench: Bench, command: str) -> None:
    """The first ten, and how many more there are: what plan shows is not lost in a cron log."""
    bench.write(TWO)
    bench.run()
    names = [f"price{number}" for number in range(12)]
    prompt = " ".join(f"{{{{ {name} }}}}" for name in names)
    values = ", ".join(f"{name}: {number}.90" for number, name in enumerate(names))
    bench.write(f'{TWO}\n  - {{id: sale, prompt: "{prompt}"}}', top=f"vars: {{{values}}}")
    warnings = bench.cli("plan", str(bench.manifest)).out.count("warning: ")
    assert warnings >= 12
    done = bench.cli(command, str(bench.manifest))
    log = done.out + done.err
    assert log.count("warning: ") == 10
    assert f"and {warnings - 10} more warnings; batchvid plan shows them" in log


def test_a_held_child_is_not_bought_when_its_parent_is_found_again(bench: Bench) -> None:
    """The plan says that the run does not buy it: it does not, even if the parent's lost task turns up meanwhile."""
    bench.write(
        "  - {id: tea, model: kling-v1-6, duration_s: 5, prompt: a tea}\n"
        "  - {id: longer, model: kling-v1-6, duration_s: null, aspect_ratio: null, action: extend, parent: tea}"
    )
    lost = {"match": {"step": "submit"}, "do": {"reset_after": True}}
    bench.emulator.set_faults(lost, {"match": {"step": "poll"}, "do": {"status": 503}})
    assert bench.run().code == 5
    bench.emulator.set_faults()
    shown = previewed(bench, "run", str(bench.manifest))
    assert "longer: planned, not bought yet; waits for tea, which is uncertain" in shown.out
    assert to_buy(shown) == 0
    ended = bench.run()
    assert "longer was held when this run began, and is bought by the next one" in ended.out
    assert bench.emulator.ledger()["purchases"] == 1
    assert to_buy(previewed(bench, "run", str(bench.manifest))) == 1
    assert bought(bench, "run", str(bench.manifest)) == 1
