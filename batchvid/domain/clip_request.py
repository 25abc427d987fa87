"""What is paid for: ClipRequest, its input images, and its fingerprint. Pure values.

This is the one list of a clip's fields. The job builder, the state file, the fingerprint, the generation request and
the refusal of unsupported fields read it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from operator import attrgetter
from typing import Any, Literal

import orjson

FINGERPRINT_VERSION = "f1"  # a new version only when the meaning of a paid field changes, never for a new field

ImageRole = Literal["first", "last", "reference"]
Convert = Literal["", "allowed", "needed"]
"""Whether an image is encoded as JPEG: never, only where the vendor does not take it as it is, or always."""

STORED_LINKS = ("asset://", "mm_file://")
"""The beginnings of links into a vendor's own store: Ark's, MiniMax's. Only that vendor takes them."""

SENT_TYPES = ("image/jpeg", "image/png", "image/webp")
"""The types of images that at least one vendor takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRef:
    """One input image of a job: where it is and what it was when the job was planned.

    `source` is an absolute path or an `https://` URL. `sha256` is the hex digest of the bytes, empty for a URL.
    `width` and `height` are pixels after the EXIF rotation, 0 for a URL; `turned` is true when the file itself is
    rotated. `convert` is whether it is encoded as JPEG. `background` is the colour behind transparent pixels and in the
    bars of a fitted frame, as `#rrggbb`; empty for white behind pixels and black in bars.
    """

    role: ImageRole
    source: str
    sha256: str = ""
    media_type: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    turned: bool = False
    convert: Convert = ""
    background: str = ""

    @property
    def is_url(self) -> bool:
        """Whether the vendor fetches the image."""
        return "://" in self.source

    @property
    def identity(self) -> str:
        """What identifies the image that is sent: the digest of the file, or its URL, and how it is changed.

        A conversion counts only for a file that could be sent unchanged.
        """
        is_changed = self.convert == "needed" and self.media_type in SENT_TYPES
        changes = f"{' converted' if is_changed else ''}{f' on {self.background}' if self.background else ''}"
        return f"{self.sha256 or self.source}{changes}"


NO_OPTIONS: Mapping[str, Any] = {}  # one for all requests: nearly all have no options


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRequest:
    """What is paid for. None and empty mean that the field is not set; then the catalogue's default is sent.

    `model` is the catalogue's name, or the vendor's id inside a generation request. `fit` is how the frames get the
    clip's shape: cover, contain or stretch. `duration_s` is in seconds, `aspect_ratio` is written `16:9`, `resolution`
    `720p` (or exact `1280x720`). `action` is empty for a new clip; otherwise it is what is done to an existing one:
    `extend`, `edit`, `remix` or `lip-sync`. `video` is an https link to that clip. `audio` is an https link or a data
    URI. `options` are vendor fields, sent unchanged.

    A new field has a default that means "not set", and a name that JobSpec does not use.
    """

    model: str
    prompt: str
    negative_prompt: str = ""
    images: tuple[ImageRef, ...] = ()
    fit: str = ""
    duration_s: float | None = None
    aspect_ratio: str = ""
    resolution: str = ""
    seed: int | None = None
    sound: bool | None = None
    mode: str = ""
    action: str = ""
    video: str = ""
    audio: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: NO_OPTIONS)


CLIP_FIELDS = tuple(f.name for f in fields(ClipRequest))
"""The names of all fields of a ClipRequest."""

_read_values = attrgetter(*CLIP_FIELDS)  # all fields in one step


def set_fields(request: ClipRequest) -> dict[str, Any]:
    """The fields that are set, by name. 0 and False are values; None and empty are not."""
    values = zip(CLIP_FIELDS, _read_values(request), strict=True)
    return {name: value for name, value in values if value or value == 0}


def with_values(request: ClipRequest, **changes: Any) -> ClipRequest:
    """The same request with other values of these fields; twice as fast as `dataclasses.replace`."""
    return ClipRequest(**dict(zip(CLIP_FIELDS, _read_values(request), strict=True)) | changes)


def inputs_of(request: ClipRequest) -> dict[str, Any]:
    """The fields that may hold a signed link. The state file has them without what signs it."""
    return {"images": request.images, "video": request.video, "audio": request.audio, "options": request.options}


def fingerprint(request: ClipRequest) -> str:
    """Hash what is paid for, as the manifest states it: the same before and after an upgrade of batchvid.

    Fields that are not set are left out, so a new field changes no old fingerprint. The catalogue's defaults are not
    part of it.
    """
    values = set_fields(request)
    if request.images:
        values["images"] = [[image.role, image.identity] for image in request.images]
    if request.duration_s is not None:
        values["duration_s"] = format(Decimal(str(request.duration_s)).normalize(), "f")
    return _digest(_canonical_json(values))


def child_fingerprint(child: str, parent: str) -> str:
    """The fingerprint of a job that works on a parent's clip: it changes when either of the two changes."""
    return _digest(f"{child} of {parent}".encode())


def _canonical_json(values: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no blanks. Options may hold floats; their form is that of the standard library."""
    if "options" in values:
        return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)  # the same bytes in a fifth of the time


def _digest(text: bytes) -> str:
    return f"{FINGERPRINT_VERSION}:{hashlib.sha256(text).hexdigest()[:32]}"
