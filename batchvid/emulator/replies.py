"""The envelopes that several routes answer with, and the exception that carries a refusal out of a handler."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

HTML_PAGE = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body><h1>Not here</h1></body></html>\n"


class Refusal(Exception):
    """The request is answered with `response`, and nothing happens."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON."""
    return web.Response(body=orjson.dumps(data), status=status, headers=headers, content_type="application/json")


def x1(status: int, message: str, *, kind: str = "comet_api_error", param: str = "", code: str = "") -> web.Response:
    """The OpenAI-style error of CometAPI; the request id stands inside the message (4.1 of the wire notes)."""
    text = f"{message} (request id: {request_id()})"
    return reply({"error": {"message": text, "type": kind, "param": param, "code": code}}, status)


def x2(status: int, code: str, message: str) -> web.Response:
    """The task error of the new-api family."""
    return reply({"code": code, "message": message, "data": None}, status)


def html(status: int) -> web.Response:
    """A page where JSON was expected."""
    return web.Response(body=HTML_PAGE, status=status, content_type="text/html")


def request_id() -> str:
    """A trace id in the vendor's form: a time and random digits."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime()) + f"{secrets.randbelow(10**18):018d}"
