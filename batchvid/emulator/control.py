"""The emulator's own pages below `/_emulator`: the ledger, the fault rules, a reset, keys. They need no key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.fault_rules import FaultError
from batchvid.emulator.replies import reply
from batchvid.emulator.service import EmulatorService
from batchvid.emulator.task import Task

PREFIX = "/_emulator"


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the pages."""

    async def show_ledger(request: web.Request) -> web.Response:
        return reply(ledger(service, tasks=request.query.get("tasks") != "0"))

    async def faults(request: web.Request) -> web.Response:
        if request.method == "PUT":
            try:
                service.faults.replace(orjson.loads(await request.read()))
            except (FaultError, orjson.JSONDecodeError) as exc:
                return reply({"error": str(exc)}, 400)
        return reply(service.faults.as_list())

    async def reset(request: web.Request) -> web.Response:
        if request.query.get("tasks") == "1":
            service.store.clear()
        service.ledger.clear()
        return reply({})

    async def key_set(_request: web.Request) -> web.Response:
        return reply(service.callbacks.key_set())

    router.add_get(PREFIX + "/jwks.json", key_set)
    router.add_get(PREFIX + "/ledger", show_ledger)
    router.add_get(PREFIX + "/faults", faults)
    router.add_put(PREFIX + "/faults", faults)
    router.add_post(PREFIX + "/reset", reset)


def ledger(service: EmulatorService, *, tasks: bool = True) -> dict[str, Any]:
    """The counters, with one line per task."""
    service.store.settle(service.clock())
    rows = {"tasks": [_row(service, task) for task in service.store]} if tasks else {}
    return {**service.ledger.as_dict(), **rows}


SAME = (  # fields of a row that are the task's own
    *("route", "family", "kind", "model", "prompt", "external_task_id"),
    *("seconds", "width", "height", "images", "references", "polls"),
)


def _row(service: EmulatorService, task: Task) -> dict[str, Any]:
    row = {
        "task_id": task.id,
        **{name: getattr(task, name) for name in SAME},
        "created_at": datetime.fromtimestamp(task.created_at, UTC).isoformat(),
        "status": service.store.peek(task, service.clock()).phase,
    }
    price = service.settings.usd_per_s.get(task.family)
    return row if price is None else {**row, "price": round(price * task.seconds, 6)}
