"""--sample and --limit: the first clips of each entry, the first clips in all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchvid import commands
from batchvid.errors import ManifestError

MANIFEST = """\
defaults: {model: veo3-fast, duration_s: 8}
clips:
  - {id: kite, prompt: a kite, takes: 3, tags: [sky]}
  - {id: boat, prompt: a boat, matrix: {seed: [1, 2]}, tags: [sea]}
  - {id: moon, prompt: a moon, tags: [sky]}
"""


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"sample": 1}, ["kite_t1", "boat_1", "moon"]),
        ({"sample": 2}, ["kite_t1", "kite_t2", "boat_1", "boat_2", "moon"]),
        ({"limit": 2}, ["kite_t1", "kite_t2"]),
        ({"sample": 1, "limit": 2}, ["kite_t1", "boat_1"]),
        ({"only": ["tag:sky"], "sample": 1}, ["kite_t1", "moon"]),
        ({"only": ["*_t3", "moon"], "sample": 1}, ["kite_t3", "moon"]),
        ({"only": ["moon"], "limit": 5}, ["moon"]),
    ],
)
def test_the_first_ones_are_selected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], ids: list[str]
) -> None:
    """Of what --only leaves; the other jobs still belong to the manifest."""
    monkeypatch.chdir(tmp_path)
    Path("m.yaml").write_text(MANIFEST, "utf-8")
    manifest = commands.load("m.yaml", **options).manifest
    assert [job.spec.id for job in manifest.jobs] == ids
    assert len(manifest.all_ids) == 6
    assert manifest.only


def test_a_pattern_that_fits_nothing_is_still_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.yaml").write_text(MANIFEST, "utf-8")
    with pytest.raises(ManifestError, match="--only nothing"):
        commands.load("m.yaml", only=["nothing"], limit=1)
