"""OpenRouter's `/v1/videos`: JSON, frames by their role, dollars in the reply, signed links that expire.

Sources: openrouter 1.3.84 (its models of request and reply), openrouter.ai/docs/api_reference/videos. There is no
list, no cancellation and no idempotency key. OpenRouter passes options of a vendor on only below `provider.options`,
and ignores fields that it does not know.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from batchvid.dialects.common import poll_replies
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    clip_id,
    exact_size,
    find_by_action,
    first_and_last,
    images_with_role,
    path_segment,
    refuse_unsupported,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.litellm import picture_part
from batchvid.dialects.openai_videos import PATH, poll, read_submit
from batchvid.domain.wire import Asset, GenerationRequest, Rejected, Request, Response, Status
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "OpenRouter"
MAX_PROMPT_CHARS = 32_000
NEW = (
    *("prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio", "resolution", "seed", "sound"),
    *("video", "audio"),
)
CONTINUED = (*NEW, "action", "parent")
SUPPORTED = {"": NEW, "edit": CONTINUED, "extend": CONTINUED}
FIELDS = frozenset({"provider", "session_id", "user", "trace", "upscale_factor", "creativity", "previous_job_id"})
"""Options that are fields of the request itself; any other would be ignored."""

_CONTENT = re.compile(r"/videos/[^/]+/content\?index=(\d+)$")


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. An edit or an extension names a finished job. Raises Unsupported."""
    request = generation.request
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS, required=not generation.images)
    first, last = first_and_last(generation)
    references = [picture_part(image) for image in images_with_role(generation, "reference")]
    references += [{"type": kind, kind: {"url": value}} for kind, value in _material(generation)]
    if first and references:
        raise Unsupported("reference_images", f"{WIRE} ignores references together with `image`: give one of the two")
    frames = [
        {**picture_part(image), "frame_type": role}
        for role, image in (("first_frame", first), ("last_frame", last))
        if image
    ]
    exact = exact_size(generation)
    body: dict[str, Any] = {
        "model": request.model,
        "prompt": request.prompt or None,
        "duration": whole_seconds(generation),
        "size": f"{exact[0]}x{exact[1]}" if exact else None,
        "aspect_ratio": None if exact else request.aspect_ratio or None,
        "resolution": None if exact else _tier(request.resolution),
        "seed": request.seed,
        "generate_audio": request.sound,
        "frame_images": frames or None,
        "input_references": references or None,
        "previous_job_id": clip_id(generation, "previous_job_id", "the id of a finished job", is_task=True)
        if request.action
        else None,
        "callback_url": generation.callback_url or None,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    return Request(method="POST", path=PATH, json={**sent, **_options(generation, sent)})


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. Raises UnreadableReply.

    Of each clip the signed link of `urls` comes first, which needs no key; then the content route, which does, and
    whose links stand in `unsigned_urls`.
    """
    content = f"{PATH}/{path_segment(task_id)}/content?index="
    status = poll_replies.read_poll(response, task_id=task_id, prompt=prompt, content_path=f"{content}0")
    if isinstance(status, Rejected):
        return status
    assets = (_through_route(asset, content) for asset in status.assets)
    return replace(status, assets=tuple(dict.fromkeys(assets)))


def _through_route(asset: Asset, content: str) -> Asset:
    """The asset, fetched with the key if its link is that of the content route."""
    found = _CONTENT.search(asset.location)
    return replace(asset, location=content + found[1], keyed=True) if found else asset


def _material(generation: GenerationRequest) -> list[tuple[str, str]]:
    found = (("video_url", generation.request.video), ("audio_url", generation.request.audio))
    return [(kind, value) for kind, value in found if value]


def _tier(resolution: str) -> str | None:
    """Return a tier in OpenRouter's spelling: 720p, but 4K."""
    if not resolution:
        return None
    return resolution.upper() if resolution.casefold().endswith("k") else resolution.casefold()


def _options(generation: GenerationRequest, sent: dict[str, Any]) -> dict[str, Any]:
    options = dict(checked_options(generation, sent))
    for name in options:
        if name not in FIELDS:
            raise Unsupported(
                "options",
                f"{WIRE} ignores {name}: a vendor's own field stands below provider, as "
                f"provider: {{options: {{VENDOR: {{{name}: ...}}}}}}",
            )
    return options


DIALECT = Dialect(submit=submit, read_submit=read_submit, poll=poll, read_poll=read_poll, api_paths=(PATH,))
