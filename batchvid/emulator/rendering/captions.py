"""A caption as a picture, in a font of this machine that has its letters, or transliterated: no empty boxes."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from text_unidecode import unidecode  # type: ignore[import-untyped]

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "/System/Library/Fonts", "/Library/Fonts")
WINDOWS_FOLDER = "C:/Windows/Fonts"
BROAD = ("notosanscjk", "notosanssc", "notosanstc", "sourcehansans", "wqy", "pingfang", "msyh", "msjh", "arialuni")
PLAIN = ("notosans-regular", "dejavusans.", "liberationsans-regular", "arial.", "helvetica", "roboto-regular")
"""Beginnings of file names, best first: those that carry Chinese, then plain ones."""
MOST_FONTS = 24
"""Fonts that are looked into; a design shop has thousands."""
MOST_LINES = 4
LONGEST_WORD = 24
"""Longer ones (addresses, mostly) are broken anywhere, or they would leave the frame."""
WIDE = "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]"
"""Letters of scripts that are written without blanks: lines may break beside each of them."""
NOT_A_CHARACTER = "\U0010ffff"

Font = ImageFont.FreeTypeFont


def caption(text: str, *, width: int, height: int, fonts: Sequence[Path] | None = None) -> Image.Image | None:
    """The text as a bar to lay over the bottom of a frame of this size in pixels; None when there is no text.

    `fonts` None: those of this machine.
    """
    size_px = max(12, min(width, height) // 20)
    words, font = legible(" ".join(text.split()), size_px, machine_fonts() if fonts is None else fonts)
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


def legible(text: str, size_px: int, fonts: Sequence[Path]) -> tuple[str, Font]:
    """The text and a font that has all of its letters; letters that no font has are transliterated."""
    best, fewest = _default(size_px), _missing(_default(size_px), text)
    for path in fonts:
        if not fewest:
            break
        font = _load(path, size_px)
        missing = fewest if font is None else _missing(font, text)
        if font is not None and len(missing) < len(fewest):
            best, fewest = font, missing
    plain = "".join(_plain(best, char) if char in fewest else char for char in text)
    return " ".join(plain.split()), best


def wrapped(text: str, font: Font, width_px: float) -> list[str]:
    """The text in lines no wider than that; Chinese may break anywhere. Too long a text ends in dots."""
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and font.getlength((lines[-1] + piece).rstrip()) > width_px:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    lines = [line.strip() for line in lines]
    if len(lines) <= MOST_LINES:
        return lines
    last = lines[MOST_LINES - 1]
    while last and font.getlength(last + "...") > width_px:
        last = last[:-1]
    return [*lines[: MOST_LINES - 1], last + "..."]


@lru_cache(maxsize=1)
def machine_fonts() -> tuple[Path, ...]:
    """Font files of this machine, the likeliest first: from fontconfig, else from the usual folders."""
    lister = shutil.which("fc-list")
    if lister:
        listed = subprocess.run([lister, "--format=%{file}\n"], capture_output=True, text=True, check=False)  # noqa: S603
        paths = {Path(line) for line in listed.stdout.splitlines() if line}
    else:
        folders = (Path(folder).expanduser() for folder in (*FOLDERS, WINDOWS_FOLDER))
        paths = {path for folder in folders if folder.is_dir() for path in folder.rglob("*.*")}
    fonts = [path for path in paths if path.suffix.lower() in (".ttf", ".ttc", ".otf")]
    return tuple(sorted(fonts, key=_rank)[:MOST_FONTS])


def _rank(path: Path) -> tuple[int, str]:
    name = path.name.lower()
    return next((rank for rank, start in enumerate((*PLAIN, *BROAD)) if name.startswith(start)), 99), name


def _pieces(text: str) -> list[str]:
    """Where a line may break: words with the blank before them; wide letters and those of endless words one by one."""
    pieces: list[str] = []
    for word in re.findall(r" ?[^ ]+", text):
        if len(word) > LONGEST_WORD:
            pieces += word
        else:
            pieces += re.findall(f" ?{WIDE}|(?:(?!{WIDE}).)+", word)
    return pieces


def _plain(font: Font, char: str) -> str:
    """The letter in Latin, as far as the font has that."""
    latin = unidecode(char) or ""
    return "".join(one for one in latin if not _missing(font, one))


def _missing(font: Font, text: str) -> frozenset[str]:
    """The letters of the text that the font has no glyph for: it draws them like a code that cannot exist."""
    box = _drawn(font, NOT_A_CHARACTER)
    return frozenset(char for char in set(text) if not char.isspace() and _drawn(font, char) == box)


@lru_cache(maxsize=4096)
def _drawn(font: Font, char: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(char)
    return mask.size, bytes(mask)


@lru_cache(maxsize=64)
def _load(path: Path, size_px: int) -> Font | None:
    try:
        return ImageFont.truetype(str(path), size_px)
    except OSError:
        return None


@lru_cache(maxsize=16)
def _default(size_px: int) -> Font:
    font = ImageFont.load_default(size_px)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 - every Pillow wheel carries FreeType
    return font
