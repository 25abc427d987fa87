"""Runway's own wire, at Runway and behind CometAPI's prefix `/runwayml`: clips from text, frames and clips.

Sources: Runway's SDK (runwayml 5.24.0), its OpenAPI 2024-11-06, docs.dev.runwayml.com, and
apidoc.cometapi.com/api/video/runway. runway_models.py has the fields of each model. Replies come bare or wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.image_rules import RUNWAY, check_image
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig
from batchvid.dialects.common.option_values import RUNWAY as RUNWAY_OPTIONS
from batchvid.dialects.common.option_values import check_values
from batchvid.dialects.common.option_words import paid_options
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    data_uri,
    find_by_action,
    first_and_last,
    images_with_role,
    manifest_field,
    path_segment,
    refuse_unsupported,
    source_video,
    whole_seconds,
)
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.common.vendor_text import own_words
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.runway_models import IMAGE, MODELS, TEXT, UNLISTED, VIDEO, Fields
from batchvid.dialects.runway_shapes import shape_of
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import Accepted, GenerationRequest, ImageInput, Rejected, Request, Response, Status, Uncertain
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

HEADERS = {"X-Runway-Version": "2024-11-06"}
MAX_SEED = 4_294_967_295
URL_CHARS = 2048
DAY_S = 86_400.0
"""The window of Runway's daily cap, which is rolling: there is no time at which it ends for all tasks."""

BODY = frozenset({"ratio", "resolution", "duration", "seed", "audio", "negativePrompt", "references", "mode"})
"""Fields of Runway with a word of the manifest: as an option they are refused where they would change the price."""

_HOST = re.compile(r"https://(\[[^\]]*\]|[^/?#:@\s]+)", re.I)
_DAILY = re.compile(r"\bdaily\b|\bper day\b|24[ -]?h(ou)?rs?\b", re.I)

