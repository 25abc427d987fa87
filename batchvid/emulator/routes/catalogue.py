"""`GET /api/models` (9.1 of the wire notes): CometAPI's public catalogue, with its irregular values. Needs no key.

`endpoints` is JSON in a string, once an object and once null; prices are null, integers or fractions; one model is not
available yet.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.replies import reply

CREATED = 1767529753
NO_PRICE = {"currency": "USD / M Tokens", "input": None, "output": None}
T2V, I2V, EDIT = "text-to-video", "image-to-video", "video-editing"


def register(router: web.UrlDispatcher) -> None:
    """Add the page."""

    async def show(request: web.Request) -> web.Response:
        return reply(_page(max(1, _number(request, "page")), _number(request, "page_size")))

    router.add_get("/api/models", show)


def _page(page: int, size: int) -> dict[str, Any]:
    """One page of the list, from 1; with a size of 0 the whole list, as page 0 of size 0."""
    start = (page - 1) * size
    data = MODELS[start : start + size] if size else MODELS
    return {"success": True, "page": page if size else 0, "page_size": size, "total": len(MODELS), "data": data}


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 0


def _model(
    name: str,
    maker: str,
    adapter: str,
    path: str,
    *features: str,
    per_second: float | None = None,
    per_request: float | None = None,
    upcoming: bool = False,
) -> dict[str, Any]:
    return {
        "created": CREATED,
        "id": name,
        "code": name,
        "provider": maker,
        "provider_code": maker.lower(),
        "name": name,
        "model_type": "video",
        "features": list(features),
        "endpoints": orjson.dumps({adapter: {"path": path, "method": "POST"}}, option=orjson.OPT_INDENT_2).decode(),
        "pricing": {**NO_PRICE, "per_request": per_request, "per_second": per_second},
        "upcoming": upcoming,
    }


KLING_PATHS = "/kling/v1/videos/text2video"
MODELS: list[dict[str, Any]] = [
    _model("veo3-fast", "Google", "veo", "/v1/videos", T2V, I2V, per_second=0.05),
    _model("veo3.1", "Google", "veo", "/v1/videos", T2V, I2V, per_second=0.32),
    _model("veo3.1-fast", "Google", "veo", "/v1/videos", T2V, I2V, per_second=0.08),
    _model("sora-2", "OpenAI", "openai-video", "/v1/videos", T2V, I2V, per_second=0.08),
    _model("sora-2-pro", "OpenAI", "openai-video", "/v1/videos", T2V, I2V),
    _model("doubao-seedance-2-0", "ByteDance", "seedance", "/v1/videos", T2V, I2V, per_second=0.024),
    _model("doubao-seedance-2-0-fast", "ByteDance", "seedance", "/v1/videos", T2V, I2V),
    _model("doubao-seedance-1-5-pro", "ByteDance", "seedance", "/v1/videos", T2V),
    _model("seedance-2-5", "ByteDance", "seedance", "/v1/videos", T2V, I2V, upcoming=True),
    _model("kling-v2-6", "Kling", "kling", KLING_PATHS, T2V, I2V, per_request=0.13),
    _model("kling-video-o1", "Kling", "kling", "/kling/v1/videos/omni-video", T2V, I2V, EDIT, per_request=1),
    _model("gen3a_turbo", "Runway", "runway", "/runwayml/v1/image_to_video", I2V, per_request=0.32),
    _model("grok-imagine-video", "xAI", "xai", "/grok/v1/videos/generations", T2V, I2V, EDIT, per_second=0.05),
    {**_model("wan-2-6", "Alibaba", "video", "/v1/videos", T2V), "endpoints": {"video": {"path": "/v1/videos"}}},
    {**_model("a-text-model", "Example", "openai", "/v1/chat/completions"), "model_type": "text", "endpoints": None},
]
"""With the prices of 9.2; the others are null."""
