"""Input images and source clips of a submit. A link to another server is accepted and never fetched."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace

from batchvid.emulator.body_parsing import File, decode_data_uri
from batchvid.emulator.rendering.input_images import ImageError, InputImage
from batchvid.emulator.rendering.scene import HUE_SHIFT
from batchvid.emulator.service import ClipSpec, SubmitRequest
from batchvid.emulator.task import Task

HTTPS, ANY_LINK = ("https://",), ("https://", "http://")
FOREIGN_S, FOREIGN_PIXELS = 5.0, (1280, 720)  # of a source clip from another server
COPIED = ("seconds", "width", "height", "hue")

Invalid = Callable[[str], Exception]  # message -> the vendor's error


async def store_image(
    submit: SubmitRequest, file: File, field: str, invalid: Invalid, *, label: str = ""
) -> InputImage:
    """Store an image. Raises `invalid` when the bytes are not one; `label` names it, otherwise the field does."""
    try:
        return await submit.service.images.add(file.data, field=field, filename=file.filename)
    except ImageError as exc:
        raise invalid(f"{label or field} cannot be read: {exc}") from None


async def read_image(
    submit: SubmitRequest,
    text: object,
    field: str,
    invalid: Invalid,
    *,
    links: tuple[str, ...] = HTTPS,
    decode: Callable[[str], bytes | None] = decode_data_uri,
    expected: str,
    label: str = "",
) -> list[InputImage]:
    """The image in a text, none for a link. Raises `invalid`, with `expected` for any other text."""
    if isinstance(text, str) and text.startswith(links):
        return []
    data = decode(text) if isinstance(text, str) else None
    if not data:
        raise invalid(expected)
    return [await store_image(submit, File(field, "", data), field, invalid, label=label)]


def split(images: list[InputImage], frames: Container[str]) -> tuple[list[InputImage], list[InputImage]]:
    """The images of these fields, and the others."""
    return [one for one in images if one.field in frames], [one for one in images if one.field not in frames]


def copy_of(source: Task) -> ClipSpec:
    """The clip of a task again: it shows the same picture."""
    return ClipSpec(
        **{name: getattr(source, name) for name in COPIED},
        images=[InputImage(**image) for image in source.images],
        references=[InputImage(**image) for image in source.references],
        scene=source.scene or source.prompt,
    )


def linked_clip(submit: SubmitRequest, url: str) -> ClipSpec:
    """The clip that a link leads to: one of the caller's own, or a foreign one, whose picture the link seeds."""
    source = submit.service.linked_task(url, submit.owner)
    if source is not None:
        return copy_of(source)
    return ClipSpec(FOREIGN_S, *FOREIGN_PIXELS, scene=url)


def recoloured(clip: ClipSpec) -> ClipSpec:
    """The same clip in another hue, as an edit or a remix shows it."""
    return replace(clip, hue=(clip.hue + HUE_SHIFT) % 1)
