"""Whether an MP4 or MOV file holds all that its own boxes promise. Reads box headers only.

Source: ISO/IEC 14496-12 (ISO base media file format), sections 4.2 (boxes), 8.8 (fragments), 8.16.3 (sidx).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from batchvid.errors import IncompleteClip

MAX_INDEX_BYTES = 64 * 1024 * 1024  # of a moov or sidx box: larger than any clip's
MAX_BOXES = 200_000  # at the top level: a fragment is two


@dataclass(slots=True)
class _Layout:
    """What was seen at the top level. `ends_at` is where the segment indexes say that the media end."""

    seen: set[bytes] = field(default_factory=set)
    last: bytes = b""
    is_fragmented: bool = False
    fragments_s: float = 0.0
    ends_at: int = 0
    has_rest: bool = False


@dataclass(frozen=True, slots=True)
class BoxSummary:
    """`min_duration_s` is what the file says it plays at least; 0.0 if it does not say.

    `is_proven_whole` is true if a cut would show: the file needs no length from the server.
    """

    min_duration_s: float
    is_proven_whole: bool


def check_boxes(file: BinaryIO, size_bytes: int) -> BoxSummary:
    """Walk the boxes. Raises IncompleteClip if the file ends before they say."""
    layout = _Layout()
    position = 0
    for _ in range(MAX_BOXES):
        if position >= size_bytes:
            break
        file.seek(position)
        kind, header_bytes, box_bytes = _header(file.read(16), size_bytes - position)
        if not kind:  # padding behind the last box, or the beginning of a further one
            if layout.is_fragmented or b"moov" not in layout.seen:
                raise IncompleteClip(f"the file is cut off inside a box header at byte {position}")
            layout.has_rest = True
            break
        if position + box_bytes > size_bytes:
            name = kind.decode("latin-1")
            raise IncompleteClip(
                f"the file is cut off: its {name} box ends at byte {position + box_bytes}, the file at {size_bytes}"
            )
        _note(layout, kind, file, position, header_bytes, box_bytes)
        position += box_bytes
    return _judge(layout, size_bytes)


def _header(raw: bytes, rest: int) -> tuple[bytes, int, int]:
    """Kind, bytes of the header, bytes of the box. An empty kind is no box."""
    if len(raw) < 8:
        return b"", 0, 0
    size, kind = struct.unpack(">I4s", raw[:8])
    if not all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind):
        return b"", 0, 0
    if size == 1:
        if len(raw) < 16:
            return b"", 0, 0
        size = struct.unpack(">Q", raw[8:16])[0]
        return kind, 16, max(size, 16)
    return kind, 8, rest if size == 0 else max(size, 8)


def _note(layout: _Layout, kind: bytes, file: BinaryIO, position: int, header_bytes: int, box_bytes: int) -> None:
    if layout.last == b"moof" and kind not in (b"mdat", b"free", b"skip"):
        raise IncompleteClip("a fragment has no media data")
    if kind in (b"moov", b"sidx") and box_bytes <= MAX_INDEX_BYTES:
        file.seek(position + header_bytes)
        body = file.read(box_bytes - header_bytes)
        if kind == b"moov":
            layout.is_fragmented, layout.fragments_s = _read_movie(body)
        else:
            layout.ends_at = max(layout.ends_at, position + box_bytes + _referenced_bytes(body))
    layout.is_fragmented |= kind == b"moof"
    layout.seen.add(kind)
    layout.last = kind


def _judge(layout: _Layout, size_bytes: int) -> BoxSummary:
    if b"moov" not in layout.seen:
        raise IncompleteClip("the file is cut off: its index (moov) is missing")
    if layout.last == b"moof" or (layout.is_fragmented and b"moof" not in layout.seen):
        raise IncompleteClip("the file is cut off: a fragment has no media data")
    if not layout.is_fragmented and b"mdat" not in layout.seen:
        raise IncompleteClip("the file is cut off: it has no media data")
    if layout.ends_at > size_bytes:
        raise IncompleteClip(
            f"the file is cut off: its segment index ends at byte {layout.ends_at}, the file at {size_bytes}"
        )
    indexed = bool(layout.ends_at or layout.fragments_s or b"mfra" in layout.seen)
    return BoxSummary(layout.fragments_s, is_proven_whole=not layout.has_rest and (indexed or not layout.is_fragmented))


def _read_movie(moov: bytes) -> tuple[bool, float]:
    """Whether fragments follow, and how many seconds they play (mehd), 0.0 if it is not written."""
    extends = _child(moov, b"mvex")
    if extends is None:
        return False, 0.0
    header, fragments = _child(moov, b"mvhd"), _child(extends, b"mehd")
    if header is None or fragments is None or len(header) < 24 or len(fragments) < 8:
        return True, 0.0
    timescale = struct.unpack(">I", header[20:24] if header[0] else header[12:16])[0]
    duration = int.from_bytes(fragments[4:12] if fragments[0] else fragments[4:8])
    return True, duration / timescale if timescale else 0.0


def _child(body: bytes, wanted: bytes) -> bytes | None:
    """The body of the first child box of that kind."""
    position = 0
    while position + 8 <= len(body):
        kind, header_bytes, box_bytes = _header(body[position : position + 16], len(body) - position)
        if not kind:
            return None
        if kind == wanted:
            return body[position + header_bytes : position + box_bytes]
        position += box_bytes
    return None


def _referenced_bytes(sidx: bytes) -> int:
    """How many bytes after a sidx box its segments take."""
    if len(sidx) < 24:
        return 0
    count_at, first_offset = (22, int.from_bytes(sidx[12:16])) if sidx[0] == 0 else (30, int.from_bytes(sidx[20:28]))
    count = int.from_bytes(sidx[count_at : count_at + 2])
    entries = sidx[count_at + 2 : count_at + 2 + 12 * count]
    sizes = (int.from_bytes(entries[at : at + 4]) & 0x7FFFFFFF for at in range(0, len(entries) - 11, 12))
    return first_offset + sum(sizes)
