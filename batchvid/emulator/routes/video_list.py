"""OpenAI's own list of videos, `GET /v1/videos?limit&order&after` (5 of the wire notes), as some servers have it.

CometAPI does not document it and gateways do not expose it, so it stands behind a dial.
"""

from __future__ import annotations

from aiohttp import web

from batchvid.emulator.replies import Refusal, reply, x1
from batchvid.emulator.routes.video_object import polled_bare
from batchvid.emulator.service import Desk

DEFAULT_LIMIT, MOST = 20, 100


def listed(desk: Desk, request: web.Request, families: frozenset[str]) -> web.StreamResponse:
    """The tasks that this key made in these families, the newest first unless asked for otherwise."""
    owner, said = desk.owner(request), request.query
    limit = said.get("limit", str(DEFAULT_LIMIT))
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST or said.get("order", "desc") not in ("asc", "desc"):
        raise Refusal(x1(400, "Invalid value for limit or order", kind="invalid_request_error"))
    tasks = [task for task in desk.store if task.owner == owner and task.family in families]
    if said.get("order", "desc") == "desc":
        tasks.reverse()
    ids = [task.id for task in tasks]
    if (after := said.get("after")) is not None:
        tasks = tasks[ids.index(after) + 1 :] if after in ids else []
    page = tasks[: int(limit)]
    rows = [polled_bare(task, desk.store.peek(task, desk.clock()), {"prompt": task.prompt}) for task in page]
    return reply(
        {
            "object": "list",
            "data": rows,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
            "has_more": len(tasks) > len(page),
        }
    )
