"""The table of vendors. To add one: write its module, add one line here."""

from aiohttp import web

from batchvid.emulator.routes import (
    account,
    ark,
    catalogue,
    comfy_router,
    dashscope,
    fal,
    gateway,
    gemini,
    gemini_veo,
    google,
    kling,
    kling_new,
    litellm,
    llmgateway,
    luma,
    markets,
    minimax,
    minimax_v1,
    newapi,
    openrouter,
    price_lists,
    replicate,
    runway,
    sglang,
    vertex_veo,
    videos,
    vidu,
    vllm_omni,
    xai,
)
from batchvid.emulator.routes.route import Route, register_content
from batchvid.emulator.service import EmulatorService

SERVERS = (sglang, vllm_omni, litellm, llmgateway, openrouter)  # with OpenAI's video routes
ROUTES: tuple[Route, ...] = (
    kling.ROUTE,
    kling_new.ROUTE,
    runway.ROUTE,
    xai.ROUTE,
    gateway.ROUTE,
    newapi.ROUTE,
    ark.ROUTE,
    ark.VOLC,
    markets.WAVESPEED,
    markets.ATLAS,
    markets.KIE,
    vidu.ROUTE,
    minimax.ROUTE,
    minimax_v1.ROUTE,
    dashscope.ROUTE,
    *(server.ROUTE for server in SERVERS),
    gemini.ROUTE,
    gemini_veo.ROUTE,
    luma.ROUTE,
    vertex_veo.ROUTE,
)
QUEUES = (fal.QUEUE, comfy_router.QUEUE)
_OWN = (*(route.family for route in ROUTES), *(queue.family for queue in QUEUES), replicate.FAMILY)
FAMILIES = {family.name: family for family in (*videos.FAMILIES, *_OWN)}


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add every vendor's routes."""
    price_lists.register(router)
    videos.register(router, service)
    for route in ROUTES:
        route.register(router, service)
    kling_new.register_polls(router, service)
    for route in litellm.COPIES:
        route.register(router, service)
    for server in SERVERS:
        server.EXTRAS.register(router, service, server.ROUTE)
    register_content(router, service, gateway.PATH, newapi.find_either, FAMILIES, gateway.ERROR_TYPE)
    google.register_files(router, service, (gemini.ROUTE.family.name, gemini_veo.NAME))
    account.register(router, service)
    fal.register(router, service)
    comfy_router.register(router, service)
    replicate.register(router, service)
    catalogue.register(router)
