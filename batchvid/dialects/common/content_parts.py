"""The `content` of a request as Ark and MiniMax's second version have it: parts with a type and a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchvid.dialects.common.request_building import first_and_last, images_with_role, source_video
from batchvid.domain.clip_request import STORED_LINKS
from batchvid.domain.wire import GenerationRequest, ImageInput
from batchvid.errors import Unsupported

ROLES = {"first": "first_frame", "last": "last_frame", "reference": "reference_image"}


def content_of(generation: GenerationRequest, link: Callable[[ImageInput], str], vendor: str) -> list[dict[str, Any]]:
    """The prompt, then the media; `link` writes a picture. Raises Unsupported for frames beside reference media."""
    request = generation.request
    text = [{"type": "text", "text": request.prompt}] if request.prompt.strip() else []
    return [*text, *_media(generation, link, vendor)]


def _media(generation: GenerationRequest, link: Callable[[ImageInput], str], vendor: str) -> list[dict[str, Any]]:
    request = generation.request
    frames = [image for image in first_and_last(generation) if image]
    references = images_with_role(generation, "reference")
    if frames and (references or request.video or request.audio):
        field = "reference_images" if references else "video" if request.video else "audio"
        raise Unsupported(field, f"{vendor} allows no reference media together with `image`")
    if request.audio and not references and not request.video:
        raise Unsupported("audio", f"{vendor} takes a sound only together with reference_images or a video")
    media = [
        {"type": "image_url", "image_url": {"url": link(image)}, "role": ROLES[image.role]}
        for image in (*frames, *references)
    ]
    if request.video:
        is_stored = request.video.startswith(STORED_LINKS)
        media.append(_reference("video", request.video if is_stored else source_video(generation)))
    if request.audio:
        media.append(_reference("audio", request.audio))
    return media


def _reference(medium: str, link: str) -> dict[str, Any]:
    return {"type": f"{medium}_url", f"{medium}_url": {"url": link}, "role": f"reference_{medium}"}
