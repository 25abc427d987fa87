"""Reply envelopes that several routes share, and the exception that carries an error reply out of a handler."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

HTML_PAGE = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body><h1>Not here</h1></body></html>\n"

Refuse = Callable[[str, str], web.Response]  # (kind, message or empty) -> the error in the vendor's own envelope


class ErrorResponse(Exception):
    """The request is answered with `response` and has no effect."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def reply(data: Any, status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json")


def openai_error(
    status: int, message: str, *, kind: str = "comet_api_error", param: str = "", code: str = ""
) -> web.Response:
    """The OpenAI-style error of CometAPI; the message contains the request id (wire-notes 4.1)."""
    request_id = time.strftime("%Y%m%d%H%M%S", time.gmtime()) + f"{secrets.randbelow(10**18):018d}"
    text = f"{message} (request id: {request_id})"
    return reply({"error": {"message": text, "type": kind, "param": param, "code": code}}, status)


def task_error(status: int, code: str, message: str) -> web.Response:
    """The task error of the new-api family."""
    return reply({"code": code, "message": message, "data": None}, status)


def require(valid: object, error: Callable[[str], Exception], message: str) -> None:
    """Raise `error` with the message unless `valid`."""
    if not valid:
        raise error(message)


def html(status: int) -> web.Response:
    """Return an HTML page where the client expects JSON."""
    return web.Response(body=HTML_PAGE, status=status, content_type="text/html")
