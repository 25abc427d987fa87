"""OpenAI's own list, `GET /v1/videos?limit&order&after` (5 of the wire notes), as some servers have it.

CometAPI does not document it and gateways do not expose it, so a setting enables it.
"""

from __future__ import annotations

from aiohttp import web

from batchvid.emulator.replies import ErrorResponse, openai_error, reply
from batchvid.emulator.routes.video_object import polled_bare
from batchvid.emulator.service import EmulatorService

DEFAULT_LIMIT, MAX_LIMIT = 20, 100


def listed(service: EmulatorService, request: web.Request, families: frozenset[str]) -> web.StreamResponse:
    """The tasks that this key created in these families, newest first by default."""
    owner, query = service.owner(request), request.query
    limit, order = query.get("limit", str(DEFAULT_LIMIT)), query.get("order", "desc")
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LIMIT or order not in ("asc", "desc"):
        raise ErrorResponse(openai_error(400, "Invalid value for limit or order", kind="invalid_request_error"))
    tasks = [task for task in service.store if task.owner == owner and task.family in families]
    if order == "desc":
        tasks.reverse()
    ids = [task.id for task in tasks]
    if (after := query.get("after")) is not None:
        tasks = tasks[ids.index(after) + 1 :] if after in ids else []
    page = tasks[: int(limit)]
    rows = [polled_bare(task, service.store.peek(task, service.clock()), {"prompt": task.prompt}) for task in page]
    ends = {"first_id": page[0].id, "last_id": page[-1].id} if page else {"first_id": None, "last_id": None}
    return reply({"object": "list", "data": rows, **ends, "has_more": len(tasks) > len(page)})
