"""The names of stored clips: their suffix follows the container, several clips of one task are numbered. Pure."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from batchvid.storage.file_kind import Container


def stored_key(key: str, container: Container) -> str:
    """The planned key with the suffix of the clip's container."""
    return str(PurePosixPath(key).with_suffix(f".{container}"))


def possible_keys(key: str) -> tuple[str, ...]:
    """Every key that the clip may have, by its container."""
    return tuple(stored_key(key, container) for container in Container)


def output_key(key: str, number: int, taken: Collection[str]) -> str:
    """The planned key of clip `number` of a task that makes several: `kite_1.mp4`, `kite_2.mp4`.

    `taken` are the keys of other jobs, case-folded: an underscore is added until the name is free.
    """
    path, separator = PurePosixPath(key), "_"
    while True:
        numbered = str(path.with_stem(f"{path.stem}{separator}{number}"))
        if numbered.casefold() not in taken:
            return numbered
        separator += "_"
