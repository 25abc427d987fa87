"""The content route of `/v1/videos` and the gateway: the clip itself, through the API and with the key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from batchvid.emulator import cdn
from batchvid.emulator.fault_injection import apply_fault
from batchvid.emulator.replies import ErrorResponse, openai_error
from batchvid.emulator.routes.route import Find, answering
from batchvid.emulator.routes.video_object import WRAPPER_WORDS
from batchvid.emulator.service import EmulatorService, Family
from batchvid.emulator.task_lifecycle import Phase

INVALID = "invalid_request_error"


def register(
    router: web.UrlDispatcher,
    service: EmulatorService,
    path: str,
    find: Find,
    families: Mapping[str, Family],
    error_type: str = "comet_api_error",
) -> None:
    """Add the route. It ignores ranges, since real gateways build a new request (wire-notes 6.5)."""

    async def content(request: web.Request) -> web.StreamResponse:
        task = find(service, request, service.owner(request, error_type))
        if task is None:
            raise ErrorResponse(openai_error(404, "Task not found", kind=INVALID))
        view = service.store.peek(task, service.clock())
        if view.phase is not Phase.SUCCEEDED:
            message = f"Task is not completed yet, current status: {WRAPPER_WORDS[view.phase]}"
            raise ErrorResponse(openai_error(400, message, kind=INVALID))
        variant = request.query.get("variant", "video")
        if variant not in cdn.VARIANTS:
            raise ErrorResponse(openai_error(400, f"Unknown variant '{variant}'", kind=INVALID, param="variant"))
        if request.method == "GET":
            service.ledger.count("downloads", task.family, task.route)
        action = service.match_fault("content", families[task.family], task)
        act = partial(cdn.deliver_content, service.clips, request, task, variant, action)
        return await apply_fault(action, request, act, families[task.family].refuse)

    router.add_get(path + "/{id}/content", answering(content))
