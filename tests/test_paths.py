"""The files of a batch's folder have one name each."""

from __future__ import annotations

from pathlib import Path

from batchvid.paths import BatchPaths, find_batches


def test_every_file_is_below_the_folder() -> None:
    """No two of them are the same file."""
    paths = BatchPaths(Path("outputs/kites"))
    files = [value for name in dir(BatchPaths) if isinstance(value := getattr(paths, name), Path)]
    assert len(files) == len(set(files)) == 10
    assert all(file == paths.folder or paths.folder in file.parents for file in files)


def test_batches_that_were_run(tmp_path: Path) -> None:
    """Those that have a state file, by name; other folders are none."""
    for name in ("boats", "kites"):
        (tmp_path / name).mkdir()
        BatchPaths(tmp_path / name).state.touch()
    (tmp_path / "empty").mkdir()
    assert [paths.folder.name for paths in find_batches(tmp_path)] == ["boats", "kites"]
    assert find_batches(tmp_path / "missing") == []
