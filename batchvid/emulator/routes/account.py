"""The account pages of the new-api family, CometAPI's included (cometapi-cli 0.3.10): tasks, logs, the balance.

What they charge is what the ledger shows: the price of each task, and a refund for each failed one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.authorization import bearer
from batchvid.emulator.replies import reply
from batchvid.emulator.service import EmulatorService
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

QUOTA_PER_USD = 500_000
CONSUME, REFUND = 2, 6
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 10, 100
_WORDS = {
    Phase.QUEUED: "QUEUED",
    Phase.THROTTLED: "SUBMITTED",
    Phase.SUCCEEDED: "SUCCESS",
    Phase.RUNNING: "IN_PROGRESS",
}
Row = dict[str, Any]


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the pages."""

    def answer(request: web.Request, rows: Sequence[Row]) -> web.Response:
        token = bearer(request)
        if not token or (service.settings.account_token and token != service.settings.account_token):
            return reply({"success": False, "message": "无权进行此操作，access token 无效"}, 401)
        start, end = _number(request, "start_timestamp"), _number(request, "end_timestamp")
        found = [row for row in rows if start <= row["created_at"] and (not end or row["created_at"] <= end)]
        number = max(1, _number(request, "p"))
        size = min(_number(request, "page_size") or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        items = found[(number - 1) * size : number * size]
        data = {"page": number, "page_size": size, "total": len(found), "items": items}
        return reply({"success": True, "message": "", "data": data})

    async def tasks(request: web.Request) -> web.Response:
        return answer(request, list(reversed([_task_row(service, task) for task in service.store])))

    async def logs(request: web.Request) -> web.Response:
        kind = _number(request, "type")
        rows = [row for task in service.store for row in _log_rows(service, task)]
        return answer(request, [row for row in reversed(rows) if not kind or row["type"] == kind])

    async def status(_request: web.Request) -> web.Response:
        return reply({"success": True, "message": "", "data": {"quota_per_unit": QUOTA_PER_USD, "version": "emulator"}})

    async def subscription(request: web.Request) -> web.Response:
        service.owner(request)
        limit = service.settings.balance_usd + _spent_usd(service)
        return reply({"object": "billing_subscription", "has_payment_method": True, "hard_limit_usd": limit})

    async def usage(request: web.Request) -> web.Response:
        service.owner(request)
        return reply({"object": "list", "total_usage": _spent_usd(service) * 100})

    for path, handler in (("/api/task/self", tasks), ("/api/log/self", logs), ("/api/status", status)):
        router.add_get(path, handler)
    router.add_get("/v1/dashboard/billing/subscription", subscription)
    router.add_get("/v1/dashboard/billing/usage", usage)


def _quota(service: EmulatorService, task: Task) -> int:
    return round(service.settings.usd_per_s.get(task.family, 0.0) * task.seconds * QUOTA_PER_USD)


def _view(service: EmulatorService, task: Task) -> TaskView:
    return service.store.peek(task, service.clock())


def _task_row(service: EmulatorService, task: Task) -> Row:
    view = _view(service, task)
    return {
        "id": int.from_bytes(task.id.encode()[-4:]),
        "created_at": int(task.created_at),
        "submit_time": int(task.created_at),
        "finish_time": int(task.ended_at or 0),
        "platform": task.family,
        "task_id": task.id,
        "action": task.kind or "generate",
        "status": "FAILURE" if view.failed else _WORDS.get(view.phase, "UNKNOWN"),
        "model_name": task.model,
        "progress": f"{view.progress}%",
        "quota": _quota(service, task),
    }


def _log_rows(service: EmulatorService, task: Task) -> Iterator[Row]:
    common = {"model_name": task.model, "token_name": "default", "quota": _quota(service, task), "use_time": 0}
    other = orjson.dumps({"model_price": -1, "group_ratio": 1}).decode()
    yield {**common, "created_at": int(task.created_at), "type": CONSUME, "content": "", "other": other}
    if _view(service, task).failed:
        text = f"异步任务执行失败 {task.id}，补偿"
        ended = int(task.ended_at or task.created_at)
        yield {**common, "created_at": ended, "type": REFUND, "content": text, "other": ""}


def _spent_usd(service: EmulatorService) -> float:
    kept = [task for task in service.store if not _view(service, task).failed]
    return round(sum(_quota(service, task) for task in kept) / QUOTA_PER_USD, 6)


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0
