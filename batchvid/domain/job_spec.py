"""What is to be made: JobSpec, its input images, and the fingerprint of what is paid for. Pure values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson

from batchvid.domain.wire import ImageRole

FINGERPRINT_VERSION = "f1"  # a new version only when the meaning of a paid field changes, never for a new field


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRef:
    """One input image of a job: where it is and what it was when the job was planned.

    `source` is an absolute path or an `https://` URL. `sha256` is the hex digest of the bytes, empty for a URL.
    `width` and `height` are pixels as seen upright (EXIF turn applied), 0 for a URL; `turned` says that the bytes
    are not upright themselves.
    """

    role: ImageRole
    source: str
    sha256: str = ""
    media_type: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    turned: bool = False

    @property
    def is_url(self) -> bool:
        """Whether the vendor is to fetch it itself."""
        return "://" in self.source


class Reason(StrEnum):
    """What may turn a job to another model. Never an uncertain submit: its task may exist."""

    OUTAGE = "outage"
    """The provider cannot be reached, refuses as unavailable, or broke the task by itself."""
    QUEUE_STALL = "queue_stall"
    """The task waited in the vendor's queue for longer than `queue_timeout_s`."""
    TIMEOUT = "timeout"
    """The task had no verdict within `timeout_s`."""
    SUNSET = "sunset"
    """The model is not sold any more."""
    MODERATION = "moderation"
    """A content filter refused it. Only where the manifest writes so."""


@dataclass(frozen=True, slots=True)
class FallbackTarget:
    """A model that may be bought in the place of another one, and from whom."""

    model: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One clip to make, as the manifest asks for it. Immutable; kept in the state file with the job.

    `model` is the catalogue's name of the model, `provider` who is to be asked. `duration_s` is in seconds;
    None and empty mean that the manifest says nothing and the catalogue's default is sent. `key` is the clip's path
    below the batch's `clips/` folder. `action`, `video` and `audio` mean what they mean in `wire.Order`. `parent` is
    the id of the job whose clip this one works on, `parent_fingerprint` says which clip that is to be. `variables` are
    the manifest's own values for this job, for the report. `fingerprint` covers what is paid for and nothing else (see
    `fingerprint`).

    `fallback` are the models still to turn to, in order, `fallback_on` for which reasons, `fallback_while_running`
    whether also while a task may still finish. `instead_of` is what the manifest asks for, once the job turned away
    from that; the fingerprint stays that of what was asked.
    """

    id: str
    entry: str
    provider: str
    model: str
    prompt: str
    key: str
    fingerprint: str
    take: int = 1
    negative_prompt: str = ""
    images: tuple[ImageRef, ...] = ()
    fit: str = ""  # how the frames get the clip's shape: cover, contain or stretch
    duration_s: float | None = None
    aspect_ratio: str = ""
    resolution: str = ""
    seed: int | None = None
    sound: bool | None = None
    mode: str = ""
    action: str = ""
    video: str = ""
    parent: str = ""
    parent_fingerprint: str = ""
    audio: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    fallback: tuple[FallbackTarget, ...] = ()
    fallback_on: tuple[Reason, ...] = ()
    fallback_while_running: bool = False
    instead_of: FallbackTarget | None = None

    @property
    def asked(self) -> FallbackTarget:
        """The model and provider that the manifest asks for."""
        return self.instead_of or FallbackTarget(self.model, self.provider)

    def with_next_fallback(self) -> JobSpec:
        """The same job with the next model of `fallback`, which must hold one, in the place of its own."""
        first, *rest = self.fallback
        return replace(self, model=first.model, provider=first.provider, fallback=tuple(rest), instead_of=self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A stored MP4: `key` below the batch's `clips/` folder, what was read out of the file, and its digest."""

    key: str
    size_bytes: int
    sha256: str
    duration_s: float
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one attempt costs at most. `usd` is None when nobody knows, which is never the same as 0.

    `basis` says how sure it is and where it comes from: `catalogue 2026-05-28`, `vendor`, `unknown`.
    """

    usd: Decimal | None = None
    basis: str = "unknown"


UNPRICED = Price()


def fingerprint(
    *,
    model: str,
    prompt: str,
    negative_prompt: str = "",
    images: tuple[tuple[str, str], ...] = (),
    fit: str = "",
    duration_s: float | None = None,
    aspect_ratio: str = "",
    resolution: str = "",
    seed: int | None = None,
    sound: bool | None = None,
    mode: str = "",
    action: str = "",
    video: str = "",
    audio: str = "",
    options: Mapping[str, Any] | None = None,
) -> str:
    """Hash what is paid for, as the manifest says it: the same before and after an upgrade of batchvid.

    `images` are pairs of role and identity (the sha256 of the bytes, or the URL), in order. Fields that say
    nothing are left out, so that a field added later moves no old fingerprint; the catalogue's defaults never enter.
    """
    said: dict[str, Any] = {
        "model": model,
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "images": [list(pair) for pair in images],
        "fit": fit,
        "duration_s": None if duration_s is None else format(Decimal(str(duration_s)).normalize(), "f"),
        "aspect_ratio": aspect_ratio,
        "resolution": resolution,
        "seed": seed,
        "sound": sound,
        "mode": mode,
        "action": action,
        "video": video,
        "audio": audio,
        "options": options,
    }
    kept = {name: value for name, value in said.items() if value not in (None, "", [], {})}
    return _digest(_canonical(kept))


def fingerprint_of_child(own: str, parent: str) -> str:
    """The fingerprint of a job that works on a parent's clip: another one whenever either of the two changes."""
    return _digest(f"{own} of {parent}".encode())


def _canonical(said: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no blanks. Options may hold floats, which only the standard library writes as ever."""
    if "options" in said:
        return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)  # the same bytes in a fifth of the time


def _digest(text: bytes) -> str:
    return f"{FINGERPRINT_VERSION}:{hashlib.sha256(text).hexdigest()[:32]}"
