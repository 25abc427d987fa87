"""The folder of a batch: the rules without a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchvid.commands.batch_lookup import is_manifest
from batchvid.commands.output_folder import default_out, has_no_place
from batchvid.errors import UsageError


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/63", "/proc/self/fd/0", "/dev/null"])
def test_a_device_has_no_folder(path: str) -> None:
    """It is a manifest, and its path names another text each time."""
    assert has_no_place(Path(path))
    assert is_manifest(path)
    assert default_out(Path(path)) == Path("outputs")


def test_a_named_pipe_has_no_folder(tmp_path: Path) -> None:
    """A file and a folder have one, also one that is missing."""
    os.mkfifo(tmp_path / "pipe")
    assert has_no_place(tmp_path / "pipe")
    (tmp_path / "m.yaml").touch()
    for name in ("m.yaml", "missing.yaml", "."):
        assert not has_no_place(tmp_path / name)
    assert default_out(tmp_path / "m.yaml") == tmp_path / "outputs"


def test_the_nearest_project_file_that_sets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to that file, absolute, or below the home; `..` in the manifest's path is followed."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for out, folder in (
        ("renders", tmp_path / "renders"),
        ("../x", tmp_path / "../x"),
        ("/srv/clips", Path("/srv/clips")),
        ("~/clips", tmp_path / "home" / "clips"),
    ):
        (tmp_path / "batchvid.toml").write_text(f'out = "{out}"\n', "utf-8")
        assert default_out(below / "m.yaml") == folder
        assert default_out(below / ".." / "m.yaml") == folder
    (tmp_path / "a" / "batchvid.toml").write_text("[models]\n", "utf-8")
    assert default_out(below / "m.yaml") == tmp_path / "home" / "clips"
    (tmp_path / "a" / "batchvid.toml").write_text("out = []\n", "utf-8")
    with pytest.raises(UsageError, match=r"a/batchvid\.toml: out: must be the name of a folder"):
        default_out(below / "m.yaml")
