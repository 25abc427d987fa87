"""`GET /api/models` (wire-notes 9.1, 9.2): CometAPI's public catalogue, with its irregular values."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
from aiohttp import web

from batchvid.emulator.replies import reply

MODELS_FILE = Path(__file__).parents[1] / "data" / "catalogue.json"


def register(router: web.UrlDispatcher) -> None:
    """Add the page: one page of the list, from 1; without a `page_size` the whole list, as page 0 of size 0."""
    models = orjson.loads(MODELS_FILE.read_bytes())

    async def show(request: web.Request) -> web.Response:
        page, size = max(1, _number(request, "page")), _number(request, "page_size")
        data = models[(page - 1) * size : page * size] if size else models
        numbers = {"page": page if size else 0, "page_size": size, "total": len(models)}
        return reply({"success": True, **numbers, "data": data})

    router.add_get("/api/models", show)


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 0
