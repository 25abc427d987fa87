"""MiniMax's first version (Hailuo, wire-notes 16): every error in a 200, and a file to look up after a success."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.geometry import fitted
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import ANY_LINK, read_image
from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

FIELDS = frozenset(
    {
        *("model", "prompt", "prompt_optimizer", "fast_pretreatment", "duration", "resolution", "callback_url"),
        *("first_frame_image", "last_frame_image", "subject_reference", "aigc_watermark"),
    }
)
SHORTER_SIDE = {"512P": 512, "720P": 720, "768P": 768, "1080P": 1080}
SECONDS = (6, 10)
MAX_TEXT_CHARS = 2000
FILE = "17"  # a file's id is the task's behind this: more than 2^53
UNKNOWN_ERROR = 1000
FILES = "/minimax/v1/files/retrieve"

_WORDS = words("Queueing", "Processing", "Success", "Fail")


def _envelope(status: int, code: int, message: str) -> web.Response:
    return reply({"task_id": "", "base_resp": {"status_code": code, "status_msg": message}}, status)


_refuse = refusals("minimax-v1", _envelope)


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(_envelope(200, 2013, f"invalid params, {message}"))


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body = submit.form.fields
    require(submit.model, _invalid, "model is required")
    unknown = set(body) - FIELDS
    require(not unknown, _invalid, f"unknown field {', '.join(sorted(unknown))}")
    require(len(submit.prompt) <= MAX_TEXT_CHARS, _invalid, f"prompt is longer than {MAX_TEXT_CHARS} characters")
    frames = [
        one
        for name in ("first_frame_image", "last_frame_image")
        if body.get(name)
        for one in await _image(submit, body[name], name)
    ]
    subjects = [one for url in _subjects(body) for one in await _image(submit, url, "subject_reference")]
    has_picture = any(body.get(name) for name in ("first_frame_image", "subject_reference"))
    require(submit.prompt.strip() or has_picture, _invalid, "prompt is required")
    duration = body.get("duration", 6)
    require(duration in SECONDS and not isinstance(duration, bool), _invalid, f"duration {duration}")
    resolution = str(body.get("resolution") or "768P")
    require(resolution in SHORTER_SIDE, _invalid, f"resolution {resolution}")
    require(not (resolution == "1080P" and duration == SECONDS[1]), _invalid, "1080P clips have 6 seconds")
    sides = (frames[0].width, frames[0].height) if frames else (16, 9)
    pixels = fitted(*sides, shorter=SHORTER_SIDE[resolution])
    if pixels is None:
        raise _invalid("first_frame_image")
    return ClipSpec(float(duration), *pixels, frames, subjects)


def _subjects(body: dict[str, Any]) -> list[Any]:
    entries = body.get("subject_reference") or []
    require(isinstance(entries, list), _invalid, "subject_reference")
    found: list[Any] = []
    for entry in entries:
        images = entry.get("image") if isinstance(entry, dict) else None
        require(isinstance(images, list) and entry.get("type") == "character", _invalid, "subject_reference")
        found += images or []
    return found


async def _image(submit: SubmitRequest, text: Any, field: str) -> list[InputImage]:
    return await read_image(submit, text, field, _invalid, links=ANY_LINK, expected=field)


def _shown(_service: EmulatorService, task: Task, view: TaskView, _url: str) -> Reply:
    done, failure = view.phase is Phase.SUCCEEDED, failure_of(task)
    word = "Preparing" if view.phase is Phase.QUEUED and task.visible_polls <= 1 else _WORDS[view.phase]
    shown: dict[str, Any] = {"task_id": task.id, "status": word, "file_id": FILE + task.id if done else ""}
    if done:
        shown |= {"video_width": task.width, "video_height": task.height}
    code, message = (failure.code, failure.message) if view.failed and failure.message else ("0", "success")
    number = int(code) if code.isdecimal() else UNKNOWN_ERROR
    return {**shown, "base_resp": {"status_code": number, "status_msg": message}}


def _find(service: EmulatorService, request: web.Request, owner: str) -> Task | None:
    task_id = request.query.get("task_id", "") or request.query.get("file_id", "").removeprefix(FILE)
    return service.store.get(task_id, "minimax-v1", owner)


def _missing(_service: EmulatorService) -> web.Response:
    unknown = {"status_code": 2013, "status_msg": "invalid params, invalid task_id"}
    return reply({"task_id": "", "status": "", "file_id": "", "base_resp": unknown})


@dataclass(frozen=True, slots=True, kw_only=True)
class HailuoRoute(Route):
    """The task stands in the query of a poll, and the file of a finished one is another call."""

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""

        async def poll(request: web.Request) -> web.StreamResponse:
            return await self._poll(service, request)

        async def retrieve(request: web.Request) -> web.StreamResponse:
            task = self._task(service, request)
            if task is None or service.store.peek(task, service.clock()).phase is not Phase.SUCCEEDED:
                return _envelope(200, 2013, "invalid params, invalid file_id")
            return reply(_file(service, request, task))

        Route.register(self, router, service)
        router.add_get(self.tasks, answering(poll))
        router.add_get(FILES, answering(retrieve))


def _file(service: EmulatorService, request: web.Request, task: Task) -> dict[str, Any]:
    """The file of a task; its id is a number here, and a text in the reply to a poll."""
    file = {
        "file_id": int(FILE + task.id),
        "bytes": 5_896_337,
        "created_at": int(task.ended_at or task.created_at),
        "filename": "output.mp4",
        "purpose": "video_generation",
        "download_url": service.link(request, task),
    }
    return {"file": file, "base_resp": {"status_code": 0, "status_msg": "success"}}


ROUTE = HailuoRoute(
    family=Family("minimax-v1", lambda: str(10**14 + secrets.randbelow(10**14)), _refuse),
    path="/minimax/v1/video_generation",
    tasks="/minimax/v1/query/video_generation",
    own_auth=True,
    clip=_clip,
    accepted=lambda _service, task: {
        "task_id": task.id,
        "base_resp": {"status_code": 0, "status_msg": "success"},
    },
    shown=_shown,
    find=_find,
    missing=_missing,
)
