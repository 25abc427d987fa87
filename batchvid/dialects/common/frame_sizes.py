"""The exact pixels that servers take which know no ratio. Knows no vendor."""

from __future__ import annotations

from batchvid.dialects.common.request_building import exact_size
from batchvid.domain.wire import GenerationRequest
from batchvid.errors import Unsupported

TIERS = {
    "720p": {"16:9": "1280x720", "9:16": "720x1280"},
    "1080p": {"16:9": "1920x1080", "9:16": "1080x1920"},
}
"""What a tier and a ratio mean everywhere. Models round any other pair to sizes of their own."""


def tier_pixels(generation: GenerationRequest) -> str:
    """Return `WxH` for exact pixels, or for a tier and ratio that have only one meaning; else empty.

    Raises Unsupported if pixels and ratio contradict each other.
    """
    if exact := exact_size(generation):
        return f"{exact[0]}x{exact[1]}"
    return TIERS.get(generation.request.resolution, {}).get(generation.request.aspect_ratio, "")


def frame_pixels(generation: GenerationRequest, wire: str, remedy: str = "") -> str:
    """Return `WxH`, empty if no size is given. Raises Unsupported for a tier or ratio that says no pixels."""
    request = generation.request
    found = tier_pixels(generation)
    if found or not (request.resolution or request.aspect_ratio):
        return found
    field = "resolution" if request.resolution else "aspect_ratio"
    raise Unsupported(
        field,
        f"{wire} takes exact pixels: write resolution: 832x480 or the like, "
        f"or 720p or 1080p with aspect_ratio 16:9 or 9:16{remedy}",
    )
