"""Alibaba's DashScope (Model Studio): Wan and HappyHorse, as asynchronous tasks.

Sources: DashScope's SDK 2.0.2 (`dashscope.v2.resources.videos`, `_jobs`), Model Studio's pages on Wan and HappyHorse
(wire-notes 17). Older Wan models have pixels and a field for each picture, newer ones a tier and a list of media. It
knows no prefix, no key and no price.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.envelopes import ID_PLACES
from batchvid.dialects.common.image_rules import DASHSCOPE, check_image
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig
from batchvid.dialects.common.request_building import (
    check_length,
    check_prompt,
    checked_options,
    data_uri,
    exact_size,
    first_and_last,
    images_with_role,
    one_of,
    path_segment,
    refuse_unsupported,
    source_video,
    whole_seconds,
)
from batchvid.dialects.common.task_lists import read_task_list
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    ImageInput,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

SUBMIT = "/services/aigc/video-generation/video-synthesis"
FRAMES_SUBMIT = "/services/aigc/image2video/video-synthesis"  # the older models from a first and a last frame
TASKS = "/tasks"
ASYNC = {"X-DashScope-Async": "enable"}  # without it: 403, "does not support synchronous calls"
WIRE = "the DashScope wire"
MAX_LISTED = 100
MAX_SEED = 2_147_483_647
MAX_NEGATIVE_CHARS = 500
PROMPT_CHARS = (("wan3", 20_000), ("wan2.7", 5000), ("wan2.6", 1500), ("wan2.5", 1500), ("wan", 800))
MAX_PROMPT_CHARS = 2500
"""DashScope cuts a longer prompt without a word, and bills the clip. By the model's beginning; then for any other."""

SUPPORTED = (
    *("prompt", "negative_prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio"),
    *("resolution", "seed", "video", "audio"),
)
PIXELS = ("wan2.1", "wan2.2", "wan2.5", "wan2.6", "wanx")
"""Models with exact pixels and a field for each picture; the others have a tier, a ratio and a list of media."""
TIERS = {"480p": "480P", "720p": "720P", "1080p": "1080P"}
RATIOS = {ratio: ratio for ratio in ("16:9", "9:16", "1:1", "4:3", "3:4")}
SIZES = {
    "480p": {"16:9": "832*480", "9:16": "480*832", "1:1": "624*624"},
    "720p": {"16:9": "1280*720", "9:16": "720*1280", "1:1": "960*960", "4:3": "1088*832", "3:4": "832*1088"},
    "1080p": {"16:9": "1920*1080", "9:16": "1080*1920", "1:1": "1440*1440", "4:3": "1632*1248", "3:4": "1248*1632"},
}
VENDOR: dict[str, Path] = {"billed_duration": ("usage", "duration")}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, SUPPORTED)
    request = generation.request
    first, last = first_and_last(generation)
    references = images_with_role(generation, "reference")
    most = next((chars for start, chars in PROMPT_CHARS if request.model.startswith(start)), MAX_PROMPT_CHARS)
    check_prompt(generation, max_chars=most, required=first is None)
    check_length("negative_prompt", request.negative_prompt, MAX_NEGATIVE_CHARS)
    if request.seed is not None and request.seed > MAX_SEED:
        raise Unsupported("seed", f"0 to {MAX_SEED} are allowed, not {request.seed}")
    if first and references:
        raise Unsupported("reference_images", "DashScope allows none together with `image`")
    has_pixels = request.model.startswith(PIXELS)
    inputs = _fields(generation, first, last) if has_pixels else _media(generation, first, last)
    texts = {"prompt": request.prompt, "negative_prompt": request.negative_prompt}
    shape = _size(generation, first) if has_pixels else _tier(generation, first)
    parameters = {**shape, "duration": whole_seconds(generation), "seed": request.seed}
    sent = {name: value for name, value in parameters.items() if value is not None}
    body = {
        "model": request.model,
        "input": {**{name: text for name, text in texts.items() if text}, **inputs},
        "parameters": {**sent, **checked_options(generation, sent)},
    }
    path = FRAMES_SUBMIT if has_pixels and last else SUBMIT
    return Request(method="POST", path=path, headers=ASYNC, json=body)


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply; the task stands in its `output`."""
    places: tuple[Path, ...] = (("output", "task_id"), *ID_PLACES)
    return submit_replies.read_submit(response, sent=sent, id_places=places, table=TABLES["dashscope"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"{TASKS}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. Raises UnreadableReply.

    `UNKNOWN` is no state of a task: DashScope does not know it, after 24 hours or with a key of another account. The
    prompts that a reply repeats are the user's words, and are left out.
    """
    document = parse(response.body)
    if response.status == 200 and dig(document, ("output", "task_status")) == "UNKNOWN":
        message = "DashScope does not know the task: it is older than 24 hours, or of another account or region"
        return Status(phase=Phase.UNSEEN, vendor_status="UNKNOWN", message=message)
    output = dig(document, ("output",))
    if document is not None and isinstance(output, dict) and output.keys() & {"orig_prompt", "actual_prompt"}:
        kept = {name: value for name, value in output.items() if name not in ("orig_prompt", "actual_prompt")}
        response = replace(response, body=orjson.dumps({**document, "output": kept}))
    return poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor=VENDOR)


