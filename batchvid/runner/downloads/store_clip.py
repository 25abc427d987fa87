"""Checks a downloaded file and moves it to its place, or aside. Blocks: it reads, decodes and syncs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batchvid.domain.job_spec import Clip
from batchvid.errors import BadMedia, ClipNotReady, DownloadError, IncompleteClip
from batchvid.runner.downloads.differences import Expected, find_differences, is_too_short
from batchvid.runner.downloads.partial_file import PartialFile
from batchvid.storage import LocalStore
from batchvid.storage.clip_names import stored_key
from batchvid.storage.video_probe import Probe, probe


def is_proven_whole(path: Path) -> bool:
    """Whether the file itself shows that nothing is missing, although its transfer broke off."""
    try:
        return probe(path).is_proven_whole
    except DownloadError:
        return False


def store_clip(
    store: LocalStore,
    partial_file: PartialFile,
    key: str,
    expected: Expected,
    sidecar: Mapping[str, Any],
    rest: list[bytes],
    is_vouched_for: bool,
) -> Clip:
    """The stored clip; a small one is written here. `is_vouched_for`: the server announced where the file ends.

    Raises IncompleteClip (the part stays, to be resumed), ClipNotReady, BadMedia (the file is kept aside).
    """
    if partial_file.is_unwritten:
        partial_file.write_whole(rest)
    else:
        partial_file.check_written()
    partial_file.decompress()
    try:
        found = probe(partial_file.path)
        if not (is_vouched_for or found.is_proven_whole) and is_too_short(expected, found):
            raise IncompleteClip(
                f"requested {expected.duration_s:g} s, got {found.duration_s:.1f} s: it may be cut off"
            )
        differs = find_differences(expected, found)
    except ClipNotReady:
        partial_file.discard()
        partial_file.forget()
        raise
    except BadMedia as exc:
        partial_file.forget()
        kept = store.reject(partial_file.path).name
        raise BadMedia(f"{exc} (kept as {kept})", plays=exc.plays, digest=partial_file.digest()) from exc
    clip = describe(key, found, partial_file.size_bytes, partial_file.digest(), differs)
    partial_file.forget()  # before the rename: a crash in between costs a download, and leaves no stray file
    put_clip(store, partial_file.path, clip, sidecar)
    return clip


def describe(key: str, found: Probe, size_bytes: int, sha256: str, differs: str) -> Clip:
    """The clip that a file is; its key has the suffix of its container."""
    return Clip(
        key=stored_key(key, found.container),
        size_bytes=size_bytes,
        sha256=sha256,
        duration_s=found.duration_s,
        width=found.width,
        height=found.height,
        differs=differs,
    )


def put_clip(store: LocalStore, path: Path, clip: Clip, sidecar: Mapping[str, Any]) -> None:
    """Make the file the clip, with its sidecar."""
    differs = {"differs": clip.differs} if clip.differs else {}
    stored = {name: value for name, value in asdict(clip).items() if name != "differs"}
    store.put(path, clip, {**sidecar, **differs, "clip": stored})
