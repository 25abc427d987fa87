"""Compares a request with a model: what is bought, with which warnings, and what is not possible.

Pure. It knows the abilities of models; dialects know those of wire formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from batchvid.catalog.model import INPUTS, Model, is_exact, made_from, steps_words, tier_word
from batchvid.domain.clip_request import ClipRequest, ImageRef
from batchvid.domain.job_spec import Price
from batchvid.errors import Unsupported

FIT_SIDE_PX = 1080  # shorter side of a frame that is fitted to a ratio only: vendors scale down, not up
FIELDS = {"first": "image", "last": "end_image", "reference": "reference_images"}
"""The manifest's key for an image of each role."""

_NEEDS = {
    "image": ("image", "makes clips from an image only; give one"),
    "references": ("reference_images", "makes clips from reference images only; give some"),
    "action": ("action", "works on a finished clip only; say the action"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOptions:
    """What is bought for a job: the requested options as the model sells them, otherwise the model's defaults.

    `pixels` are the width and height that frames are fitted to, None if they are sent unchanged. `warnings` list what
    differs from the request or may be refused.
    """

    duration_s: float | None
    aspect_ratio: str
    resolution: str
    price: Price
    pixels: tuple[int, int] | None = None
    warnings: tuple[str, ...] = ()


def resolve_options(model: Model, request: ClipRequest) -> ResolvedOptions:
    """What is bought for this request. Refuses nothing. An action on a clip keeps its duration and shape by default."""
    is_new = not request.action
    duration_s = model.billed_duration_s(request.duration_s) if is_new or request.duration_s is not None else None
    ratio = request.aspect_ratio or (_default_ratio(model, request) if is_new else "")
    resolution = request.resolution or (model.sizes.get(ratio, model.default_resolution) if is_new else "")
    return ResolvedOptions(
        duration_s=duration_s,
        aspect_ratio=ratio,
        resolution=resolution,
        price=model.price_of(
            duration_s,
            resolution=resolution,
            mode=request.mode,
            sound=request.sound,
            given=made_from(request),
        ),
        pixels=_pixels(ratio, resolution)
        if request.fit and (request.aspect_ratio or is_exact(request.resolution))
        else None,
        warnings=tuple(_warnings(model, request, duration_s)),
    )


def check(model: Model, request: ClipRequest) -> None:
    """Raises Unsupported, with the manifest's key, for the first option that the model does not have."""
    if request.action and model.actions is not None and request.action not in model.actions:
        raise Unsupported("action", f"cannot {request.action}; it can do {', '.join(model.kinds)}")
    _check_needs(model, request)
    for field, requested, sold in (
        ("aspect_ratio", request.aspect_ratio, (*model.aspect_ratios, *model.doubtful_ratios)),
        ("resolution", "" if is_exact(request.resolution) else request.resolution.casefold(), model.resolutions),
        ("mode", request.mode, model.modes),
    ):
        if requested and sold and requested not in sold:
            raise Unsupported(field, f"cannot do {requested}; it can do {', '.join(sold)}")
    _check_images(model, request)
    if request.fit:
        _check_fit(request)


def _check_needs(model: Model, request: ClipRequest) -> None:
    if not model.needs or request.action:
        return
    if not any(image.role == INPUTS.get(model.needs) for image in request.images):
        raise Unsupported(*_NEEDS[model.needs])


def _check_images(model: Model, request: ClipRequest) -> None:
    if model.images is None:
        return
    for role, count in Counter(image.role for image in request.images).items():
        if count > model.images.get(role, 0):
            allowed = ", ".join(f"{most} {FIELDS[name]}" for name, most in model.images.items()) or "none"
            raise Unsupported(FIELDS[role], f"cannot take {count} of them; it takes {allowed}")


def _check_fit(request: ClipRequest) -> None:
    frames = [image for image in request.images if image.role != "reference"]
    if not frames:
        raise Unsupported("fit", "is for image and end_image, and there is none")
    if any(image.is_url for image in frames):
        raise Unsupported("fit", "cannot change an image behind a link; use a local file")
    if not request.aspect_ratio and not is_exact(request.resolution):
        raise Unsupported("fit", "needs an aspect_ratio (or an exact resolution) for the image")


def _default_ratio(model: Model, request: ClipRequest) -> str:
    """The model's default; with a first frame, the ratio nearest to its shape, or none if the clip follows it."""
    first = next((image for image in request.images if image.role == "first"), None)
    if is_exact(request.resolution) or (first and model.follows_image):
        return ""
    if first is None or not first.width or not model.aspect_ratios:
        return model.default_ratio
    return min(model.aspect_ratios, key=lambda ratio: _distance(ratio, first))


def _distance(ratio: str, image: ImageRef) -> float:
    """The factor between a ratio and an image's shape, at least 1."""
    width, height = map(int, ratio.split(":"))
    factor = (width * image.height) / (height * image.width)
    return max(factor, 1 / factor)


def _warnings(model: Model, request: ClipRequest, duration_s: float | None) -> Iterator[str]:
    if request.duration_s is not None and duration_s != request.duration_s:
        steps = steps_words(model.durations_s)
        yield f"{request.model} is sold in {steps} s: {request.duration_s:g} s becomes {duration_s:g} s"
    if duration_s in model.doubtful_durations_s:
        yield f"{request.model}: {duration_s:g} s may be refused; {steps_words(model.durations_s)} s is certain"
    if request.aspect_ratio in model.doubtful_ratios:
        yield f"{request.model}: {request.aspect_ratio} may be refused; {', '.join(model.aspect_ratios)} is certain"
    if model.prompt_chars and len(request.prompt) > model.prompt_chars:
        yield f"{request.model}: a prompt of more than {model.prompt_chars} characters may be refused"


def _pixels(ratio: str, resolution: str) -> tuple[int, int]:
    """Width and height of a frame with this ratio or exact resolution; both even, as video codecs require."""
    if is_exact(resolution):
        width, _, height = resolution.partition("x")
        return int(width), int(height)
    word = tier_word(resolution)
    lines = {"4k": 2160}.get(word) or (int(word[:-1]) if word[:-1].isdecimal() else FIT_SIDE_PX)
    across, down = map(int, ratio.split(":"))
    scale = lines / min(across, down)
    return 2 * round(across * scale / 2), 2 * round(down * scale / 2)
