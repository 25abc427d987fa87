"""The emulator's own pages below `/_emulator`: the ledger, the fault rules, a reset. They need no key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.fault_rules import FaultError
from batchvid.emulator.replies import reply
from batchvid.emulator.service import Desk
from batchvid.emulator.task import Task

PREFIX = "/_emulator"


def register(router: web.UrlDispatcher, desk: Desk) -> None:
    """Put the pages up."""

    async def show_ledger(request: web.Request) -> web.Response:
        return reply(ledger(desk, tasks=request.query.get("tasks") != "0"))

    async def show_faults(_request: web.Request) -> web.Response:
        return reply(desk.faults.as_list())

    async def put_faults(request: web.Request) -> web.Response:
        try:
            desk.faults.replace(orjson.loads(await request.read()))
        except (FaultError, orjson.JSONDecodeError) as error:
            return reply({"error": str(error)}, 400)
        return reply(desk.faults.as_list())

    async def reset(request: web.Request) -> web.Response:
        if request.query.get("tasks") == "1":
            desk.store.clear()
        desk.ledger.clear()
        return reply({})

    router.add_get(PREFIX + "/ledger", show_ledger)
    router.add_get(PREFIX + "/faults", show_faults)
    router.add_put(PREFIX + "/faults", put_faults)
    router.add_post(PREFIX + "/reset", reset)


def ledger(desk: Desk, *, tasks: bool = True) -> dict[str, Any]:
    """The books as of now."""
    desk.store.settle(desk.clock())
    books = desk.ledger.as_dict()
    if tasks:
        books["tasks"] = [_line(desk, task) for task in desk.store]
    return books


def _line(desk: Desk, task: Task) -> dict[str, Any]:
    line: dict[str, Any] = {
        "task_id": task.id,
        "route": task.route,
        "family": task.family,
        "kind": task.kind,
        "model": task.model,
        "prompt": task.prompt,
        "external_task_id": task.external_task_id,
        "created_at": datetime.fromtimestamp(task.created_at, UTC).isoformat(),
        "status": desk.store.peek(task, desk.clock()).phase,
        "seconds": task.seconds,
        "width": task.width,
        "height": task.height,
        "images": task.images,
        "references": task.references,
        "polls": task.polls,
    }
    price = desk.settings.usd_per_s.get(task.family)
    if price is not None:
        line["price"] = round(price * task.seconds, 6)
    return line
