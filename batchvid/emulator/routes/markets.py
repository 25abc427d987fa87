"""WaveSpeed, Atlas Cloud and kie.ai: markets of many models, each with fields of its own, behind one envelope.

Sources: wavespeed.ai/docs (rest-api, error-codes), atlascloud.ai/docs (errors, faq), docs.kie.ai (market). What a field
is called depends on the model; fields that are not checked here are accepted, as the markets accept what their models
know.
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_base64, decode_data_uri
from batchvid.emulator.rendering.geometry import fitted, frame, pair, tier
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, Refuse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import ANY_LINK, linked_clip, read_image
from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

SECONDS = range(1, 61)
DEFAULT_S, DEFAULT_SIDE = 5, 720
FRAMES = ("image", "last_image", "image_urls")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRoute(Route):
    """A route that is polled at `poll_path`, which holds `{id}`, or names the task in its query."""

    poll_path: str

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""

        def count(request: web.Request) -> None:
            service.ledger.count("submits", self.family.name, self._name(request), service.clock())
            service.ledger.count("refused", self.family.name, self._name(request))

        router.add_post(self.path, answering(lambda request: self._create(service, request), count))
        router.add_get(self.poll_path, answering(lambda request: self._poll(service, request)))

    def _name(self, request: web.Request) -> str:  # noqa: ARG002 - the signature of Route
        """The route's name in the ledger, without the model."""
        return self.path.partition("/{")[0]


def check_seconds(value: object, refuse: Refuse) -> int:
    """A length in whole seconds, also as text. Raises ErrorResponse."""
    text = str(DEFAULT_S if value is None else value)
    if isinstance(value, bool) or not text.isdecimal() or int(text) not in SECONDS:
        raise ErrorResponse(refuse("invalid", f"duration must be a whole number of seconds, not {text}"))
    return int(text)


def pixels_of(body: dict[str, Any], refuse: Refuse, images: list[InputImage]) -> tuple[int, int]:
    """The frame out of `size`, else of resolution and ratio; without a ratio a picture's own. Raises ErrorResponse."""
    if size := body.get("size"):
        sides = pair(str(size).replace("*", "x"))
        found = frame(*sides, shorter=DEFAULT_SIDE) if sides else None
    else:
        side = tier(str(body.get("resolution") or f"{DEFAULT_SIDE}p"))
        ratio = pair(str(body.get("aspect_ratio") or ""))
        if body.get("aspect_ratio") and not ratio:
            side = None
        shape = ratio or ((images[0].width, images[0].height) if images else (16, 9))
        found = fitted(*shape, shorter=side) if side else None
    if found is None:
        raise ErrorResponse(refuse("invalid", "resolution, aspect_ratio or size has an unknown value"))
    return found


async def pictures_of(
    submit: SubmitRequest, names: tuple[str, ...], refuse: Refuse, *, only_links: bool = False
) -> list[InputImage]:
    """The pictures of these fields: links, data URIs or base64, one or a list. Raises ErrorResponse."""
    found: list[InputImage] = []
    for name in names:
        value = submit.form.fields.get(name)
        for text in value if isinstance(value, list) else [value] if value is not None else []:
            found += await read_image(
                submit,
                text,
                name,
                lambda message: ErrorResponse(refuse("invalid", message)),
                links=ANY_LINK,
                decode=(lambda _text: None) if only_links else _decode,
                expected=f"{name} must be a URL" if only_links else f"{name} must be a URL or Base64-encoded data",
            )
    return found


def _decode(text: str) -> bytes | None:
    return decode_data_uri(text) or decode_base64(text)


def _prompt_of(submit: SubmitRequest, refuse: Refuse) -> None:
    if not submit.prompt.strip():
        raise ErrorResponse(refuse("invalid", "prompt is required"))


async def _market_clip(submit: SubmitRequest, refuse: Refuse) -> ClipSpec:
    body = submit.form.fields = {key: value for key, value in submit.form.fields.items() if value is not None}
    _prompt_of(submit, refuse)
    frames = await pictures_of(submit, ("image", "last_image"), refuse)
    references = await pictures_of(submit, ("images",), refuse)
    seconds = check_seconds(body.get("duration"), refuse)
    if isinstance(body.get("duration"), str):
        raise ErrorResponse(refuse("invalid", "duration must be an integer"))
    if video := body.get("video"):
        source = linked_clip(submit, str(video))
        return ClipSpec(source.seconds, source.width, source.height, frames, references, scene=source.scene)
    return ClipSpec(float(seconds), *pixels_of(body, refuse, frames), frames, references)


def _envelope(message_key: str) -> Callable[[int, Any, str], web.Response]:
    def build(status: int, code: Any, message: str) -> web.Response:
        body = {"code": code, message_key: message, "data": None}
        if message_key == "msg":
            body["request_id"] = secrets.token_hex(16)
        return reply(body, status)

    return build


WAVESPEED_REFUSE = refusals("wavespeed", _envelope("message"))
ATLAS_REFUSE = refusals("atlas", _envelope("msg"))
_WAVESPEED_WORDS = words("created", "processing", "completed", cancelled="cancelled", expired="timeout")
_ATLAS_WORDS = words("created", "processing", "completed", cancelled="canceled", expired="timeout")


