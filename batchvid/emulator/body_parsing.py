"""Request bodies in any of three encodings, as fields and files in their order. It must not know their meaning."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.replies import Refusal, x1


@dataclass(frozen=True, slots=True)
class File:
    """One file part."""

    field: str
    filename: str
    data: bytes


@dataclass(slots=True)
class Form:
    """What was posted. Text of forms stays text, repeated text becomes a list; JSON values keep their types."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)

    def add(self, name: str, text: str) -> None:
        """One more text field."""
        known = self.fields.get(name)
        if known is None:
            self.fields[name] = text
        else:
            self.fields[name] = [*known, text] if isinstance(known, list) else [known, text]

    def text(self, name: str) -> str:
        """A field as text, empty when it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object. Raises Refusal (400)."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise Refusal(x1(400, f"invalid JSON: {error}", code="invalid_json")) from None
    if not isinstance(body, dict):
        raise Refusal(x1(400, "the body is not a JSON object", code="invalid_json"))
    return body


async def read_form(request: web.Request, *, strict_multipart: bool) -> Form:
    """The body in whatever encoding it comes. Raises Refusal (400) for others; if strict, for all but one."""
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    if strict_multipart:
        raise Refusal(x1(400, "the body must be multipart/form-data", code="invalid_multipart_form"))
    if request.content_type == "application/json":
        return _from_json(await read_json(request))
    if request.content_type == "application/x-www-form-urlencoded":
        return Form(fields={name: str(value) for name, value in (await request.post()).items()})
    raise Refusal(x1(400, f"unsupported content type {request.content_type}", code="invalid_request"))


def decode_data_uri(text: str) -> bytes | None:
    """The bytes of `data:...;base64,...`; None when the text is something else."""
    head, comma, payload = text.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return decode_base64(payload)


def decode_base64(text: str) -> bytes | None:
    """The bytes of plain base64; None when the text is something else."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


async def _read_multipart(request: web.Request) -> Form:
    form = Form()
    try:
        for head, data in _parts(await request.read(), request.headers["Content-Type"]):
            name, filename = head.get_param("name", header="Content-Disposition"), head.get_filename()
            if not isinstance(name, str):
                raise ValueError("a part has no name")
            if filename is None:
                form.add(name, data.decode())
            else:
                form.files.append(File(name, filename, data))
    except ValueError as error:
        raise Refusal(x1(400, f"invalid multipart: {error}", code="invalid_multipart_form")) from None
    return form


def _parts(body: bytes, content_type: str) -> Iterator[tuple[Message, bytes]]:
    """The parts of a multipart body, each with its head. Raises ValueError when it is none, or is cut off.

    aiohttp's own reader calls what aiohttp has deprecated when a body comes in small pieces: an HTTP 500 where warnings
    are errors.
    """
    kind = Message()
    kind["Content-Type"] = content_type
    boundary = kind.get_boundary()
    if not boundary:
        raise ValueError("it has no boundary")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if not parts or not parts.pop().startswith(b"--"):
        raise ValueError("it does not end with its boundary")
    for part in parts:
        head, blank, data = part.partition(b"\r\n\r\n")
        if not blank:
            raise ValueError("a part has no head")
        yield message_from_bytes(head.lstrip() + b"\r\n\r\n"), data


def _from_json(body: dict[str, Any]) -> Form:
    """OpenAI's JSON form carries the reference as `{"image_url": <data URI>}`; plain strings are taken too."""
    form = Form(fields=body)
    references = body.get("input_reference")
    for reference in references if isinstance(references, list) else [references]:
        url = reference.get("image_url") if isinstance(reference, dict) else reference
        data = decode_data_uri(url) if isinstance(url, str) else None
        if data is not None:
            form.files.append(File("input_reference", "", data))
    return form
