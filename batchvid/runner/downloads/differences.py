"""Compares a clip with what the user requested: length, shape, resolution, sound. Pure.

Only what the manifest says is compared: the catalogue's defaults are nobody's wish.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from batchvid.domain.jobs import Job
from batchvid.errors import BadMedia
from batchvid.storage.file_kind import Container
from batchvid.storage.video_probe import Probe

TOLERANCE_S = 1.0  # vendors round: a 5 s Kling clip reports 5.1 s (wire-notes 7.5)
TOLERANCE_SHARE = 0.25
ASPECT_RATIO_TOLERANCE = 0.08  # vendors sell 1280x768 as 16:9
PIXEL_TOLERANCE = 0.1  # encoders round to multiples of 16: 832x480 and 854x480 are both 480p
SIDES_PX = {"2k": 1440, "4k": 2160}
_LINES = re.compile(r"(\d+)p")
_PIXELS = re.compile(r"(\d+)\s*[x*×]\s*(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the file can confirm or refute; None and empty are not compared.

    `container` and `fails` are the manifest's `container` and `on_mismatch: fail`.
    """

    duration_s: float | None = None
    aspect_ratio: str = ""
    resolution: str = ""
    sound: bool | None = None
    container: str = ""
    fails: bool = False


def expected_of(job: Job) -> Expected:
    """What the job's clip must be. An action changes another clip, so its length and shape follow from that clip."""
    request, spec = job.spec.request, job.spec
    makes_new = not request.action
    return Expected(
        duration_s=job.billed_duration_s if makes_new and request.duration_s is not None else None,
        aspect_ratio=request.aspect_ratio if makes_new else "",
        resolution=request.resolution if makes_new else "",
        sound=request.sound,
        container=spec.container,
        fails=spec.on_mismatch == "fail",
    )


def find_differences(expected: Expected, found: Probe) -> str:
    """What differs, joined by `; `; empty if nothing does. Raises BadMedia where the manifest does not store that."""
    if expected.container and found.container is not Container(expected.container):
        raise BadMedia(
            f"the clip is {found.container.upper()}, and the manifest stores {expected.container} only: "
            f"leave out container, or choose a model that makes {expected.container}",
            plays=True,
        )
    checks = (_length(expected, found), _shape(expected, found), _resolution(expected, found), _sound(expected, found))
    differs = "; ".join(filter(None, checks))
    if differs and expected.fails:
        raise BadMedia(f"{differs} (on_mismatch: fail)", plays=True)
    return differs


def is_too_short(expected: Expected, found: Probe) -> bool:
    """Whether a part at the end may be missing."""
    return expected.duration_s is not None and found.duration_s < expected.duration_s - 0.1


def _length(expected: Expected, found: Probe) -> str:
    wish = expected.duration_s
    if wish is None or abs(found.duration_s - wish) <= max(TOLERANCE_S, TOLERANCE_SHARE * wish):
        return ""
    return f"requested {wish:g} s, got {found.duration_s:.1f} s"


def _shape(expected: Expected, found: Probe) -> str:
    width, colon, height = expected.aspect_ratio.partition(":")
    if not (colon and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        return ""
    if abs(found.width * int(height) / (found.height * int(width)) - 1) <= ASPECT_RATIO_TOLERANCE:
        return ""
    return f"requested {expected.aspect_ratio}, got {found.width}x{found.height}"


def _resolution(expected: Expected, found: Probe) -> str:
    wish = expected.resolution.strip().lower()
    if exact := _PIXELS.fullmatch(wish):
        matches = all(
            _close(px, int(side)) for px, side in zip((found.width, found.height), exact.groups(), strict=True)
        )
    elif lines := SIDES_PX.get(wish) or int((_LINES.fullmatch(wish) or [0, 0])[1]):
        sides = (min(found.width, found.height), math.sqrt(found.width * found.height * 9 / 16))
        matches = any(_close(side, lines) for side in sides)  # vendors name the short side, or the area of 16:9
    else:
        return ""
    return "" if matches else f"requested {expected.resolution}, got {found.width}x{found.height}"


def _close(found_px: float, wish_px: int) -> bool:
    return abs(found_px - wish_px) <= PIXEL_TOLERANCE * wish_px


def _sound(expected: Expected, found: Probe) -> str:
    if expected.sound is None or expected.sound is found.has_sound:
        return ""
    return "requested sound, got no sound track" if expected.sound else "requested no sound, got a sound track"