def _fields(generation: GenerationRequest, first: ImageInput | None, last: ImageInput | None) -> dict[str, Any]:
    """The inputs of an older model. Raises Unsupported."""
    request = generation.request
    if images_with_role(generation, "reference") or request.video:
        field = "video" if request.video else "reference_images"
        raise Unsupported(field, "DashScope takes reference media from Wan 2.7 on")
    audio = {"audio_url": request.audio} if request.audio else {}
    if first and last:
        if audio:
            raise Unsupported("audio", "clips between two frames have no sound")
        return {"first_frame_url": _link(first), "last_frame_url": _link(last)}
    return {**({"img_url": _link(first)} if first else {}), **audio}


def _media(generation: GenerationRequest, first: ImageInput | None, last: ImageInput | None) -> dict[str, Any]:
    """The inputs of a newer model: a list of media, each with its type."""
    request = generation.request
    roles = {"first": "first_frame", "last": "last_frame", "reference": "reference_image"}
    media = [
        {"type": roles[image.role], "url": _link(image)}
        for image in (*filter(None, (first, last)), *images_with_role(generation, "reference"))
    ]
    if request.video:
        if first:
            raise Unsupported("video", "DashScope allows none together with `image`")
        media.append({"type": "reference_video", "url": source_video(generation)})
    if request.audio and not media:
        return {"audio_url": request.audio}
    if request.audio:
        media.append({"type": "driving_audio", "url": request.audio})
    return {"media": media} if media else {}


def _size(generation: GenerationRequest, first: ImageInput | None) -> dict[str, Any]:
    """The shape of an older model's clip: pixels with an asterisk; from a picture only a tier. Raises Unsupported."""
    request, exact = generation.request, exact_size(generation)
    if first:
        if exact or request.aspect_ratio:
            field = "resolution" if exact else "aspect_ratio"
            raise Unsupported(field, "a clip has the shape of its picture here: leave it out, or give a tier like 720p")
        return {
            "resolution": one_of("resolution", request.resolution.casefold(), TIERS) if request.resolution else None
        }
    if exact:
        return {"size": f"{exact[0]}*{exact[1]}"}
    if not request.resolution and not request.aspect_ratio:
        return {}
    sizes = one_of("resolution", request.resolution.casefold() or "720p", SIZES)
    return {"size": one_of("aspect_ratio", request.aspect_ratio or "16:9", sizes)}


def _tier(generation: GenerationRequest, first: ImageInput | None) -> dict[str, Any]:
    """The shape of a newer model's clip: a tier and a ratio; from a frame only the tier. Raises Unsupported."""
    request = generation.request
    if first and request.aspect_ratio:
        raise Unsupported("aspect_ratio", "a clip has the shape of its picture here: leave it out")
    return {
        "resolution": one_of("resolution", request.resolution.casefold(), TIERS) if request.resolution else None,
        "ratio": one_of("aspect_ratio", request.aspect_ratio, RATIOS) if request.aspect_ratio else None,
    }


def _link(image: ImageInput) -> str:
    check_image(image, DASHSCOPE)
    return image.url or data_uri(image)


def _cancel(_generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation: only a task that is PENDING."""
    return Request(method="POST", path=f"{TASKS}/{path_segment(task_id)}/cancel")


def _listed(_generation: GenerationRequest) -> Request:
    return Request(method="GET", path=f"{TASKS}?page_no=1&page_size={MAX_LISTED}")


def _read_list(response: Response) -> tuple[Candidate, ...] | Rejected:
    """Read the list: `tasks` as the SDK has it, `data` as the page has it. It has no prompts."""
    document = parse(response.body)
    rows = "tasks" if isinstance(dig(document, ("tasks",)), list) else "data"
    return read_task_list(
        response, rows=(rows,), task_id=("task_id",), model=("model_name",), created_at=("start_time",)
    )


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(SUBMIT, FRAMES_SUBMIT, TASKS),
    cancel=_cancel,
    lookups={
        "list": LookupMethod(
            ask=_listed,
            read=_read_list,
            where=f"among its newest {MAX_LISTED} tasks of 24 hours",
            exact=False,
            kept_s=86400.0,
        )
    },
    image_rules=(("", DASHSCOPE),),
)
