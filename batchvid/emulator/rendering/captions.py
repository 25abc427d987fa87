"""Draws a caption in a font that has its letters; letters that no font has are transliterated."""

from __future__ import annotations

import re
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont
from text_unidecode import unidecode  # type: ignore[import-untyped]

# files that Pillow looks for in the system's font folders, after its own font
FONTS = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "PingFang.ttc", "msyh.ttc", "arial.ttf")
MAX_LINES = 4
MAX_WORD_LENGTH = 24  # a longer word (mostly a URL) may break anywhere, so that it stays inside the frame
WIDE = "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]"  # scripts without spaces
NOT_A_CHARACTER = "\U0010ffff"

Font = ImageFont.FreeTypeFont


def caption(text: str, *, width: int, height: int) -> Image.Image | None:
    """The text as a bar for the lower edge of a frame of this size in pixels; None when there is no text."""
    size_px = max(12, min(width, height) // 20)
    words, font = legible(" ".join(text.split()), size_px)
    if not words:
        return None
    margin = size_px
    lines = wrapped(words, font, width - 2 * margin)
    line_px = int(size_px * 1.35)
    bar = Image.new("RGBA", (width, (line_px * len(lines) + margin) // 2 * 2), (0, 0, 0, 150))
    draw = ImageDraw.Draw(bar)
    for number, line in enumerate(lines):
        left = (width - font.getlength(line)) / 2
        draw.text((left, margin // 2 + number * line_px), line, font=font, fill=(255, 255, 255, 255))
    return bar


def legible(text: str, size_px: int, names: tuple[str, ...] = FONTS) -> tuple[str, Font]:
    """The text, and the font that lacks fewest of its letters; those are transliterated to Latin."""
    best, missing = _font("", size_px), _missing(_font("", size_px), text)
    for name in names if missing else ():
        font = _font(name, size_px)
        if len(found := _missing(font, text)) < len(missing):
            best, missing = font, found
    latin = "".join((unidecode(char) or "") if char in missing else char for char in text)
    unknown = _missing(best, latin)
    return " ".join("".join(char for char in latin if char not in unknown).split()), best


def wrapped(text: str, font: Font, width_px: float) -> list[str]:
    """The text in lines of at most that width; a text that is too long ends in dots."""
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and font.getlength((lines[-1] + piece).rstrip()) > width_px:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    lines = [line.strip() for line in lines]
    if len(lines) <= MAX_LINES:
        return lines
    last = lines[MAX_LINES - 1]
    while last and font.getlength(last + "...") > width_px:
        last = last[:-1]
    return [*lines[: MAX_LINES - 1], last + "..."]


def _pieces(text: str) -> list[str]:
    """Words with the space before them; the letters of wide scripts and of very long words one by one."""
    pieces: list[str] = []
    for word in re.findall(r" ?[^ ]+", text):
        pieces += word if len(word) > MAX_WORD_LENGTH else re.findall(f" ?{WIDE}|(?:(?!{WIDE}).)+", word)
    return pieces


def _missing(font: Font, text: str) -> frozenset[str]:
    """The letters that the font has no glyph for: it draws them like an impossible code point."""
    box = _drawn(font, NOT_A_CHARACTER)
    return frozenset(char for char in set(text) if not char.isspace() and _drawn(font, char) == box)


@lru_cache(maxsize=4096)
def _drawn(font: Font, char: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(char)
    return mask.size, bytes(mask)


@lru_cache(maxsize=64)
def _font(name: str, size_px: int) -> Font:
    """The named font; Pillow's own when it is not on this machine."""
    try:
        font = ImageFont.truetype(name, size_px) if name else ImageFont.load_default(size_px)
    except OSError:
        return _font("", size_px)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 - every Pillow wheel includes FreeType
    return font
