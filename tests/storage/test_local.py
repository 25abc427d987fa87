"""The folder of clips: nothing arrives half, nothing that was paid for is thrown away, nothing leaves the tree."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.job_spec import Clip
from batchvid.errors import StorageError
from batchvid.storage import LocalStore
from tests.builders import clip


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A batch's folder that is not there yet."""
    return LocalStore(tmp_path / "spring")


def put(store: LocalStore, key: str, data: bytes, task_id: str = "t-1") -> Clip:
    """A clip as the downloader puts it."""
    part = store.part(key)
    part.write_bytes(data)
    stored = clip(key, size_bytes=len(data))
    said = {"task_id": task_id, "clip": {f: getattr(stored, f) for f in Clip.__slots__}, "prompt": "a kite, 风筝"}
    store.put(part, stored, said)
    return stored


def files(folder: Path) -> dict[str, bytes]:
    """Every file below, by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_clip_stands_with_its_sidecar_and_nothing_else(store: LocalStore, tmp_path: Path) -> None:
    """The bytes as they came, a readable sidecar beside them, no `.part` left."""
    put(store, "kite/wheat/1.mp4", b"clip")
    found = files(tmp_path / "spring")
    assert list(found) == ["clips/kite/wheat/1.mp4", "clips/kite/wheat/1.mp4.json"]
    assert found["clips/kite/wheat/1.mp4"] == b"clip"
    assert "风筝" in found["clips/kite/wheat/1.mp4.json"].decode()
    assert json.loads(found["clips/kite/wheat/1.mp4.json"])["task_id"] == "t-1"


def test_an_older_clip_is_moved_aside_with_its_sidecar(store: LocalStore, tmp_path: Path) -> None:
    """What a new clip replaces was paid for: it is under `replaced/`, by its own name."""
    put(store, "kite/1.mp4", b"old", "t-1")
    put(store, "kite/1.mp4", b"new", "t-2")
    found = files(tmp_path / "spring")
    assert found["clips/kite/1.mp4"] == b"new"
    assert found["replaced/kite/1.mp4"] == b"old"
    assert json.loads(found["replaced/kite/1.mp4.json"])["task_id"] == "t-1"
    assert len(found) == 4


def test_every_clip_that_was_replaced_is_kept(store: LocalStore, tmp_path: Path) -> None:
    """However quickly one follows the other: a name that is taken gets a number, and so does its sidecar."""
    for number in range(4):
        put(store, "kite/1.mp4", b"%d" % number, f"t-{number}")
    found = files(tmp_path / "spring")
    aside = ["replaced/kite/1.mp4", "replaced/kite/1.2.mp4", "replaced/kite/1.3.mp4"]
    assert [found[name] for name in aside] == [b"0", b"1", b"2"]
    assert [json.loads(found[f"{name}.json"])["task_id"] for name in aside] == ["t-0", "t-1", "t-2"]
    assert found["clips/kite/1.mp4"] == b"3"
    assert len(found) == 8


def test_a_clip_without_a_sidecar_is_moved_aside_too(store: LocalStore, tmp_path: Path) -> None:
    """A file that somebody put there is no reason to lose it."""
    store.part("kite.mp4")
    store.path("kite.mp4").write_bytes(b"by hand")
    put(store, "kite.mp4", b"new")
    kept = [data for name, data in files(tmp_path / "spring").items() if name.startswith("replaced/")]
    assert kept == [b"by hand"]


def test_a_clip_stored_before_a_crash_is_found(store: LocalStore) -> None:
    """The clip is in place and the state file does not know: the sidecar says whose it is: no second fetch."""
    stored = put(store, "kite.mp4", b"clip", "t-1")
    assert store.find("kite.mp4", "t-1") == stored
    assert store.find("kite.mp4", "t-2") is None
    assert store.find("other.mp4", "t-1") is None


def test_a_crash_before_the_rename_finds_nothing(store: LocalStore) -> None:
    """The sidecar is written first: alone, or beside another file, it vouches for no clip."""
    put(store, "kite.mp4", b"clip")
    store.path("kite.mp4").write_bytes(b"cl")
    assert store.find("kite.mp4", "t-1") is None
    store.path("kite.mp4").unlink()
    assert store.find("kite.mp4", "t-1") is None


@pytest.mark.parametrize(
    "sidecar", ["", "{", "[]", "{}", '{"task_id": "t-1"}', '{"task_id": "t-1", "clip": {"key": "kite.mp4"}}', "null"]
)
def test_a_sidecar_that_says_something_else_is_no_proof(store: LocalStore, sidecar: str) -> None:
    """A damaged or foreign JSON beside a clip means: fetch it again."""
    put(store, "kite.mp4", b"clip")
    store.path("kite.mp4.json").write_text(sidecar, "utf-8")
    assert store.find("kite.mp4", "t-1") is None


def test_a_sidecar_of_another_key_is_no_proof(store: LocalStore) -> None:
    """A folder that was copied about does not make a clip of one job into another's."""
    put(store, "kite.mp4", b"clip")
    for name in ("kite.mp4", "kite.mp4.json"):
        store.path(name).rename(store.path(name.replace("kite", "boat")))
    assert store.find("boat.mp4", "t-1") is None


