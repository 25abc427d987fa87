"""Clips made from other clips: they show the picture of the source, which vendors extend or recolour.

A source from elsewhere is not fetched: it has a default size and length, and a picture seeded by its link.
"""

from __future__ import annotations

from dataclasses import replace

from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.rendering.scene import HUE_SHIFT
from batchvid.emulator.service import ClipSpec, EmulatorService
from batchvid.emulator.task import Task

FOREIGN_S = 5.0
FOREIGN_PIXELS = (1280, 720)


def copy_of(source: Task) -> ClipSpec:
    """The same clip again."""
    return ClipSpec(
        seconds=source.seconds,
        width=source.width,
        height=source.height,
        images=[InputImage(**image) for image in source.images],
        references=[InputImage(**image) for image in source.references],
        scene=source.scene or source.prompt,
        hue=source.hue,
    )


def linked_clip(service: EmulatorService, url: str, owner: str) -> ClipSpec:
    """The clip that a link leads to: one of the caller's own, or a foreign one."""
    source = service.linked_task(url, owner)
    if source is not None:
        return copy_of(source)
    return ClipSpec(seconds=FOREIGN_S, width=FOREIGN_PIXELS[0], height=FOREIGN_PIXELS[1], scene=url)


def recoloured(clip: ClipSpec) -> ClipSpec:
    """The same clip in another hue, as an edit or a remix shows it."""
    return replace(clip, hue=(clip.hue + HUE_SHIFT) % 1)
