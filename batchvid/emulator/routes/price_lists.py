"""The lists of OpenRouter (`GET /videos/models`) and fal (`GET /v1/models`, `/v1/models/pricing`), in their shapes.

Sources: openrouter.ai/docs (VideoModelsListResponse), fal.ai/docs (Platform APIs: Models, Pricing).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.replies import reply

DATA = Path(__file__).parents[1] / "data"
MAX_IDS = 50


def register(router: web.UrlDispatcher) -> None:
    """Add the lists."""
    openrouter = orjson.loads((DATA / "openrouter_models.json").read_bytes())
    fal: dict[str, dict[str, Any]] = orjson.loads((DATA / "fal_prices.json").read_bytes())

    async def video_models(_request: web.Request) -> web.Response:
        return reply({"data": openrouter})

    async def models(request: web.Request) -> web.Response:
        category = request.query.get("category", "")
        rows = [
            {"endpoint_id": name, "metadata": {"display_name": name, "category": row["category"], "status": "active"}}
            for name, row in fal.items()
            if category in ("", row["category"])
        ]
        return reply({"models": rows, "next_cursor": None, "has_more": False})

    async def prices(request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Key "):
            return _error(401, "authorization_error", "Authentication required")
        ids = [one for value in request.query.getall("endpoint_id", []) for one in value.split(",") if one]
        if not 0 < len(ids) <= MAX_IDS:
            return _error(400, "validation_error", f"endpoint_id: 1 to {MAX_IDS} are allowed")
        if missing := next((one for one in ids if one not in fal), None):
            return _error(404, "not_found", f"Endpoint {missing} not found")
        rows = [{"endpoint_id": one, **{k: v for k, v in fal[one].items() if k != "category"}} for one in ids]
        return reply({"prices": rows, "next_cursor": None, "has_more": False})

    for path in ("/openrouter/videos/models", "/openrouter/api/v1/videos/models"):
        router.add_get(path, video_models)
    router.add_get("/fal/v1/models", models)
    router.add_get("/fal/v1/models/pricing", prices)


def _error(status: int, kind: str, message: str) -> web.Response:
    return reply({"error": {"type": kind, "message": message}}, status)
