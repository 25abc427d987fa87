"""What Google's two video APIs share in the emulator: the key, errors, encoded pictures, and files behind the key."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator import cdn
from batchvid.emulator.authorization import header
from batchvid.emulator.body_parsing import File, Form, decode_base64
from batchvid.emulator.fault_injection import apply_fault
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import refusals
from batchvid.emulator.routes.images import store_image
from batchvid.emulator.routes.route import Route, answering
from batchvid.emulator.service import EmulatorService, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase

# google-genai 3.6.1 calls v1 where nothing else is set, Google's pages call v1beta
PREFIX = "/gemini/{version:v1(?:alpha|beta)?}"
RPC_WORDS = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
REASONS = frozenset({"API_KEY_INVALID"})  # of an ErrorInfo, beside the word of the status
SHORTER_SIDES = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}


def error(status: int, code: str, message: str) -> web.Response:
    """An error: of the service with a word as its code, or of Google's front end with the HTTP status as its code."""
    if code.islower():
        return reply({"error": {"code": code, "message": message}}, status)
    body: dict[str, Any] = {"code": status, "message": message, "status": RPC_WORDS.get(status, code)}
    if code in REASONS:
        info = "type.googleapis.com/google.rpc.ErrorInfo"
        service = {"service": "generativelanguage.googleapis.com"}
        body["details"] = [{"@type": info, "reason": code, "domain": "googleapis.com", "metadata": service}]
    return reply({"error": body}, status)


refuse = refusals("gemini", error)


def invalid(message: str) -> ErrorResponse:
    """The refusal of a request that is not valid."""
    return ErrorResponse(refuse("invalid", message))


def owner(service: EmulatorService, request: web.Request) -> str:
    """A digest of the key in `x-goog-api-key` or `?key=`. Raises ErrorResponse."""
    key = header(request, "x-goog-api-key") or request.query.get("key", "")
    found = service.owner_of(request, key)
    if not found and not key:
        message = "Method doesn't allow unregistered callers (callers without established identity)."
        raise ErrorResponse(error(403, "PERMISSION_DENIED", message))
    if not found:
        raise ErrorResponse(refuse("auth", ""))
    return found


async def read(request: web.Request) -> Form:
    """Read a JSON object. Raises ErrorResponse."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as exc:
        raise invalid(f"Invalid JSON payload received. {exc}") from None
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    return Form(fields=body)


async def picture(submit: SubmitRequest, encoded: Any, field: str) -> InputImage:
    """Store a picture given as base64. Raises ErrorResponse."""
    data = decode_base64(encoded) if isinstance(encoded, str) else None
    if not data:
        raise invalid(f"Invalid value at '{field}': base64 decoding failed")
    return await store_image(submit, File(field, "", data), field, invalid)


def file_id(task: Task) -> str:
    """The id of the file that holds the task's clip."""
    return re.sub(r"[^a-z0-9]", "", task.id.casefold())[-16:]


def file_uri(request: web.Request, task: Task) -> str:
    """The address of the clip, which needs the key."""
    return f"{request.scheme}://{request.host}/gemini/v1beta/files/{file_id(task)}:download?alt=media"


def filled(path: str, request: web.Request) -> str:
    """The pattern of a path with what the request has in its places."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda part: request.match_info.get(part[1], part[1]), path)


class GoogleRoute(Route):
    """A route of Google's, with its own key and errors."""

    def owner(self, service: EmulatorService, request: web.Request) -> str:
        """The owner of the caller's key. Raises ErrorResponse."""
        return owner(service, request)

    def _name(self, request: web.Request) -> str:
        """The route's name in the ledger."""
        return filled(self.path, request)


def register_files(router: web.UrlDispatcher, service: EmulatorService, families: Collection[str]) -> None:
    """Add the Files API, as far as the clips of these families need it: a file's state, and its bytes."""

    def find(request: web.Request) -> Task:
        caller, name = owner(service, request), request.match_info["file"]
        own = (task for task in service.store if task.family in families and task.owner == caller and not task.removed)
        task = next((task for task in own if file_id(task) == name), None)
        if task is None:
            missing = "You do not have permission to access the File or it may not exist."
            raise ErrorResponse(error(403, "PERMISSION_DENIED", missing))
        return task

    async def show(request: web.Request) -> web.StreamResponse:
        task = find(request)
        uri = file_uri(request, task)
        name, own = f"files/{file_id(task)}", uri.partition(":download")[0]
        fields = {"mimeType": "video/mp4", "state": "ACTIVE", "source": "GENERATED"}
        return reply({"name": name, **fields, "uri": own, "downloadUri": uri})

    async def download(request: web.Request) -> web.StreamResponse:
        task = find(request)
        if (
            service.store.peek(task, service.clock()).phase is not Phase.SUCCEEDED
            or request.query.get("alt") != "media"
        ):
            raise invalid("The file is not ready, or alt=media is missing.")
        service.ledger.count("downloads", task.family, task.route)
        action = service.faults.match_fault("content", task.family, task, task.id)
        act = partial(cdn.deliver_content, service.clips, request, task, "video", action)
        return await apply_fault(action, request, act, refuse)

    router.add_get(PREFIX + "/files/{file:[^/:]+}", answering(show))
    router.add_get(PREFIX + "/files/{file:[^/:]+}:download", answering(download))
