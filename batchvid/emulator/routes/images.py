"""Input images as routes read them: bytes in a text are decoded and stored, a link is accepted and never fetched."""

from __future__ import annotations

from collections.abc import Callable

from batchvid.emulator.body_parsing import decode_data_uri
from batchvid.emulator.rendering.input_images import ImageError, InputImage
from batchvid.emulator.service import EmulatorService

HTTPS = ("https://",)
ANY_LINK = ("https://", "http://")

Invalid = Callable[[str], Exception]
"""Message -> the vendor's error."""


async def store_image(
    service: EmulatorService, data: bytes, field: str, invalid: Invalid, *, filename: str = "", label: str = ""
) -> InputImage:
    """Store an image. Raises `invalid` when the bytes are not one; `label` names it, otherwise the field does."""
    try:
        return await service.images.add(data, field=field, filename=filename)
    except ImageError as exc:
        raise invalid(f"{label or field} cannot be read: {exc}") from None


async def read_image(
    service: EmulatorService,
    text: object,
    field: str,
    invalid: Invalid,
    *,
    links: tuple[str, ...] = HTTPS,
    decode: Callable[[str], bytes | None] = decode_data_uri,
    expected: str = "Expected an HTTPS URL or a data URI",
    label: str = "",
) -> InputImage | None:
    """The image in a text, None for a link. Raises `invalid`, with `expected` for neither."""
    if isinstance(text, str) and text.startswith(links):
        return None
    data = decode(text) if isinstance(text, str) else None
    if not data:
        raise invalid(expected)
    return await store_image(service, data, field, invalid, label=label)
