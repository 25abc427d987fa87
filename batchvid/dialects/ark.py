"""Ark's content generation tasks: Seedance at BytePlus ModelArk and Volcengine, and at relays that forward this wire.

Sources: BytePlus Ark SDK 3.0.63 (`content_generation.tasks`), ModelArk's pages on video generation, clients that probed
the live service (wire-notes 15). Ark refuses a field that the model does not know, so that only what was requested is
sent. It knows no prefix, no key and no price.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.content_parts import content_of
from batchvid.dialects.common.image_rules import ARK, check_image
from batchvid.dialects.common.json_values import Path
from batchvid.dialects.common.option_values import ARK as ARK_OPTIONS
from batchvid.dialects.common.option_values import MAX_ARK_SEED, check_seed, check_values
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    data_uri,
    first_and_last,
    images_with_role,
    manifest_field,
    one_of,
    path_segment,
    refuse_unsupported,
    same_shape,
    whole_seconds,
)
from batchvid.dialects.common.task_lists import read_task_list
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import (
    Accepted,
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

PATH = "/contents/generations/tasks"
WIRE = "Ark's wire"
MAX_PROMPT_CHARS = 32_000  # Ark publishes none
MAX_LISTED = 500  # the most that Ark lists on a page; of the last seven days, the newest first
SUPPORTED = (
    *("prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio", "resolution", "seed"),
    *("sound", "mode", "video", "audio", "asset://"),
)
RATIOS = {ratio: ratio for ratio in ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "3:2", "5:4")}
TIERS = {tier: tier for tier in ("480p", "720p", "1080p", "4k")}
SERVICE_TIERS = {tier: tier for tier in ("default", "flex")}

SECOND = ("seedance-2",)
WITH_SOUND = (*SECOND, "seedance-1-5")
FOLLOWS_IMAGE = ("seedance-2-5",)  # it refuses any ratio beside a first frame
DRAFTS = ("seedance-1-5",)
SILENT = ("seedance-1-0",)
"""Parts of the names of the models that can do it. A name without `seedance` (an endpoint, `ep-...`) may be any."""

VENDOR: dict[str, Path] = {
    "completion_tokens": ("usage", "completion_tokens"),
    "total_tokens": ("usage", "total_tokens"),
    "service_tier": ("service_tier",),
}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Frames and reference media exclude each other. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, SUPPORTED)
    request = generation.request
    content = content_of(generation, _link, "Ark")
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS, required=not content)
    check_seed(request.seed, MAX_ARK_SEED)
    check_values(request.options, ARK_OPTIONS)
    _check_model(generation)
    body: dict[str, Any] = {
        "model": request.model,
        "content": content,
        "resolution": one_of("resolution", request.resolution.casefold(), TIERS) if request.resolution else None,
        "ratio": _ratio(generation),
        "duration": whole_seconds(generation),
        "seed": request.seed,
        "generate_audio": _sound(generation),
        "service_tier": one_of("mode", request.mode, SERVICE_TIERS) if request.mode else None,
        "callback_url": generation.callback_url or None,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    options = checked_options(generation, sent)
    if "content" in options:
        raise Unsupported("options", "content is made of the manifest's own keys: write prompt, image, video or audio")
    return Request(method="POST", path=PATH, json={**sent, **options})


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply, Ark's own or a relay's."""
    return submit_replies.read_submit(response, sent=sent, table=TABLES["ark"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"{PATH}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. Raises UnreadableReply.

    Ark's `expired` is no clip that is gone: the task was not finished within its `execution_expires_after`.
    """
    status = poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor=VENDOR)
    if isinstance(status, Status) and status.phase is Phase.FAILED and status.vendor_status.casefold() == "expired":
        message = status.message if status.code else "Ark did not finish it within execution_expires_after"
        return replace(status, kind=FailureKind.UNAVAILABLE, message=message)
    if isinstance(status, Status) and status.kind is FailureKind.CANCELLED and status.charged is Charged.UNKNOWN:
        return replace(status, charged=Charged.NO)  # only a task in the queue can be cancelled
    return status


def _link(image: ImageInput) -> str:
    """Return the image's link, also one of Ark's own store (`asset://`), or a data URI."""
    check_image(image, ARK)
    return image.url or data_uri(image)


def _ratio(generation: GenerationRequest) -> str | None:
    ratio = generation.request.aspect_ratio
    if not ratio:
        return None
    first, _ = first_and_last(generation)
    if first is None or not _is(generation, FOLLOWS_IMAGE):
        return one_of("aspect_ratio", ratio, RATIOS)
    if same_shape(ratio, first.width, first.height):
        return None
    shape = f"{first.width}x{first.height}" if first.width else "behind a link"
    remedy = "write fit: cover or fit: contain, or leave the ratio out"
    raise Unsupported("aspect_ratio", f"Seedance 2.5 follows the image, which is {shape}: {remedy}")


def _sound(generation: GenerationRequest) -> bool | None:
    """Ark's default is a clip with sound, which may cost twice as much: it is always stated."""
    sound = generation.request.sound
    if _is(generation, SILENT):
        if sound:
            raise Unsupported("sound", "Seedance 1.0 makes clips without sound")
        return None
    if sound is None and _is(generation, WITH_SOUND):
        return True
    return sound


def _check_model(generation: GenerationRequest) -> None:
    """Raise Unsupported for what Ark refuses for this version of Seedance."""
    request = generation.request
    if "seedance" not in request.model:
        return
    is_second = _is(generation, SECOND)
    if not is_second and "lite" not in request.model and (references := images_with_role(generation, "reference")):
        raise Unsupported(manifest_field(references[0]), "Seedance takes reference media from 2.0 on")
    if not is_second and (request.video or request.audio):
        field = "audio" if request.audio else "video"
        raise Unsupported(field, "Seedance takes reference media from 2.0 on")
    if is_second and request.mode == "flex":
        raise Unsupported("mode", "flex is sold for Seedance 1.x only")
    if is_second and request.options.get("service_tier") == "flex":
        raise Unsupported("options", "service_tier: flex is sold for Seedance 1.x only")
    if request.options.get("draft") and not _is(generation, DRAFTS):
        raise Unsupported("options", "draft is for Seedance 1.5 only")


def _is(generation: GenerationRequest, names: tuple[str, ...]) -> bool:
    model = generation.request.model.casefold().replace(".", "-")
    return any(name in model for name in names)


def _cancel(_generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation of a queued task. A running one is refused (409), of a finished one the record is lost."""
    return Request(method="DELETE", path=f"{PATH}/{path_segment(task_id)}")


def _listed(generation: GenerationRequest) -> Request:
    """The newest tasks. Those of the flex tier are listed only on request."""
    options = generation.request.options
    is_flex = "flex" in (generation.request.mode, options.get("service_tier"))
    tier = "&filter.service_tier=flex" if is_flex else ""
    return Request(method="GET", path=f"{PATH}?page_num=1&page_size={MAX_LISTED}{tier}")


def _read_list(response: Response) -> Any:
    return read_task_list(response, rows=("items",))


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
    cancel=_cancel,
    lookups={
        "list": LookupMethod(
            ask=_listed,
            read=_read_list,
            where=f"among its newest {MAX_LISTED} tasks of seven days",
            exact=False,
            kept_s=7 * 86400.0,
        )
    },
    image_rules=(("", ARK),),
)
