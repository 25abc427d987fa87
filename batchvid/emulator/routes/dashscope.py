"""DashScope (wire-notes 17): Wan and HappyHorse as asynchronous tasks of 24 hours; only a PENDING one is cancelled."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.geometry import fitted, frame, pair, ratio_pixels
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import read_image
from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.routes.task_records import page_number
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

ROOT = "/dashscope/api/v1"
FRAMES_PATH = ROOT + "/services/aigc/image2video/video-synthesis"
TASKS = ROOT + "/tasks"
KEPT_S = 86_400
MAX_LISTED = 100
ASYNC = "X-DashScope-Async"
PREFIXES = ("wan2.", "wan3", "wanx2.", "happyhorse-")
PIXELS = ("wan2.1", "wan2.2", "wan2.5", "wan2.6", "wanx")
SHORTER_SIDE = {"480P": 480, "720P": 720, "1080P": 1080}
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
SECONDS = range(2, 31)
MEDIA = ("first_frame", "last_frame", "driving_audio", "first_clip", "reference_image", "reference_video")
FRAMES = ("first_frame", "last_frame", "img_url", "first_frame_url", "last_frame_url")
LINKS = ("https://", "http://", "oss://")

_WORDS = words("PENDING", "RUNNING", "SUCCEEDED", "FAILED", cancelled="CANCELED", undocumented="SIMMERING")


def _error(status: int, code: str, message: str) -> web.Response:
    return reply({"code": code, "message": message, "request_id": str(uuid.uuid4())}, status)


_refuse = refusals("dashscope", _error)


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(_error(400, "InvalidParameter", message))


def _part(submit: SubmitRequest, name: str) -> dict[str, Any]:
    value = submit.form.fields.get(name)
    return value if isinstance(value, dict) else {}


def _describe(submit: SubmitRequest) -> None:
    submit.prompt = str(_part(submit, "input").get("prompt") or "")


async def _clip(submit: SubmitRequest) -> ClipSpec:
    if submit.request.headers.get(ASYNC) != "enable":
        message = "current user api does not support synchronous calls"
        raise ErrorResponse(_error(403, "AccessDenied", message))
    if not submit.model.startswith(PREFIXES):
        raise ErrorResponse(_error(404, "ModelNotFound", "Model not exist."))
    inputs, parameters = _part(submit, "input"), _part(submit, "parameters")
    pictures = _pictures(submit.model, inputs)
    require(submit.prompt.strip() or pictures, _invalid, "input.prompt is required")
    images = [one for role, url in pictures for one in await _image(submit, url, role)]
    frames = [image for image in images if image.field in FRAMES]
    duration = parameters.get("duration", 5)
    is_second = isinstance(duration, int) and not isinstance(duration, bool)
    require(is_second and duration in SECONDS, _invalid, f"duration {duration} is not supported")
    pixels, lines = _pixels(submit.model, parameters, frames)
    references = [image for image in images if image not in frames]
    return ClipSpec(float(duration), *pixels, frames, references, echo={"SR": lines})


def _pictures(model: str, inputs: dict[str, Any]) -> list[tuple[str, Any]]:
    """The pictures of a submit, each with its role: fields of an older model, or the list of media."""
    if model.startswith(PIXELS):
        require("media" not in inputs, _invalid, f"input.media is not supported by {model}")
        return [(name, inputs[name]) for name in ("img_url", "first_frame_url", "last_frame_url") if inputs.get(name)]
    media = inputs.get("media") or []
    require(isinstance(media, list), _invalid, "input.media is not a list")
    for item in media:
        known = isinstance(item, dict) and item.get("type") in MEDIA and isinstance(item.get("url"), str)
        require(known, _invalid, "input.media: each item needs a type and a url")
    return [(item["type"], item["url"]) for item in media if item["type"] in (*FRAMES, "reference_image")]


async def _image(submit: SubmitRequest, url: Any, role: str) -> list[InputImage]:
    return await read_image(submit, url, role, _invalid, links=LINKS, expected=f"input.{role} is no link or data URI")


def _pixels(model: str, parameters: dict[str, Any], frames: list[InputImage]) -> tuple[tuple[int, int], int]:
    """The frame, and the tier in lines that is billed."""
    size = parameters.get("size")
    if size is not None:
        sides = pair(str(size)) if "*" in str(size) and model.startswith(PIXELS) else None
        pixels = frame(*sides, shorter=min(sides)) if sides else None
        if pixels is None:
            raise _invalid(f"size {size} is not supported")
        return pixels, min(pixels)
    tier, ratio = str(parameters.get("resolution") or "720P"), str(parameters.get("ratio") or "16:9")
    require(tier in SHORTER_SIDE, _invalid, f"resolution {tier} is not supported")
    if frames:
        pixels = fitted(frames[0].width, frames[0].height, shorter=SHORTER_SIDE[tier])
    else:
        pixels = ratio_pixels(ratio, RATIOS, SHORTER_SIDE[tier])
    if pixels is None:
        raise _invalid(f"ratio {ratio} is not supported")
    return pixels, SHORTER_SIDE[tier]


def _accepted(_service: EmulatorService, task: Task) -> Reply:
    return {"output": {"task_id": task.id, "task_status": "PENDING"}, "request_id": str(uuid.uuid4())}


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    output: dict[str, Any] = {"task_id": task.id, "task_status": _WORDS[view.phase]}
    output["submit_time"] = _time(task.created_at)
    if view.phase not in (Phase.QUEUED, Phase.THROTTLED):
        output["scheduled_time"] = _time(task.started_at or task.created_at)
    if view.ended:
        output["end_time"] = _time(task.ended_at or task.created_at)
    shown: dict[str, Any] = {"request_id": str(uuid.uuid4()), "output": output}
    if view.phase is Phase.SUCCEEDED:
        output |= {"orig_prompt": task.prompt, "actual_prompt": task.prompt, "video_url": url}
        shown["usage"] = {"duration": round(task.seconds), "SR": task.echo["SR"], "video_count": 1}
    failure = failure_of(task)
    if view.failed and view.phase is not Phase.CANCELLED and failure.message:
        output |= {"code": failure.code, "message": failure.message}
    return shown


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _is_kept(service: EmulatorService, task: Task) -> bool:
    return service.clock() - task.created_at < KEPT_S


def _find(service: EmulatorService, request: web.Request, owner: str) -> Task | None:
    task_id = request.match_info["id"]
    found = service.store.get(task_id, "dashscope", owner) or service.store.cancelled(task_id, "dashscope", owner)
    return found if found is not None and _is_kept(service, found) else None


def _missing(_service: EmulatorService) -> web.Response:
    """A task that nobody knows is a 200: its status is UNKNOWN."""
    return reply({"request_id": str(uuid.uuid4()), "output": {"task_id": "", "task_status": "UNKNOWN"}})


@dataclass(frozen=True, slots=True, kw_only=True)
class DashScopeRoute(Route):
    """The older models' second path, the list, and the cancellation by POST."""

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""

        async def submit(request: web.Request) -> web.StreamResponse:
            return await self._create(service, request)

        async def list_tasks(request: web.Request) -> web.StreamResponse:
            return reply(self._listed(service, request))

        async def cancel(request: web.Request) -> web.StreamResponse:
            return self._cancel(service, request)

        Route.register(self, router, service)
        router.add_post(FRAMES_PATH, answering(submit))
        router.add_get(TASKS, answering(list_tasks))
        router.add_post(TASKS + "/{id}/cancel", answering(cancel))

    def _listed(self, service: EmulatorService, request: web.Request) -> dict[str, Any]:
        """A page of the tasks of this key, the newest first."""
        owner, query, now = self.owner(service, request), request.query, service.clock()
        rows = [
            {
                "task_id": task.id,
                "model_name": task.model,
                "status": _WORDS[service.store.peek(task, now).phase],
                "start_time": round(task.created_at * 1000),
            }
            for task in reversed(list(service.store))
            if (task.family, task.owner) == ("dashscope", owner) and _is_kept(service, task)
        ]
        found = [
            row
            for row in rows
            if query.get("status", row["status"]) == row["status"]
            and query.get("model_name", row["model_name"]) == row["model_name"]
        ]
        page, size = (page_number(query.get(name, usual)) for name, usual in (("page_no", "1"), ("page_size", "10")))
        require(page and 0 < size <= MAX_LISTED, _invalid, "page_no or page_size")
        shown = found[(page - 1) * size : page * size]
        return {
            "request_id": str(uuid.uuid4()),
            "tasks": shown,
            "total": len(found),
            "page_no": page,
            "page_size": size,
        }

    def _cancel(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task, now = self._task(service, request), service.clock()
        if task is None or service.store.peek(task, now).phase not in (Phase.QUEUED, Phase.THROTTLED):
            message = "Failed to cancel the task, please confirm if the task is in PENDING status."
            return _error(400, "UnsupportedOperation", message)
        task.keeps_record = True
        service.store.remove(task, now)
        return reply({"request_id": str(uuid.uuid4())})


ROUTE = DashScopeRoute(
    family=Family("dashscope", lambda: str(uuid.uuid4()), _refuse),
    path=ROOT + "/services/aigc/video-generation/video-synthesis",
    tasks=TASKS,
    own_auth=True,
    describe=_describe,
    clip=_clip,
    accepted=_accepted,
    shown=_shown,
    find=_find,
    missing=_missing,
)
