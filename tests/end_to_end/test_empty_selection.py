"""Batches in which `where` leaves nothing, and verdicts that do not depend on what is stored."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import Bench

TABLE = '  - {id: "{{ sku }}", rows: t.csv, prompt: "{{ sku }}", where: status == "ready"}\n'
NIGHTLY = (
    ("validate",),
    ("plan",),
    ("run", "--dry-run"),
    ("run",),
    ("run", "--collect-only"),
    ("retry",),
    ("status",),
    ("report",),
)


def table(bench: Bench, status: str) -> None:
    """The sheet tonight."""
    (bench.folder / "t.csv").write_text(f"sku,status\nA1,{status}\n", "utf-8")


def test_an_entry_without_a_row_does_not_stop_the_others(bench: Bench) -> None:
    """Nothing is ready in the sheet: the clip beside it is bought."""
    bench.write(f"{TABLE}  - {{id: kite, prompt: a kite}}")
    table(bench, "done")
    ran = bench.run()
    assert ran.code == 0, ran
    assert bench.emulator.ledger()["purchases"] == 1


@pytest.mark.parametrize("command", NIGHTLY)
def test_a_night_without_a_job_is_no_mistake(bench: Bench, command: tuple[str, ...]) -> None:
    """Every command ends with 0, buys nothing, and keeps what is stored."""
    bench.write(TABLE)
    table(bench, "READY")
    assert bench.run().code == 0
    (clip,) = bench.folder.rglob("A1.mp4")
    before = clip.read_bytes()
    table(bench, "done")
    ended = bench.cli(command[0], str(bench.manifest), *command[1:])
    assert ended.code == 0, ended
    assert bench.emulator.ledger()["purchases"] == 1
    assert clip.read_bytes() == before


def test_the_first_night_may_be_empty(bench: Bench) -> None:
    """A batch that was never run and has no job: nothing to do."""
    bench.write(TABLE)
    table(bench, "done")
    assert "nothing to do" in bench.cli("plan", str(bench.manifest)).out
    ran = bench.run()
    assert (ran.code, bench.emulator.ledger()["purchases"]) == (0, 0), ran
    assert "nothing to do" in ran.out


def test_validate_judges_a_manifest_whatever_is_stored(bench: Bench) -> None:
    """A stored clip whose model cannot do what the manifest now asks: refused with a state file as without one."""
    bench.write("  - {id: kite, prompt: a kite}")
    assert bench.run().code == 0
    bench.write('  - {id: kite, prompt: a kite, aspect_ratio: "1:1"}')
    assert bench.cli("plan", str(bench.manifest)).code == 0
    with_state = bench.cli("validate", str(bench.manifest))
    bench.batch.rename(bench.folder / "elsewhere")
    without_state = bench.cli("validate", str(bench.manifest))
    assert with_state.code == without_state.code == 2
    assert "cannot do 1:1" in with_state.err
    assert with_state.err == without_state.err