VENDOR: dict[str, Path] = {"credits": ("cost", "credits")}
ESTIMATE: Path = ("estimatedCost", "credits")


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request; what is given decides the route. Raises Unsupported."""
    route, fields = _route(generation)
    _check(generation, route, fields)
    first, last = first_and_last(generation)
    references = images_with_role(generation, "reference")
    body: dict[str, Any] = {
        "model": generation.request.model,
        fields.source: source_video(generation) if fields.source else None,
        "promptImage": _frames(first, last) if first else None,
        "promptText": generation.request.prompt or None,
        "negativePrompt": generation.request.negative_prompt or None,
        "duration": _duration(generation, fields),
        **shape_of(generation, fields, first),
        "audio": generation.request.sound if generation.request.sound is not None else fields.audio,
        "seed": generation.request.seed,
        "references": [{"uri": _uri(image)} for image in references] or None,
    }
    if fields.actions and (mode := fields.actions[generation.request.action]):
        body["mode"] = mode
    if "audio" in generation.request.options and generation.request.sound is None:
        body["audio"] = None  # the option is sent
    sent = {name: value for name, value in body.items() if name and value is not None}
    options = _checked_options(generation, fields, sent)
    return Request(method="POST", path=f"/v1/{route}", headers=HEADERS, json={**sent, **options})


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply, native or a gateway's. A task's credits are an upper limit until it has ended.

    Over its daily cap Runway refuses every submit until the first of the last 24 hours' tasks is older than that.
    """
    read = submit_replies.read_submit(response, sent=sent, table=TABLES["runway"])
    if isinstance(read, Accepted):
        credits_ = dig(parse(response.body), ESTIMATE)
        return replace(read, units={"credits": str(credits_)}) if isinstance(credits_, int | float) else read
    if isinstance(read, Rejected) and read.kind is FailureKind.RATE and read.retry_after_s is None:
        words = own_words(read.message, sent.request.prompt if sent else "")
        return replace(read, retry_after_s=DAY_S) if _DAILY.search(words) else read
    return read


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"/v1/tasks/{path_segment(task_id)}", headers=HEADERS)


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply, bare or wrapped. Raises UnreadableReply."""
    status = poll_replies.read_poll(
        response, task_id=task_id, prompt=prompt, progress_top=1.0, vendor=VENDOR, billed="credits"
    )
    if isinstance(status, Status) and status.charged is Charged.UNKNOWN and status.code.startswith("SAFETY.INPUT"):
        return replace(status, charged=Charged.YES)  # Runway does not refund what its input filter refused
    return status


def _route(generation: GenerationRequest) -> tuple[str, Fields]:
    """Return the route that makes this clip, with its fields. Raises Unsupported where the model is not on it."""
    routes = MODELS.get(generation.request.model, UNLISTED)
    model = generation.request.model
    if generation.request.action or generation.parent or generation.request.video:
        if VIDEO not in routes:
            field = "action" if generation.request.action else "parent" if generation.parent else "video"
            raise Unsupported(field, f"the Runway wire does not support it for {model}: leave it out")
        if not generation.request.action:
            raise Unsupported("action", f"is required for {model} with a source clip: {_listed(routes[VIDEO])}")
        find_by_action(generation, f"{model} at Runway", routes[VIDEO].actions or {})
        return VIDEO, routes[VIDEO]
    if first_and_last(generation)[0] is not None:
        if IMAGE not in routes:
            raise Unsupported("image", f"{model} takes none at Runway")
        return IMAGE, routes[IMAGE]
    if TEXT not in routes:
        if IMAGE in routes:
            raise Unsupported("image", f"an image is required: {model} makes clips from an image only")
        raise Unsupported("action", f"is required: {model} works on a finished clip: {_listed(routes[VIDEO])}")
    return TEXT, routes[TEXT]


def _listed(fields: Fields) -> str:
    return ", ".join(fields.actions or {})


def _check(generation: GenerationRequest, route: str, fields: Fields) -> None:
    """Raise Unsupported for what this route does not take for the model."""
    request = generation.request
    supported = [
        *("prompt", "aspect_ratio", "resolution"),
        *(("duration_s",) if fields.duration else ()),
        *(("image",) if route == IMAGE else ()),
        *(("end_image",) if route == IMAGE and fields.last else ()),
        *(("reference_images",) if fields.references else ()),
        *(("action", "video", "parent") if fields.source else ()),
        *(("sound",) if fields.audio is not None else ()),
        *(("negative_prompt",) if fields.negative_prompt else ()),
        *(("seed",) if fields.seed else ()),
    ]
    with_frame = MODELS.get(request.model, UNLISTED).get(IMAGE)
    takes_beside_frame = with_frame is not None and with_frame.references > 0
    if route == TEXT and generation.images and not fields.references and takes_beside_frame:
        raise Unsupported("reference_images", f"need `image` too: {request.model} takes them beside a first frame")
    refuse_unsupported(generation, f"the Runway wire of {request.model}", supported)
    if fields.prompt_needed and not request.prompt.strip():
        raise Unsupported("prompt", "must not be empty")
    if fields.prompt_chars is not None:
        check_prompt(generation, max_chars=fields.prompt_chars, required=False)
    if request.seed is not None and not 0 <= request.seed <= MAX_SEED:
        raise Unsupported("seed", f"0 to {MAX_SEED} are allowed, not {request.seed}")
    if (count := len(images_with_role(generation, "reference"))) > fields.references:
        raise Unsupported("reference_images", f"at most {fields.references} are allowed, not {count}")


def _duration(generation: GenerationRequest, fields: Fields) -> int | str | None:
    """Return the seconds, or the word for the length of the source. Raises Unsupported."""
    seconds = whole_seconds(generation)
    if generation.request.action != "edit" or not fields.edit_duration:
        return seconds
    if seconds is not None:
        raise Unsupported("duration_s", "an edit has the length of its source: leave it out")
    return fields.edit_duration


def _checked_options(generation: GenerationRequest, fields: Fields, sent: Collection[str]) -> Mapping[str, Any]:
    """Return the options. Raises Unsupported for one that Runway would refuse, or that no plan prices."""
    options = generation.request.options
    check_values(options, RUNWAY_OPTIONS)
    known = {*(fields.options or ()), *sent, *BODY, fields.ratio_field}
    for name in options if fields.options is not None else ():
        if name not in known:
            listed = ", ".join(fields.options or ()) or "none"
            raise Unsupported("options", f"{name}: Runway refuses it for {generation.request.model}; it takes {listed}")
    if options.get("outputFormat", "mp4") != "mp4":
        raise Unsupported("options", "outputFormat: only mp4: every other format costs more, and is no mp4")
    keyframes = {option.path for option in paid_options(options) if option.path.startswith("keyframes[")}
    return checked_options(generation, sent, of_wire=keyframes)


def _frames(first: ImageInput, last: ImageInput | None) -> str | list[dict[str, str]]:
    """Return the first frame alone, or both with their positions."""
    start = _uri(first)
    return [{"uri": start, "position": "first"}, {"uri": _uri(last), "position": "last"}] if last else start


def _uri(image: ImageInput) -> str:
    """Return the image's link, or a data URI with its prefix."""
    if image.url:
        _check_link(manifest_field(image), image.url)
        return image.url
    check_image(image, RUNWAY)
    return data_uri(image)


def _check_link(field: str, url: str) -> None:
    """Raise Unsupported for a link that Runway will not fetch: HTTPS, a domain name, at most 2048 characters."""
    host = _HOST.match(url)
    if not host:
        raise Unsupported(field, "only https:// links are allowed")
    if host[1].startswith("[") or host[1].replace(".", "").isdecimal():
        raise Unsupported(field, "a link must name a domain, not an IP address")
    if len(url) > URL_CHARS:
        raise Unsupported(field, f"a link may have {URL_CHARS} characters, not {len(url)}")


def _cancel(_generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation (204; 404 afterwards). A running task is not refunded (Runway's OpenAPI 2024-11-06)."""
    return Request(method="DELETE", path=f"/v1/tasks/{path_segment(task_id)}", headers=HEADERS)


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(*(f"/v1/{route}" for route in (IMAGE, TEXT, VIDEO)), "/v1/tasks"),
    cancel=_cancel,
    image_rules=(("", RUNWAY),),
)
