"""Every route and kind of input, from the manifest to the stored clip."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import PICTURES, Result, ServedEmulator

FPS = 4


def test_every_route_ends_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Callable[[Sequence[str]], Result]
) -> None:
    """manifests/every-route.yaml stores every clip; clips of one length and size are rendered once."""
    shutil.copytree(PICTURES.parent, tmp_path / "manifests")
    monkeypatch.chdir(tmp_path)
    with ServedEmulator(Settings(life="instant", render="shared", fps=FPS), marked=True) as emulator:
        address = f"providers.emulator.base_url={emulator.base_url}"
        ended = run_cli(["run", "manifests/every-route.yaml", "--set", address])
        books = emulator.ledger()
    assert ended.code == 0, ended.out + ended.err
    with (tmp_path / "manifests" / "outputs" / "every-route" / "report.csv").open(
        encoding="utf-8-sig", newline=""
    ) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == books["purchases"] >= 106
    assert {row["state"] for row in rows} == {"succeeded"}
    assert all((tmp_path / "manifests" / "outputs" / "every-route" / row["path"]).is_file() for row in rows)