def _prediction(task: Task, word: str) -> dict[str, Any]:
    created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(task.created_at))
    return {
        "id": task.id,
        "model": task.model,
        "outputs": [],
        "urls": {"get": f"https://api.wavespeed.ai/api/v3/predictions/{task.id}/result"},
        "status": word,
        "created_at": f"{created}Z",
        "error": "",
    }


def _wavespeed_task(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    shown = _prediction(task, _WAVESPEED_WORDS[view.phase])
    failure = failure_of(task)
    if view.phase is Phase.SUCCEEDED:
        shown["outputs"] = [url]
    elif view.ended:
        shown |= {"error": failure.message} | ({"code": int(failure.code)} if failure.code.isdecimal() else {})
    return {"code": 200, "message": "success", "data": shown}


def _atlas_task(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    shown: dict[str, Any] = {"id": task.id, "model": task.model, "status": _ATLAS_WORDS[view.phase], "outputs": None}
    if view.phase is Phase.SUCCEEDED:
        shown["outputs"] = [url]
    elif view.ended:
        shown["error"] = failure_of(task).message
    return {"code": 200, "message": "success", "data": shown}


def _model_of_path(submit: SubmitRequest) -> None:
    submit.model = submit.request.match_info["model"]


WAVESPEED = MarketRoute(
    family=Family("wavespeed", lambda: secrets.token_hex(16), WAVESPEED_REFUSE),
    path="/wavespeed/api/v3/{model:.+}",
    poll_path="/wavespeed/api/v3/predictions/{id}/result",
    describe=_model_of_path,
    clip=lambda submit: _market_clip(submit, WAVESPEED_REFUSE),
    accepted=lambda _service, task: {
        "code": 200,
        "message": "success",
        "data": _prediction(task, "created"),
    },
    shown=_wavespeed_task,
    missing=lambda _service: reply({"code": 404, "message": "prediction not found", "data": None}, 404),
    own_auth=True,
)
ATLAS = MarketRoute(
    family=Family("atlas", lambda: secrets.token_hex(16), ATLAS_REFUSE),
    path="/atlas/api/v1/model/generateVideo",
    poll_path="/atlas/api/v1/model/prediction/{id}",
    clip=lambda submit: _market_clip(submit, ATLAS_REFUSE),
    accepted=lambda _service, task: {"code": 200, "message": "success", "data": {"id": task.id}},
    shown=_atlas_task,
    missing=lambda _service: reply({"code": 404, "msg": "prediction not found", "data": None}, 404),
    own_auth=True,
)

# kie.ai answers every error with HTTP 200
KIE_REFUSE = refusals("kie", lambda _status, code, message: reply({"code": code, "msg": message, "data": None}))
_KIE_WORDS = words("waiting", "generating", "success", "fail")


def _kie_input(submit: SubmitRequest) -> None:
    """The model's own fields stand in `input`."""
    fields = submit.form.fields.get("input")
    submit.form.fields = fields if isinstance(fields, dict) else {}
    submit.prompt = str(submit.form.fields.get("prompt") or "")


async def _kie_clip(submit: SubmitRequest) -> ClipSpec:
    if not submit.model:
        raise ErrorResponse(KIE_REFUSE("invalid", "model cannot be empty"))
    _prompt_of(submit, KIE_REFUSE)
    body = submit.form.fields
    frames = await pictures_of(submit, ("image_urls",), KIE_REFUSE, only_links=True)
    return ClipSpec(
        float(check_seconds(body.get("duration"), KIE_REFUSE)), *pixels_of(body, KIE_REFUSE, frames), frames
    )


def _kie_task(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    failure = failure_of(task)
    ended = int(task.ended_at * 1000) if task.ended_at and view.ended else None
    shown = {
        "taskId": task.id,
        "model": task.model,
        "state": _KIE_WORDS[view.phase],
        "param": json.dumps({"model": task.model, "input": {"prompt": task.prompt}}),
        "resultJson": json.dumps({"resultUrls": [url]}) if view.phase is Phase.SUCCEEDED else "",
        "failCode": failure.code if view.failed else None,
        "failMsg": failure.message if view.failed else None,
        "createTime": int(task.created_at * 1000),
        "completeTime": ended,
    }
    return {"code": 200, "msg": "success", "data": shown}


def _kie_find(service: EmulatorService, request: web.Request, owner: str) -> Task | None:
    return service.store.get(request.query.get("taskId", ""), "kie", owner)


KIE = MarketRoute(
    family=Family("kie", lambda: f"task_{uuid.uuid4().hex[:16]}", KIE_REFUSE),
    path="/kie/api/v1/jobs/createTask",
    poll_path="/kie/api/v1/jobs/recordInfo",
    describe=_kie_input,
    clip=_kie_clip,
    accepted=lambda _service, task: {"code": 200, "msg": "success", "data": {"taskId": task.id}},
    shown=_kie_task,
    find=_kie_find,
    missing=lambda _service: reply({"code": 404, "msg": "The task does not exist", "data": None}),
    own_auth=True,
)
