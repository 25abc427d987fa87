"""Every route and kind of input, from the manifest to the stored clip."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.end_to_end.conftest import PICTURES, Result


def test_every_route_ends_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Callable[[Sequence[str]], Result]
) -> None:
    """manifests/every-route.yaml, run as it is against the emulator it starts itself, stores every clip."""
    shutil.copytree(PICTURES.parent, tmp_path / "manifests")
    monkeypatch.chdir(tmp_path)
    ended = run_cli(["run", "manifests/every-route.yaml", "--set", "providers.emulator.life=instant"])
    assert ended.code == 0, ended.out + ended.err
    with (tmp_path / "manifests" / "outputs" / "every-route" / "report.csv").open(
        encoding="utf-8-sig", newline=""
    ) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 47
    assert {row["state"] for row in rows} == {"succeeded"}
    assert all((tmp_path / "manifests" / "outputs" / "every-route" / row["path"]).is_file() for row in rows)
