"""What a file is, by its first bytes: a container of a clip, a web page, a playlist, an image. Pure.

Headers and file names are hints only: vendors serve clips as `text/plain`, and error pages as `video/mp4`.
"""

from __future__ import annotations

from enum import StrEnum

from batchvid.errors import BadMedia, ClipNotReady, IncompleteClip

HEAD_BYTES = 64  # enough for every rule here
READABLE_SHARE = 0.8
_QUOTED_CHARS = 300  # of a text, in a message


class Container(StrEnum):
    """A container that clips are stored in; the value is the suffix of its files."""

    MP4 = "mp4"
    MOV = "mov"
    WEBM = "webm"

    @property
    def demuxer(self) -> str:
        """FFmpeg's demuxer: no other one opens the file."""
        return "matroska" if self is Container.WEBM else "mov"


_IMAGES = {
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89PNG": "a PNG image",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
}
_IMAGE_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"jxl "})
_PLAYLISTS = {b"#EXTM3U": "an HLS playlist", b"ffconcat": "an ffconcat list", b"[playlist]": "a playlist"}
_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof", b"sidx"})
_EBML = b"\x1a\x45\xdf\xa3"
_GZIP = b"\x1f\x8b\x08"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def is_gzip(head: bytes) -> bool:
    """Whether the bytes are compressed: some servers compress although `identity` is requested."""
    return head.startswith(_GZIP)


def container_of(head: bytes) -> Container:
    """The container of a file that begins with `head`, at least `HEAD_BYTES` of it, or all.

    Raises ClipNotReady for a text (a page, an error in JSON): a clip may follow later. Raises BadMedia for any other
    file that is no clip.
    """
    if head[4:8] == b"ftyp" and head[8:12] not in _IMAGE_BRANDS:
        return Container.MOV if head[8:12] == b"qt  " else Container.MP4
    if head[4:8] in _BOXES:
        return Container.MOV if head[4:8] in (b"wide", b"pnot", b"moov", b"mdat") else Container.MP4
    if head.startswith(_EBML):
        if b"webm" in head:
            return Container.WEBM
        if len(head) < HEAD_BYTES:
            raise IncompleteClip("the file is cut off inside its header")
        raise BadMedia("a Matroska file: clips are stored as MP4, MOV or WebM")
    if head[4:8] == b"ftyp" or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        raise BadMedia("a still image, not a clip")
    for magic, name in _IMAGES.items():
        if head.startswith(magic):
            raise BadMedia(f"{name}, not a clip")
    refuse_text(head)
    raise BadMedia(f"no MP4, MOV or WebM file: it begins with {head[:12].hex(' ')}")


def refuse_text(head: bytes) -> None:
    """Raises ClipNotReady for a text, and for a file that is too short for any container; BadMedia for a playlist."""
    if len(head) < 12 and not head.strip():
        raise ClipNotReady(f"{len(head)} bytes instead of a clip")
    text = head
    for bom in _BOMS:
        text = text.removeprefix(bom)
    text = text.replace(b"\0", b"") if text is not head else text  # UTF-16
    text = text.lstrip()
    for magic, name in _PLAYLISTS.items():
        if text[: len(magic)].lower() == magic.lower():
            raise BadMedia(f"{name}, not a clip")
    if text[:4].lower() == b"<mpd" or b"<MPD" in text:
        raise BadMedia("a DASH playlist, not a clip")
    if text[:1] in (b"<", b"{", b"[") or _is_readable(text):
        raise ClipNotReady(f"a text instead of a clip: {_quoted(head)}")
    if len(head) < 12:
        raise ClipNotReady(f"{len(head)} bytes instead of a clip")


def _is_readable(text: bytes) -> bool:
    """Whether the bytes are words in UTF-8, perhaps with some control characters. A character may be cut at the end."""
    decoded = text.decode("utf-8", "ignore")
    printable = sum(char.isprintable() or char.isspace() for char in decoded)
    return len(decoded.encode()) > len(text) - 4 and printable > READABLE_SHARE * len(decoded)


def _quoted(head: bytes) -> str:
    encoding = "utf-16" if head.startswith(_BOMS[1:]) else "utf-8-sig"
    return " ".join(head[:_QUOTED_CHARS].decode(encoding, "replace").split())
