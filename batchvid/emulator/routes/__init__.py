"""The table of vendors. To add one: write its module, add one line here."""

from aiohttp import web

from batchvid.emulator.routes import (
    ark,
    catalogue,
    dashscope,
    gateway,
    kling,
    kling_new,
    markets,
    minimax,
    minimax_v1,
    newapi,
    price_lists,
    runway,
    videos,
    vidu,
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
    markets.WAVESPEED,
    markets.ATLAS,
    markets.KIE,
    vidu.ROUTE,
    minimax.ROUTE,
    minimax_v1.ROUTE,
    dashscope.ROUTE,
)
FAMILIES = {family.name: family for family in (*videos.FAMILIES, *(route.family for route in ROUTES))}


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add every vendor's routes."""
    price_lists.register(router)
    videos.register(router, service)
    for route in ROUTES:
        route.register(router, service)
    kling_new.register_polls(router, service)
    register_content(router, service, gateway.PATH, newapi.find_either, FAMILIES, gateway.ERROR_TYPE)
    catalogue.register(router)
