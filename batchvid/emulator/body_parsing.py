"""Reads request bodies in any of three encodings into fields and files, in their order. It knows no field's meaning."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass, field
from typing import Any

import orjson
import python_multipart
from aiohttp import web
from python_multipart.multipart import parse_options_header

from batchvid.emulator.replies import ErrorResponse, openai_error


@dataclass(frozen=True, slots=True)
class File:
    """One file part."""

    field: str
    filename: str
    data: bytes


@dataclass(slots=True)
class Form:
    """A body. Text of forms stays text, a repeated field becomes a list; JSON values keep their types."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)

    def text(self, name: str) -> str:
        """Return a field as text, empty when it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def first_text(self, *names: str) -> str:
        """Return the first of these fields that is not empty."""
        return next((text for text in map(self.text, names) if text), "")


async def read_json(request: web.Request) -> Form:
    """Read a JSON object. Raises ErrorResponse (400)."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as exc:
        raise ErrorResponse(openai_error(400, f"invalid JSON: {exc}", code="invalid_json")) from None
    if not isinstance(body, dict):
        raise ErrorResponse(openai_error(400, "the body is not a JSON object", code="invalid_json"))
    return Form(fields=body)


async def read_form(request: web.Request) -> Form:
    """Read a body in any of the three encodings. Raises ErrorResponse (400) for others."""
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    if request.content_type == "application/json":
        return _with_reference_files(await read_json(request))
    if request.content_type == "application/x-www-form-urlencoded":
        return Form(fields={name: str(value) for name, value in (await request.post()).items()})
    raise ErrorResponse(openai_error(400, f"unsupported content type {request.content_type}", code="invalid_request"))


def decode_data_uri(text: str) -> bytes | None:
    """Decode `data:...;base64,...`; None for any other text."""
    head, comma, payload = text.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return decode_base64(payload)


def decode_base64(text: str) -> bytes | None:
    """Decode plain base64; None for any other text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


async def _read_multipart(request: web.Request) -> Form:
    """Read a multipart body. Raises ErrorResponse (400) for a malformed or truncated one."""
    body, form, kind = await request.read(), Form(), request.headers["Content-Type"].encode()

    def on_field(part: python_multipart.multipart.Field) -> None:
        name, text = (part.field_name or b"").decode(), (part.value or b"").decode()
        known = form.fields.get(name, [])
        form.fields[name] = [*(known if isinstance(known, list) else [known]), text] if known != [] else text

    def on_file(part: python_multipart.multipart.File) -> None:
        part.file_object.seek(0)
        name, filename = (part.field_name or b"").decode(), (part.file_name or b"").decode()
        form.files.append(File(name, filename, part.file_object.read()))
        part.close()

    try:
        python_multipart.parse_form({"Content-Type": kind}, io.BytesIO(body), on_field, on_file)
        if b"--" + parse_options_header(kind)[1][b"boundary"] + b"--" not in body:
            raise ValueError("it does not end with its boundary")
    except ValueError as exc:
        message = f"invalid multipart: {exc}"
        raise ErrorResponse(openai_error(400, message, code="invalid_multipart_form")) from None
    return form


def _with_reference_files(form: Form) -> Form:
    """OpenAI's JSON form has the reference as `{"image_url": <data URI>}`; plain strings are accepted too."""
    references = form.fields.get("input_reference")
    for reference in references if isinstance(references, list) else [references]:
        url = reference.get("image_url") if isinstance(reference, dict) else reference
        data = decode_data_uri(url) if isinstance(url, str) else None
        if data is not None:
            form.files.append(File("input_reference", "", data))
    return form
