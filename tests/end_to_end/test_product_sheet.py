"""The life of a sheet: twelve clips, later a second take and a renamed entry, run from two directories."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from openpyxl import Workbook

from tests.end_to_end.conftest import Bench, environment

PRODUCTS = ("Red mug", "Blue mug", "Oak tray", "Glass jug", "Tea pot", "Tin box")
ENTRY = """\
  - id: "{name} {{{{ Product_name }}}}"
    rows: {{file: plan.xlsx, sheet: Clips}}
    prompt: "{{{{ Product_name }}}} on a table, {{{{ Light_of_day }}}}"
    takes: {takes}
    matrix: {{aspect_ratio: [16:9, 9:16]}}
"""


def write_sheet(path: Path) -> None:
    """Six products, with headers that are no identifiers."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Clips"
    sheet.append(["Product name", "Light of day"])
    for product in PRODUCTS:
        sheet.append([product, "morning light"])
    book.save(path)


def test_twelve_clips_then_a_take_then_another_name(bench: Bench, tmp_path: Path) -> None:
    """The emulator counts 12 purchases, then 12 for the second take, then none; 24 clips are stored."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    write_sheet(project / "plan.xlsx")
    variables = {**environment(), "XDG_STATE_HOME": str(tmp_path / "state")}

    def batchvid(cwd: Path, *args: str) -> tuple[str, int]:
        """A command in that directory: its output, and the purchases that the emulator counted meanwhile."""
        before = bench.emulator.ledger()["purchases"]
        command = [sys.executable, "-m", "batchvid", *args]
        ended = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout, bench.emulator.ledger()["purchases"] - before

    def write(name: str, takes: int) -> None:
        bench.write(ENTRY.format(name=name, takes=takes))
        bench.manifest.rename(project / "clips.yaml")

    clips = project / "outputs" / "clips" / "clips"
    steps = (("ad", 1, 12, 12), ("ad", 2, 12, 24), ("advert", 2, 0, 24))
    for name, takes, to_buy, stored in steps:
        write(name, takes)
        planned, _ = batchvid(elsewhere, "plan", "../project/clips.yaml")
        assert f"to buy: {to_buy} clips" in planned
        assert batchvid(project, "run", "clips.yaml")[1] == to_buy
        assert batchvid(elsewhere, "run", str(project / "clips.yaml"))[1] == 0
        assert len(list(clips.rglob("*.mp4"))) == stored
        assert all(path.relative_to(clips).name.startswith(f"{name}-") for path in clips.rglob("*.mp4"))
    assert batchvid(elsewhere, "run", "clips")[1] == 0
    assert list(elsewhere.iterdir()) == []
