"""The files of a batch's folder have one name each; paths are shown so that a command takes them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from batchvid.paths import BatchPaths, find_batches, quoted, shown


def test_every_file_is_below_the_folder() -> None:
    """No two of them are the same file."""
    paths = BatchPaths(Path("outputs/kites"))
    files = [value for name in dir(BatchPaths) if isinstance(value := getattr(paths, name), Path)]
    assert len(files) == len(set(files)) == 13
    assert all(file == paths.folder or paths.folder in file.parents for file in files)


def test_batches_that_were_run(tmp_path: Path) -> None:
    """Those that have a state file, by name; other folders are none."""
    for name in ("boats", "kites"):
        (tmp_path / name).mkdir()
        BatchPaths(tmp_path / name).state.touch()
    (tmp_path / "empty").mkdir()
    assert [paths.folder.name for paths in find_batches(tmp_path)] == ["boats", "kites"]
    assert find_batches(tmp_path / "missing") == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("outputs/kites", "outputs/kites"),
        ("{here}/outputs/kites", "outputs/kites"),
        ("../here/outputs", "outputs"),
        ("../there/outputs", "{top}/there/outputs"),
        ("{top}/there", "{top}/there"),
        ("{here}", "."),
        ("{here}x/y", "{here}x/y"),
    ],
)
def test_a_path_below_the_working_directory_is_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    """Any other one is absolute, so that it leads to the same place."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    values = {"here": str(here), "top": str(tmp_path)}
    assert str(shown(Path(path.format(**values)))) == text.format(**values)
    assert shown(Path(path.format(**values))).resolve() == Path(path.format(**values)).resolve()


@pytest.mark.parametrize("name", ["kites", "my kites", "it's", "$HOME", "-rf", "a\nb", "`x`", "ключ"])
def test_a_quoted_path_is_one_word(name: str) -> None:
    """Whatever is in it; and it is no option."""
    (word,) = shlex.split(quoted(Path(name)))
    assert Path(word) == Path(name)
    assert not word.startswith("-")
