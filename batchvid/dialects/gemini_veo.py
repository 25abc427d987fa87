"""Veo as a long-running operation of the Gemini API: `:predictLongRunning`, polled by the operation's name.

Sources: google-genai 2.34.0 (the last with this wire), vercel/ai `packages/google`, CopilotKit/aimock. Google ended Veo
on this API on 2026-10-22 (a price map says so); relays still speak it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.google_files import (
    MAX_INLINE_REPLY_BYTES,
    clip_assets,
    encoded_picture,
    resource_path,
)
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import dig, text
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    clip_id,
    find_by_action,
    first_and_last,
    images_with_role,
    one_of,
    path_segment,
    refuse_unsupported,
    whole_seconds,
)
from batchvid.dialects.common.slim_replies import with_document
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect
from batchvid.domain.wire import (
    Accepted,
    Asset,
    GenerationRequest,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "build_instance", "build_parameters", "poll", "read_operation", "read_poll", "submit"]

WIRE = "the Veo wire of the Gemini API"
PREFIX = "/v1beta"
MAX_PROMPT_CHARS = 32_000  # Veo counts tokens, 1024 of them: this only catches a file in the prompt's place
MAX_REFERENCES = 3
FIELDS = ("prompt", "negative_prompt", "image", "end_image", "reference_images")
SHAPE = ("duration_s", "aspect_ratio", "resolution")
SUPPORTED = {"": (*FIELDS, *SHAPE), "extend": ("action", "prompt", "negative_prompt", "parent", *SHAPE)}
RATIOS = {ratio: ratio for ratio in ("16:9", "9:16")}
TIERS = {tier: tier for tier in ("720p", "1080p", "4k")}
VIDEO_URI = "video_uri"
RESULTS = (("generateVideoResponse", "generatedSamples"), ("generatedVideos",), ("videos",))
"""Where the response of an operation has its clips: the Gemini API, the SDK's own form, Vertex."""


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. References exclude frames. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    instance = build_instance(generation)
    if generation.request.action:
        instance["video"] = {"uri": clip_id(generation, VIDEO_URI, "the file of the clip that is extended")}
    body = {"instances": [instance], "parameters": build_parameters(generation)}
    model = path_segment(generation.request.model)
    return Request(method="POST", path=f"{PREFIX}/models/{model}:predictLongRunning", json=body)


def build_instance(generation: GenerationRequest) -> dict[str, Any]:
    """Build the instance: the prompt and the pictures. Raises Unsupported."""
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    first, last = first_and_last(generation)
    references = images_with_role(generation, "reference")
    if references and first:
        raise Unsupported("reference_images", "Veo allows none together with `image`")
    if len(references) > MAX_REFERENCES:
        raise Unsupported("reference_images", f"at most {MAX_REFERENCES} are allowed")
    instance: dict[str, Any] = {"prompt": generation.request.prompt}
    if first:
        instance["image"] = encoded_picture(first)
    if last:
        instance["lastFrame"] = encoded_picture(last)
    if references:
        instance["referenceImages"] = [
            {"image": encoded_picture(image), "referenceType": "asset"} for image in references
        ]
    return instance


def build_parameters(generation: GenerationRequest, **more: Any) -> dict[str, Any]:
    """Build the parameters: `more` of the wire, what the manifest says, and the user's options. Raises Unsupported."""
    request = generation.request
    known = {
        "aspectRatio": one_of("aspect_ratio", request.aspect_ratio, RATIOS) if request.aspect_ratio else None,
        "durationSeconds": whole_seconds(generation),
        "resolution": one_of("resolution", request.resolution, TIERS) if request.resolution else None,
        "negativePrompt": request.negative_prompt or None,
        "sampleCount": 1,
        **more,
    }
    sent = {name: value for name, value in known.items() if value is not None}
    return {**sent, **checked_options(generation, sent)}


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply; the operation's `name` is the task's id."""
    return submit_replies.read_submit(response, sent=sent, id_places=(("name",),), table=TABLES["google"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature
    """Build the poll request."""
    return Request(method="GET", path=f"{PREFIX}/{resource_path(task_id)}", max_reply_bytes=MAX_INLINE_REPLY_BYTES)


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply: an operation, with files behind the key or inline clips. Raises UnreadableReply."""
    return read_operation(response, task_id, prompt=prompt)


def read_operation(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read an operation. Google leaves `done` out while it runs. One that is done without a clip is failed."""
    document = parse(response.body) or {}
    result = document.get("response")
    assets = _assets(result) if isinstance(result, dict) else ()
    if assets:
        document = {**document, "response": {}}  # clips are read already, and may be large
    is_operation = 200 <= response.status < 300 and isinstance(document.get("name"), str)
    if is_operation and not isinstance(document.get("done"), bool):
        document = {**document, "done": False}
    slim = with_document(response, document) if document else response
    status = poll_replies.read_poll(slim, task_id=task_id, prompt=prompt, vendor={})
    if not isinstance(status, Status) or status.phase is not Phase.SUCCEEDED or not isinstance(result, dict):
        return status
    uri = next((text(clip.get("uri")) for clip in _clips(result)), "")
    return replace(status, assets=assets or status.assets, vendor_metadata={VIDEO_URI: uri} if uri else {})


def _assets(result: Mapping[str, Any]) -> tuple[Asset, ...]:
    return tuple(asset for number, clip in enumerate(_clips(result), 1) for asset in clip_assets(clip, number))


def _clips(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    samples = next((found for place in RESULTS if isinstance(found := dig(result, place), list) and found), [])
    return [sample["video"] if isinstance(sample.get("video"), dict) else sample for sample in _objects(samples)]


def _objects(values: Iterable[object]) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)]


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(f"{PREFIX}/models",),
)
