"""Kling's new wire: the model stands in the path, one call polls many tasks.

Sources: Kling's API pages (kling.ai/document-api) as ArcReel's survey and docs.comfy.org mirror them; a server that
speaks it (middleware kling_v3 of a new-api fork); docs.cloudsway.net kl_3.0_turbo. The older wire is kling.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from batchvid.dialects.common import submit_replies
from batchvid.dialects.common.image_rules import KLING_NEW, check_image
from batchvid.dialects.common.option_values import YES_NO, OneOf, Rules, check_values
from batchvid.dialects.common.request_building import (
    bare_base64,
    check_prompt,
    checked_options,
    find_by_action,
    first_and_last,
    images_with_role,
    one_of,
    path_segment,
    refuse_unsupported,
    same_shape,
    source_video,
    whole_seconds,
)
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect, LookupMethod, PollMany
from batchvid.dialects.kling_new_replies import read_lookup, read_many, read_poll
from batchvid.domain.wire import Accepted, GenerationRequest, ImageInput, Rejected, Request, Response, Uncertain
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "Kling's new wire"
TEXT, IMAGE, OMNI = "text-to-video", "image-to-video", "omni-video"
MAX_PROMPT_CHARS = 3072  # Kling recommends at most 2500
MAX_OMNI_IMAGES, MAX_OMNI_IMAGES_WITH_VIDEO = 7, 4
MAX_BATCH = 50
"""Tasks in one poll: no page has a limit, and the address stays below 1500 characters."""
RATIOS = {ratio: ratio for ratio in ("16:9", "9:16", "1:1")}
RESOLUTIONS = {tier: tier for tier in ("720p", "1080p", "4k")}
SOUND = {True: "native", False: "off"}
CONTENT_TYPES = {"first": "first_frame", "last": "last_frame", "reference": "refer_image"}
VIDEO_TYPES = {"edit": "base_video", "": "feature_video"}

_SCENE = ("prompt", "duration_s", "aspect_ratio", "resolution", "sound")
SUPPORTED = {
    TEXT: _SCENE,
    IMAGE: (*_SCENE, "image", "end_image"),
    OMNI: (*_SCENE, "image", "end_image", "reference_images", "action", "video", "parent"),
}
OPTIONS: Rules = {
    "settings.multi_shot": YES_NO,
    "settings.audio": OneOf(("native", "original", "off")),
    "options.watermark_info.enabled": YES_NO,
}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Raises Unsupported.

    What costs money by default is always sent: sound, several shots, resolution and length.
    """
    kind = _kind(generation)
    refuse_unsupported(generation, f"Kling's {kind}", SUPPORTED[kind])
    find_by_action(generation, f"{WIRE} for {generation.request.model}", _actions(kind))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS, required=kind != IMAGE)
    first, _ = first_and_last(generation)
    body: dict[str, Any] = {
        **({"prompt": generation.request.prompt} if kind == TEXT else {"contents": _contents(generation)}),
        "settings": _without_none(_settings(generation, first)),
        "options": {
            name: value
            for name, value in (
                ("callback_url", generation.callback_url),
                ("external_task_id", generation.external_id),
            )
            if value
        },
    }
    options = checked_options(generation, body["settings"])
    check_values(options, OPTIONS)
    path = f"/{kind}/{path_segment(generation.request.model)}"
    return Request(method="POST", path=path, json=_merged(body, options))


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply, native or a gateway's."""
    return submit_replies.read_submit(response, sent=sent, table=TABLES["kling"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request of one task."""
    return _tasks("task_ids", [task_id])


def _kind(generation: GenerationRequest) -> str:
    """Return the kind of a clip, the first step of the path. Only omni models take references and clips."""
    if "omni" in generation.request.model.casefold():
        return OMNI
    return IMAGE if generation.images else TEXT


def _actions(kind: str) -> Mapping[str, str]:
    return VIDEO_TYPES if kind == OMNI else {"": ""}


def _contents(generation: GenerationRequest) -> list[dict[str, str]]:
    """List prompt, pictures and clip, each with its part in the clip. Raises Unsupported."""
    request = generation.request
    has_clip = bool(request.action or request.video or generation.parent)
    contents = [{"type": "prompt", "text": request.prompt}] if request.prompt.strip() else []
    first, last = first_and_last(generation)
    references = images_with_role(generation, "reference")
    max_images = MAX_OMNI_IMAGES_WITH_VIDEO if has_clip else MAX_OMNI_IMAGES
    if references and len(generation.images) > max_images:
        raise Unsupported("reference_images", f"at most {max_images} images are allowed here")
    pictures = [image for image in (first, last, *references) if image is not None]
    contents += [{"type": CONTENT_TYPES[image.role], "url": _image(image)} for image in pictures]
    if has_clip:
        contents.append({"type": VIDEO_TYPES[request.action], "url": source_video(generation)})
    return contents


def _settings(generation: GenerationRequest, first: ImageInput | None) -> dict[str, Any]:
    """The settings that the manifest has words for. Turbo has no sound and one shot only; 2.x has one shot only."""
    request, model = generation.request, generation.request.model.casefold()
    has_sound = "turbo" not in model
    if request.sound and not has_sound:
        raise Unsupported("sound", f"{request.model} makes silent clips: leave it out")
    return {
        "resolution": one_of("resolution", request.resolution, RESOLUTIONS) if request.resolution else None,
        "aspect_ratio": _ratio(generation, first),
        "duration": whole_seconds(generation),
        "audio": SOUND[bool(request.sound)] if has_sound else None,
        "multi_shot": False if has_sound and not model.startswith(("kling-1", "kling-2")) else None,
    }


def _ratio(generation: GenerationRequest, first: ImageInput | None) -> str | None:
    """Translate the aspect ratio. A first frame, or the clip of an edit, sets the shape."""
    wanted = generation.request.aspect_ratio
    if not wanted:
        return None
    if first is None and generation.request.action != "edit":
        return one_of("aspect_ratio", wanted, RATIOS)
    if first is not None and same_shape(wanted, first.width, first.height):
        return None
    raise Unsupported(
        "aspect_ratio", "Kling follows the input: write fit: cover or fit: contain, or leave the ratio out"
    )


def _image(image: ImageInput) -> str:
    """Return the image's link, or bare base64: Kling refuses the `data:` prefix."""
    if image.url:
        return image.url
    check_image(image, KLING_NEW)
    return bare_base64(image)


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _merged(body: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the user's options over it, object by object; their `contents` (elements) come after ours."""
    merged = dict(body)
    for name, value in options.items():
        ours = merged.get(name)
        if isinstance(ours, dict) and isinstance(value, Mapping):
            merged[name] = _merged(ours, value)
        elif isinstance(ours, list) and isinstance(value, list):
            merged[name] = [*ours, *value]
        else:
            merged[name] = value
    return merged


def _tasks(name: str, ids: Iterable[str]) -> Request:
    """Build the query by one kind of id; Kling takes never both."""
    listed = ",".join(quote(one, safe="") for one in ids)
    return Request(method="GET", path=f"/tasks?{name}={listed}")


def _poll_many(task_ids: Sequence[str]) -> Request:
    return _tasks("task_ids", task_ids)


def _by_external_id(generation: GenerationRequest) -> Request:
    return _tasks("external_task_ids", [generation.external_id])


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    poll_many=PollMany(build=_poll_many, read=read_many, max_tasks=MAX_BATCH),
    api_paths=(*(f"/{kind}" for kind in SUPPORTED), "/tasks"),
    lookups={
        "external_id": LookupMethod(ask=_by_external_id, read=read_lookup, where="by our id of the call", exact=True)
    },
    image_rules=(("", KLING_NEW),),
)
