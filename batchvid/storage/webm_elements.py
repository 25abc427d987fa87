"""Whether a WebM file holds all that its own elements promise. Reads element headers only.

Sources: RFC 8794 (EBML), RFC 9559 (Matroska): element ids, unknown sizes, SeekHead.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from batchvid.errors import IncompleteClip
from batchvid.storage.mp4_boxes import BoxSummary

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_INFO, _SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_SEEK_HEAD, _SEEK, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AC
MAX_ELEMENTS = 500_000
MAX_INFO_BYTES = 1024 * 1024
DEFAULT_SCALE_NS = 1_000_000


def check_elements(file: BinaryIO, size_bytes: int) -> BoxSummary:
    """Walk the elements. Raises IncompleteClip if the file ends before they say."""
    position, segment_at, promised_at = 0, 0, 0
    known_end, duration_s, clusters = False, 0.0, 0
    for _ in range(MAX_ELEMENTS):
        if position >= size_bytes:
            break
        element = _header(file, position)
        if element is None:
            raise IncompleteClip(f"the file is cut off inside an element header at byte {position}")
        identity, body_at, length = element
        if length is not None and body_at + length > size_bytes:
            raise IncompleteClip(
                f"the file is cut off: element {identity:x} ends at byte {body_at + length}, the file at {size_bytes}"
            )
        if identity == _SEGMENT:
            segment_at, known_end = body_at, length is not None
        elif identity in (_INFO, _SEEK_HEAD) and length is not None and length <= MAX_INFO_BYTES:
            file.seek(body_at)
            body = file.read(length)
            if identity == _INFO:
                duration_s = _duration_s(body)
            else:
                promised_at = max([promised_at, *(segment_at + at for at in _seek_positions(body))])
        clusters += identity == _CLUSTER
        opens = identity == _SEGMENT or (identity == _CLUSTER and length is None)
        position = body_at if opens or length is None else body_at + length
    if not clusters:
        raise IncompleteClip("the file is cut off: it has no media data")
    if promised_at >= size_bytes:
        raise IncompleteClip(f"the file is cut off: its index is at byte {promised_at}, the file ends at {size_bytes}")
    return BoxSummary(duration_s, is_proven_whole=known_end or bool(promised_at) or duration_s > 0)


def _header(file: BinaryIO, position: int) -> tuple[int, int, int | None] | None:
    """Id, position of the body, length of the body (None if unknown); None if the header is cut."""
    file.seek(position)
    raw = file.read(12)
    if not raw:
        return None
    id_bytes = _width(raw[0])
    if id_bytes > 4 or len(raw) <= id_bytes:
        return None
    size_bytes = _width(raw[id_bytes])
    if size_bytes > 8 or len(raw) < id_bytes + size_bytes:
        return None
    identity = int.from_bytes(raw[:id_bytes])
    value = int.from_bytes(raw[id_bytes : id_bytes + size_bytes]) & ((1 << 7 * size_bytes) - 1)
    unknown = value == (1 << 7 * size_bytes) - 1
    return identity, position + id_bytes + size_bytes, None if unknown else value


def _width(first: int) -> int:
    """Bytes of a variable-length number; 9 if it is none."""
    return 9 - first.bit_length()


def _children(body: bytes) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position + 2 <= len(body):
        id_bytes = _width(body[position])
        if id_bytes > 4 or position + id_bytes >= len(body):
            break
        size_at = position + id_bytes
        size_bytes = _width(body[size_at])
        if size_bytes > 8:
            break
        length = int.from_bytes(body[size_at : size_at + size_bytes]) & ((1 << 7 * size_bytes) - 1)
        start = size_at + size_bytes
        found.append((int.from_bytes(body[position:size_at]), body[start : start + length]))
        position = start + length
    return found


def _duration_s(info: bytes) -> float:
    children = dict(_children(info))
    raw = children.get(_DURATION, b"")
    scale_ns = int.from_bytes(children.get(_SCALE, b"")) or DEFAULT_SCALE_NS
    if len(raw) not in (4, 8):
        return 0.0
    ticks = struct.unpack(">f" if len(raw) == 4 else ">d", raw)[0]
    return float(ticks) * scale_ns / 1e9 if ticks > 0 else 0.0


def _seek_positions(seek_head: bytes) -> list[int]:
    """Where the elements that a SeekHead names begin, from the start of the segment."""
    positions = []
    for identity, body in _children(seek_head):
        if identity == _SEEK:
            positions += [int.from_bytes(value) for name, value in _children(body) if name == _SEEK_POSITION]
    return positions
