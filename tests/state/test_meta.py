"""Facts about a batch: what is damaged costs only itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchvid.state.readers import read_meta
from batchvid.state.state_file import StateFile

DAMAGE: dict[str, object] = {
    "batch": 7,
    "manifest": "[1]",
    "sets": "[1, 2]",
    "only": "{}",
    "providers": '"cometapi"',
    "laws": "{",
    "polled": b"\xff\xfe\x00",
    "regeneration": "null",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state file with one good fact."""
    with StateFile(tmp_path / "state.sqlite3") as state:
        state.set_meta(of_a_newer_version={"a": 1}, only=["kite", "caf\udce9"])
    return tmp_path / "state.sqlite3"


def test_what_is_written_comes_back(path: Path) -> None:
    """Also half a surrogate, as a name that is no UTF-8 has one."""
    meta = read_meta(path)
    assert meta == {"of_a_newer_version": {"a": 1}, "only": ["kite", "caf\udce9"]}
    assert meta.describe_unreadable() == ""


def test_damaged_rows_are_left_out_and_named(path: Path) -> None:
    """No JSON, no UTF-8, another kind of value: the others are read, and a notice names these."""
    with closing(sqlite3.connect(path)) as disk:
        disk.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", DAMAGE.items())
        disk.commit()
    meta = read_meta(path)
    assert meta == {"of_a_newer_version": {"a": 1}}
    assert sorted(meta.unreadable) == sorted(DAMAGE)
    for name in DAMAGE:
        assert repr(name) in meta.describe_unreadable()
