"""Veo on Vertex AI (google-genai 3.6.1): polled by a POST to `:fetchPredictOperation`; the clip comes as base64."""

from __future__ import annotations

import uuid
from dataclasses import replace

from aiohttp import web

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.replies import ErrorResponse
from batchvid.emulator.routes import gemini_veo, google
from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

NAME = "vertex-veo"
MODEL = "/vertex/{version:v1(?:beta1)?}/projects/{project}/locations/{location}/publishers/google/models/{model:[^/:]+}"
PARAMETERS = gemini_veo.PARAMETERS | {"seed", "fps", "generateAudio", "compressionQuality", "resizeMode", "labels"}


def _describe(submit: SubmitRequest) -> None:
    """The operation's name contains project, location and model."""
    place = {name: submit.request.match_info[name] for name in ("project", "location", "model")}
    base = "projects/{project}/locations/{location}/publishers/google/models/{model}".format(**place)
    submit.family = Family(NAME, lambda: f"{base}/operations/{uuid.uuid4()}", google.refuse)


async def _clip(submit: SubmitRequest) -> ClipSpec:
    return await gemini_veo.clip(submit, PARAMETERS)


async def _link(service: EmulatorService, _request: web.Request, task: Task) -> str:
    return (await service.clips.inline(task)).partition(",")[2]


def _shown(_service: EmulatorService, task: Task, view: TaskView, encoded: str) -> Reply:
    result: dict[str, object] = {"raiMediaFilteredCount": 0}
    if view.phase is Phase.SUCCEEDED:
        result["videos"] = [{"bytesBase64Encoded": encoded, "mimeType": "video/mp4"}]
    if view.ended and task.outcome is Outcome.MODERATION:
        reasons = [task.message or gemini_veo.FILTERED]
        result = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": reasons}
    return gemini_veo.operation(task, view, result, "cloud.ai.large_models.vision.GenerateVideoResponse")


class VertexRoute(Route):
    """Operations of Vertex AI. The key is a token of Google's, as a bearer."""

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""
        super().register(router, service)

        async def fetch(request: web.Request) -> web.StreamResponse:
            name = str((await google.read(request)).fields.get("operationName", ""))
            named = replace(self, find=lambda service, _request, owner: service.store.get(name, NAME, owner))
            return await named._poll(service, request)

        router.add_post(MODEL + ":fetchPredictOperation", answering(fetch))

    def owner(self, service: EmulatorService, request: web.Request) -> str:
        """The owner of the caller's token. Raises ErrorResponse (401)."""
        try:
            return service.owner(request)
        except ErrorResponse:
            message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            raise ErrorResponse(google.error(401, "UNAUTHENTICATED", message)) from None

    def _name(self, request: web.Request) -> str:
        return google.filled(self.path, request)


async def _read(request: web.Request) -> Form:
    return await gemini_veo.read(request)


def _missing(_service: EmulatorService) -> web.Response:
    return google.error(404, "NOT_FOUND", "The operation is not found.")


ROUTE = VertexRoute(
    family=Family(NAME, lambda: "", google.refuse),
    path=MODEL + ":predictLongRunning",
    tasks="/vertex/{id:nothing-is-polled-by-get}",
    read=_read,
    describe=_describe,
    clip=_clip,
    accepted=lambda _service, task: {"name": task.id},
    shown=_shown,
    link=_link,
    missing=_missing,
)
