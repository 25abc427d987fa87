"""Small real pictures in every format that people have, made anew for each test."""

from __future__ import annotations

import io
import struct
from typing import Any

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

RED, BLUE, WHITE, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
OTHER_FORMATS = {"HEIF": "HEIC", "AVIF": "AVIF", "TIFF": "TIFF", "GIF": "GIF", "BMP": "BMP"}
"""Pillow's names of the formats that no vendor takes, and the names in messages."""


def noise(size: tuple[int, int] = (400, 320)) -> Image.Image:
    """A picture that hardly compresses."""
    return Image.effect_noise(size, 80).convert("RGB")


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file."""
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def see_through(size: tuple[int, int] = (400, 320)) -> Image.Image:
    """Red on the left, nothing on the right."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, size[0] // 2, size[1]))
    return image


def animation() -> bytes:
    """A GIF that is first red, then blue."""
    frames = [Image.new("RGB", (400, 320), colour) for colour in (RED, BLUE)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def with_exif(orientation: int = 1) -> Image.Exif:
    """EXIF with a place on earth, and how to hold the picture."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    return exif


def swapped_profile() -> bytes:
    """An RGB profile whose red is sRGB's blue, and the other way round: without conversion it is plainly wrong."""
    colours = {b"rXYZ": (0.1431, 0.0606, 0.7141), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.4360, 0.2225, 0.0139)}
    tags = {name: _xyz(*value) for name, value in colours.items()} | {b"wtpt": _xyz(0.9642, 1.0, 0.8249)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(4) + struct.pack(">IH", 1, 0x0233) + bytes(2))
    tags[b"desc"] = b"desc" + bytes(4) + struct.pack(">I", 8) + b"Swapped\x00" + bytes(79)
    tags[b"cprt"] = b"text" + bytes(4) + b"none\x00" + bytes(3)
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    size = start + len(data)
    header = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    return header + bytes(128 - len(header)) + table + data


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(value * 65536) for value in values))
