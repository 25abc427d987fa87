"""vLLM-Omni's `/v1/videos`: OpenAI's form with the knobs of a diffusion model, multipart only.

Source: vllm-omni 0.30.0, `entrypoints.openai.api_server`, `.protocol.videos`, `.video.generation.helpers`. The
server ignores form fields that it does not declare. It answers polls of a failed task with the HTTP status of the
failure and the task as the body; poll_replies.py reads that. DELETE aborts a queued or running task.
"""

from __future__ import annotations

from dataclasses import replace

import orjson

from batchvid.dialects import openai_videos
from batchvid.dialects.common.frame_sizes import frame_pixels
from batchvid.dialects.common.request_building import (
    check_prompt,
    data_uri,
    find_by_action,
    form,
    frames_or_references,
    path_segment,
    refuse_unsupported,
    source_video,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import NEWEST, PATH, poll, read_submit
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import GenerationRequest, Phase, Rejected, Request, Response, Status

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "vLLM-Omni"
MAX_PROMPT_CHARS = 32_000
NEW = (
    *("prompt", "negative_prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio"),
    *("resolution", "seed", "sound", "audio"),
)
SUPPORTED = {"": NEW, "edit": (*NEW, "action", "video", "parent")}
UNFIT = frozenset({400, 413, 415, 422})
"""HTTP statuses under which a task failed for what was requested: the same request fails again."""
H3 = ". MiniMax H3: options: {aspect_ratio: '16:9', short_edge: 768}"


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Raises Unsupported.

    A single picture from a file is a part. Links, several pictures and what stands beside a source clip go into
    `image_reference`, which the server does not allow together with a part.
    """
    request = generation.request
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    images = frames_or_references(generation)
    video = source_video(generation) if request.action else ""
    is_part = len(images) == 1 and not images[0].url and not video
    references = [] if is_part else [{"image_url": image.url or data_uri(image)} for image in images]
    fields = {
        "model": request.model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seconds": str(whole_seconds(generation) or ""),
        "size": frame_pixels(generation, WIRE, H3),
        "seed": "" if request.seed is None else str(request.seed),
        "generate_sound": "" if request.sound is None else str(request.sound).lower(),
        "image_reference": _json(references[0] if len(references) == 1 else references),
        "video_reference": _json({"video_url": video} if video else None),
        "audio_reference": _json({"audio_url": request.audio} if request.audio else None),
    }
    return Request(method="POST", path=PATH, parts=form(fields, images if is_part else (), generation))


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply; the HTTP status tells why a task failed. Raises UnreadableReply."""
    status = openai_videos.read_poll(response, task_id, prompt=prompt)
    if isinstance(status, Rejected) or status.phase is not Phase.FAILED or response.status not in UNFIT:
        return status
    return replace(status, kind=FailureKind.INVALID) if status.kind is FailureKind.UNAVAILABLE else status


def cancel(_generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation of a queued or running task; a 409 means that it is not aborted yet."""
    return Request(method="DELETE", path=f"{PATH}/{path_segment(task_id)}")


def _json(value: object) -> str:
    return orjson.dumps(value).decode() if value else ""


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
    cancel=cancel,
    lookups={"list": NEWEST},
)
