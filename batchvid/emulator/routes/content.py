"""The content route, as `/v1/videos` and the gateway have it: the clip itself, through the API and with the key."""

from __future__ import annotations

from aiohttp import web

from batchvid.emulator import cdn
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.replies import Refusal, x1
from batchvid.emulator.routes.video_object import WRAPPER_WORDS
from batchvid.emulator.service import Desk, Family
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase


async def deliver(
    desk: Desk, clips: Clips, request: web.Request, family: Family, task: Task | None
) -> web.StreamResponse:
    """The clip, or with `?variant=` a picture of it. Raises Refusal: no such task (404), not finished (400).

    Ranges are not honoured, since real gateways build a fresh request (6.5 of the wire notes).
    """
    if task is None:
        raise Refusal(x1(404, "Task not found", kind="invalid_request_error"))
    view = desk.store.peek(task, desk.clock())
    if view.phase is not Phase.SUCCEEDED:
        message = f"Task is not completed yet, current status: {WRAPPER_WORDS[view.phase]}"
        raise Refusal(x1(400, message, kind="invalid_request_error"))
    variant = request.query.get("variant", "video")
    if variant not in cdn.VARIANTS:
        raise Refusal(x1(400, f"Unknown variant '{variant}'", kind="invalid_request_error", param="variant"))
    return await desk.fetch(
        request, family, task, lambda deed: lambda: cdn.deliver_content(clips, request, task, variant, deed)
    )
