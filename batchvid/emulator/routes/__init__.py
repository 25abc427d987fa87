"""The table of vendors. To add one: write its module, add one line here."""

from aiohttp import web

from batchvid.emulator.routes import (
    ark,
    catalogue,
    comfy_router,
    dashscope,
    fal,
    gateway,
    kling,
    kling_new,
    minimax,
    minimax_v1,
    newapi,
    price_lists,
    replicate,
    runway,
    videos,
    xai,
)
from batchvid.emulator.routes.route import register_content
from batchvid.emulator.service import EmulatorService

ROUTES = (
    kling.ROUTE,
    kling_new.ROUTE,
    runway.ROUTE,
    xai.ROUTE,
    gateway.ROUTE,
    newapi.ROUTE,
    ark.ROUTE,
    ark.VOLC,
    minimax.ROUTE,
    minimax_v1.ROUTE,
    dashscope.ROUTE,
)
QUEUES = (fal.QUEUE, comfy_router.QUEUE)
_OWN = (*(route.family for route in (*ROUTES, *QUEUES)), replicate.FAMILY)
FAMILIES = {family.name: family for family in (*videos.FAMILIES, *_OWN)}


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add every vendor's routes."""
    price_lists.register(router)
    videos.register(router, service)
    for route in ROUTES:
        route.register(router, service)
    kling_new.register_polls(router, service)
    register_content(router, service, gateway.PATH, newapi.find_either, FAMILIES, gateway.ERROR_TYPE)
    fal.register(router, service)
    comfy_router.register(router, service)
    replicate.register(router, service)
    catalogue.register(router)