@pytest.mark.parametrize("key", ["../x.mp4", "a/../../x.mp4", "/etc/x.mp4", "a/../../../x/y.mp4", "../clips-2/x.mp4"])
def test_no_key_leads_out_of_the_tree(store: LocalStore, tmp_path: Path, key: str) -> None:
    """A key that would escape is refused by every verb, and nothing is made on the way."""
    with pytest.raises(StorageError, match="leads out of"):
        store.path(key)
    with pytest.raises(StorageError, match="leads out of"):
        store.part(key)
    with pytest.raises(StorageError, match="leads out of"):
        store.find(key, "t-1")
    assert files(tmp_path) == {}


def test_no_link_leads_out_of_the_tree(store: LocalStore, tmp_path: Path) -> None:
    """A symbolic link in the tree that points elsewhere is not followed out of it."""
    store.part("kite.mp4")
    (tmp_path / "elsewhere").mkdir()
    store.path("away").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="leads out of"):
        store.part("away/kite.mp4")


@given(
    st.lists(st.sampled_from(["..", ".", "", "a", "b.mp4", "away", "/", "~", "a\\b", "\u2025", "C:"]), max_size=6),
    st.sampled_from(["", "/", "//", "../", "./"]),
)
def test_whatever_the_key_nothing_leaves_the_tree(parts: list[str], before: str) -> None:
    """Any path that a manifest or a reply could be made into: a file below clips/, or a StorageError, never else."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "batch"
        (folder / "clips").mkdir(parents=True)
        (Path(place) / "elsewhere").mkdir()
        (folder / "clips" / "away").symlink_to(Path(place) / "elsewhere")
        store = LocalStore(folder)
        with suppress(StorageError, IsADirectoryError):
            part = store.part(before + "/".join(parts) + "x.mp4")
            part.write_bytes(b"clip")
            store.put(part, clip(before + "/".join(parts) + "x.mp4"), {})
        outside = [path for path in Path(place).rglob("*") if path.is_file() and folder / "clips" not in path.parents]
        assert outside == []


@pytest.mark.parametrize("name", ["kite.mp4", "kite.mp4.part", "kite.mp4.part.json"])
def test_a_planted_link_is_not_written_through(store: LocalStore, tmp_path: Path, name: str) -> None:
    """In a folder that others may write to: no file of the clip is opened through a link that leads out."""
    store.part("kite.mp4")
    (tmp_path / "precious").write_bytes(b"mine")
    store.path("boat.mp4").with_name(name).symlink_to(tmp_path / "precious")
    with pytest.raises(StorageError, match=r"leads? out of"):
        store.part("kite.mp4")
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_what_is_replaced_does_not_leave_the_tree_either(store: LocalStore, tmp_path: Path) -> None:
    """An older clip is moved below replaced/ and nowhere else, and stays where it is when that cannot be."""
    put(store, "kite/1.mp4", b"old")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spring" / "replaced").mkdir()
    (tmp_path / "spring" / "replaced" / "kite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="leads out of"):
        put(store, "kite/1.mp4", b"new")
    assert store.path("kite/1.mp4").read_bytes() == b"old"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_rejected_file_is_kept_out_of_the_way(store: LocalStore) -> None:
    """What is not the clip that was asked for stays for a look, and does not stand where a clip would."""
    part = store.part("kite.mp4")
    part.write_bytes(b"too short")
    kept = store.reject(part)
    assert kept == store.path("kite.mp4.rejected")
    assert kept.read_bytes() == b"too short"
    assert not part.exists()
    assert not store.path("kite.mp4").exists()


def test_every_rejected_file_is_kept(store: LocalStore) -> None:
    """Each was paid for and each may show what went wrong: the later ones are numbered."""
    kept = []
    for number in range(3):
        part = store.part("kite.mp4")
        part.write_bytes(b"%d" % number)
        kept.append(store.reject(part))
    assert [path.name for path in kept] == ["kite.mp4.rejected", "kite.mp4.2.rejected", "kite.mp4.3.rejected"]
    assert [path.read_bytes() for path in kept] == [b"0", b"1", b"2"]


def test_what_the_disk_refuses_is_a_storage_error(store: LocalStore, tmp_path: Path) -> None:
    """A file where a folder should be, and a part that is gone, are told as such and not as a bad clip."""
    (tmp_path / "spring").mkdir()
    (tmp_path / "spring" / "clips").write_bytes(b"a file")
    with pytest.raises(StorageError, match="clips"):
        store.part("a/kite.mp4")
    fresh = LocalStore(tmp_path / "autumn")
    part = fresh.part("kite.mp4")
    with pytest.raises(StorageError, match=r"kite\.mp4"):
        fresh.put(part, clip(), {})
    with pytest.raises(StorageError, match=r"kite\.mp4\.part"):
        fresh.reject(part)
    assert files(tmp_path / "autumn") == {}
