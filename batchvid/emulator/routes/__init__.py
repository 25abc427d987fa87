"""The table of vendors. To add one: write its module, add one line here."""

from aiohttp import web

from batchvid.emulator.routes import (
    ark,
    catalogue,
    gateway,
    kling,
    litellm,
    llmgateway,
    newapi,
    openrouter,
    runway,
    sglang,
    videos,
    vllm_omni,
    xai,
)
from batchvid.emulator.routes.route import Route, register_content
from batchvid.emulator.service import EmulatorService

SERVERS = (sglang, vllm_omni, litellm, llmgateway, openrouter)  # with OpenAI's video routes
ROUTES: tuple[Route, ...] = (
    kling.ROUTE,
    runway.ROUTE,
    xai.ROUTE,
    gateway.ROUTE,
    newapi.ROUTE,
    ark.ROUTE,
    ark.VOLC,
    *(server.ROUTE for server in SERVERS),
)
FAMILIES = {family.name: family for family in (*videos.FAMILIES, *(route.family for route in ROUTES))}


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add every vendor's routes."""
    videos.register(router, service)
    for route in ROUTES:
        route.register(router, service)
    for route in litellm.COPIES:
        route.register(router, service)
    for server in SERVERS:
        server.EXTRAS.register(router, service, server.ROUTE)
    register_content(router, service, gateway.PATH, newapi.find_either, FAMILIES, gateway.ERROR_TYPE)
    catalogue.register(router)
