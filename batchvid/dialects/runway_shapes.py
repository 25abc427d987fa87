"""Runway's words for shape and resolution: pixel pairs with a colon, names, or the frame's own shape."""

from __future__ import annotations

from math import log

from batchvid.dialects.common.request_building import exact_size, one_of, same_shape
from batchvid.dialects.runway_models import Fields
from batchvid.domain.wire import GenerationRequest, ImageInput
from batchvid.errors import Unsupported

SHAPES = ("21:9", "16:9", "5:3", "3:2", "4:3", "1:1", "3:4", "2:3", "3:5", "9:16", "9:21")
"""What a pair of pixels may be called: 864:496 is sold as 16:9, 2206:946 as 21:9."""
USUAL_TIER = "720p"


def shape_of(generation: GenerationRequest, fields: Fields, first: ImageInput | None) -> dict[str, str]:
    """Return `ratio` and `resolution` as this route takes them. Raises Unsupported."""
    request = generation.request
    if request.action in fields.keeps_shape and (request.aspect_ratio or request.resolution):
        field = "aspect_ratio" if request.aspect_ratio else "resolution"
        raise Unsupported(field, f"an {request.action} by {request.model} keeps that of its source: leave it out")
    sent: dict[str, str] = {}
    if fields.resolutions and request.resolution:
        sent["resolution"] = one_of("resolution", request.resolution, {one: one for one in fields.resolutions})
    if fields.pairs and (request.aspect_ratio or not fields.auto or exact_size(generation)):
        if pair := _pair(generation, fields):
            sent[fields.ratio_field] = pair
    elif fields.names:
        if request.aspect_ratio:
            sent[fields.ratio_field] = one_of("aspect_ratio", request.aspect_ratio, {one: one for one in fields.names})
        _refuse_resolution(generation, fields)
    elif fields.auto:
        _follow_frame(generation, first)
        tier = request.resolution or (USUAL_TIER if USUAL_TIER in fields.auto else fields.auto[0])
        sent[fields.ratio_field] = one_of("resolution", tier, {one: f"auto_{one}" for one in fields.auto})
    else:
        _follow_frame(generation, first)
        _refuse_resolution(generation, fields)
    if fields.ratio_needed and fields.ratio_field not in sent:
        raise Unsupported("aspect_ratio", f"is required for {request.model} at Runway")
    return sent


def _refuse_resolution(generation: GenerationRequest, fields: Fields) -> None:
    if generation.request.resolution and not fields.resolutions:
        raise Unsupported("resolution", f"Runway has none for {generation.request.model} here: leave it out")


def _follow_frame(generation: GenerationRequest, first: ImageInput | None) -> None:
    """Raise Unsupported for a shape other than that of the frame: here the clip follows it."""
    wanted = generation.request.aspect_ratio
    if not wanted or (first is not None and same_shape(wanted, first.width, first.height)):
        return
    raise Unsupported(
        "aspect_ratio",
        f"{generation.request.model} follows its input at Runway: write fit: cover or fit: contain, or leave it out",
    )


def _pair(generation: GenerationRequest, fields: Fields) -> str:
    """Translate resolution and aspect ratio into pixels with a colon; empty if neither is given."""
    request, tiers = generation.request, fields.pairs or {}
    if exact := exact_size(generation):
        known = {pair for pairs in tiers.values() for pair in pairs}
        pair = f"{exact[0]}:{exact[1]}"
        if pair not in known and fields.options is not None:
            listed = ", ".join(pair.replace(":", "x") for pairs in tiers.values() for pair in pairs)
            raise Unsupported("resolution", f"allowed are {listed}, not {request.resolution}")
        return pair
    tier = request.resolution.casefold()
    if tier and tier not in tiers:
        raise Unsupported(
            "resolution", f"{', '.join(tiers)} or exact pixels like 1280x720 are allowed, not {request.resolution}"
        )
    if not request.aspect_ratio:
        if tier and not (fields.frame_sets_shape and len(tiers) == 1):
            raise Unsupported("aspect_ratio", f"must be given with the resolution {request.resolution}")
        return ""
    pairs = tiers[tier or (USUAL_TIER if USUAL_TIER in tiers else next(iter(tiers)))]
    return one_of("aspect_ratio", request.aspect_ratio, {_name(pair): pair for pair in pairs})


def _name(pair: str) -> str:
    """The shape that a pair of pixels is nearest to.

    >>> _name("864:496"), _name("1470:630"), _name("1088:720"), _name("768:1280")
    ('16:9', '21:9', '3:2', '3:5')
    """
    return min(SHAPES, key=lambda shape: abs(log(_quotient(pair) / _quotient(shape))))


def _quotient(pair: str) -> float:
    width, _, height = pair.partition(":")
    return int(width) / int(height)
