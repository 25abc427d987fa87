"""Luma's Dream Machine (lumaai 1.21.0): generations from text, links or other generations, their list, credits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.geometry import ratio_pixels
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import copy_of
from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PATH = "/luma/generations"
MODELS = ("ray-2", "ray-flash-2")
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
SHORTER_SIDES = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}
DURATIONS_S = {"5s": 5.0, "9s": 9.0}
FIELDS = frozenset(
    (
        *("model", "prompt", "aspect_ratio", "callback_url", "concepts", "duration", "generation_type", "keyframes"),
        *("loop", "resolution"),
    )
)
DEFAULT_LISTED, MAX_LISTED = 10, 100

_WORDS = words("queued", "dreaming", "completed", undocumented="simmering")
refuse = refusals("luma", lambda status, _code, message: reply({"detail": message}, status))


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body = {name: value for name, value in submit.form.fields.items() if value is not None}
    if unknown := sorted(set(body) - FIELDS):
        raise _invalid(f"{unknown[0]}: extra fields not permitted")
    if submit.model not in MODELS:
        raise _invalid(f"model must be one of {', '.join(MODELS)}")
    if not 3 <= len(submit.prompt) <= 5000:
        raise _invalid("prompt must have 3 to 5000 characters")
    seconds = DURATIONS_S.get(str(body.get("duration", "5s")))
    side = SHORTER_SIDES.get(str(body.get("resolution", "720p")))
    pixels = ratio_pixels(str(body.get("aspect_ratio", "16:9")), RATIOS, side)
    if seconds is None or pixels is None:
        raise _invalid("duration must be 5s or 9s; resolution and aspect_ratio must be supported")
    source = _source(submit, body.get("keyframes") or {})
    echo = {name: body[name] for name in sorted(body)}
    if source is not None:
        return ClipSpec(seconds, source.width, source.height, scene=copy_of(source).scene, echo=echo)
    return ClipSpec(seconds, *pixels, echo=echo)


def _source(submit: SubmitRequest, keyframes: Any) -> Task | None:
    """The generation that is extended, if one is. Pictures must be links, and are not fetched."""
    source = None
    if not isinstance(keyframes, dict) or set(keyframes) - {"frame0", "frame1"}:
        raise _invalid("keyframes must be an object with frame0 and frame1")
    for frame in filter(None, keyframes.values()):
        if frame.get("type") == "image":
            if not str(frame.get("url", "")).startswith("https://"):
                raise _invalid("Frame images must be URLs")
        elif frame.get("type") == "generation":
            source = submit.service.store.get(str(frame.get("id")), "luma", submit.owner)
            if source is None:
                raise ErrorResponse(reply({"detail": "Generation not found"}, 404))
        else:
            raise _invalid("a keyframe must be an image or a generation")
    return source


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(refuse("invalid", message))


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    """The generation, with the nulls that Luma sends."""
    failure = failure_of(task)
    assets = {"image": url.replace(".mp4", ".jpg", 1), "progress_video": None, "video": url} if url else None
    created = datetime.fromtimestamp(task.created_at, UTC)
    return {
        "id": task.id,
        "generation_type": "video",
        "state": _WORDS[view.phase],
        "failure_reason": failure.message if view.failed and failure.message else None,
        "created_at": f"{created:%Y-%m-%dT%H:%M:%S.%fZ}",
        "assets": assets,
        "model": task.model,
        "request": {"generation_type": "video", "prompt": task.prompt, **task.echo},
    }


def _deleted(task: Task | None, cancelled: bool) -> web.Response:
    return (
        web.Response(status=204) if task is not None and cancelled else reply({"detail": "Generation not found"}, 404)
    )


class LumaRoute(Route):
    """Generations, with their list and the balance."""

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""
        super().register(router, service)

        async def listed(request: web.Request) -> web.StreamResponse:
            caller = self.owner(service, request)
            limit = min(int(request.query.get("limit", DEFAULT_LISTED)), MAX_LISTED)
            offset = int(request.query.get("offset", 0))
            own = [task for task in service.store if (task.family, task.owner, task.removed) == ("luma", caller, False)]
            found = list(reversed(own))[offset : offset + limit]
            rows = []
            for task in found:
                view = service.store.peek(task, service.clock())
                url = service.link(request, task) if view.phase is Phase.SUCCEEDED else ""
                rows.append(_shown(service, task, view, url))
            more = {"has_more": offset + limit < len(own), "count": len(rows), "limit": limit, "offset": offset}
            return reply({"generations": rows, **more})

        async def credits_left(request: web.Request) -> web.StreamResponse:
            self.owner(service, request)
            return reply({"credit_balance": round(service.settings.balance_usd * 100)})

        router.add_get(PATH, answering(listed))
        router.add_get("/luma/credits", answering(credits_left))


ROUTE = LumaRoute(
    family=Family("luma", lambda: str(uuid.uuid4()), refuse),
    path=PATH + "/video",
    tasks=PATH,
    own_auth=True,
    accepted_status=201,
    clip=_clip,
    accepted=lambda service, task: _shown(service, task, TaskView(Phase.QUEUED, 0), ""),
    shown=_shown,
    missing=lambda _service: reply({"detail": "Generation not found"}, 404),
    deleted=_deleted,
)
