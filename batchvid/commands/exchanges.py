"""Recorded exchanges with a vendor, run against a wire format: what it sends, and what it reads in the replies.

The form of a file is documented in docs/reference/exchanges.md.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from batchvid.dialects.dialect import Dialect
from batchvid.domain.clip_request import CLIP_FIELDS, ClipRequest
from batchvid.domain.wire import Accepted, GenerationRequest, ImageInput, Rejected, Request, Response, Status, Uncertain
from batchvid.errors import UnreadableReply, Unsupported, UsageError
from batchvid.near_matches import did_you_mean

STEPS = ("submit", "poll", "result")
NOTES = ("case", "source", "date", "confidence", "pitfall", "note")
KEYS = ("step", "dialect", "order", "request", "task_id", "response", "means", *NOTES)
MEANINGS = ("accepted", "rejected", "uncertain", "status", "unreadable")
Verdict = Accepted | Rejected | Uncertain | Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One file: `order` and `request` only where the request is the point, `means` with one verdict."""

    file: Path
    dialect: str
    step: str
    task_id: str
    order: GenerationRequest | None
    request: Mapping[str, Any] | None
    response: Response | None
    means: Mapping[str, Any]


def read_exchanges(folder: Path) -> list[Exchange]:
    """Read every .json file of a folder and the folders in it. Raises UsageError with the file's name."""
    files = sorted(folder.rglob("*.json"))
    if not files:
        raise UsageError(f"{folder}: there is no .json file here; docs/reference/exchanges.md shows one")
    return [_read(file) for file in files]


def differences(exchange: Exchange, dialect: Dialect) -> Iterator[str]:
    """Yield each difference between what is recorded and what the wire format does."""
    if exchange.order is not None and exchange.request is not None:
        yield from _request_differences(exchange, dialect, exchange.order, exchange.request)
    if exchange.response is not None and exchange.means:
        yield from _reply_differences(exchange, dialect, exchange.response)


def _request_differences(
    exchange: Exchange, dialect: Dialect, order: GenerationRequest, recorded: Mapping[str, Any]
) -> Iterator[str]:
    try:
        request = dialect.poll(order, exchange.task_id) if exchange.step == "poll" else dialect.submit(order)
    except Unsupported as exc:
        yield f"the order is refused: {exc.field}: {exc.reason}"
        return
    sent, recorded = as_recorded(request), {"headers": {}, **recorded}
    for key in sorted({*sent, *recorded}):
        yield from _compare(f"request.{key}", sent.get(key), recorded.get(key))


def _reply_differences(exchange: Exchange, dialect: Dialect, response: Response) -> Iterator[str]:
    ((meaning, fields),) = exchange.means.items()
    verdict = _read_reply(exchange, dialect, response)
    kind = "unreadable" if isinstance(verdict, str) else type(verdict).__name__.casefold()
    if kind != meaning:
        reason = (
            verdict if isinstance(verdict, str) else getattr(verdict, "message", "") or getattr(verdict, "task_id", "")
        )
        yield f"the reply is {kind}{f' ({reason})' if reason else ''}, recorded is {meaning}"
        return
    for name, value in fields.items() if isinstance(fields, dict) else ():
        if not hasattr(verdict, name):
            yield f"{meaning}.{name}: is no field of a reply's meaning"
        else:
            yield from _compare(f"{meaning}.{name}", _plain(getattr(verdict, name)), value)


def _read_reply(exchange: Exchange, dialect: Dialect, response: Response) -> Verdict | str:
    try:
        if exchange.step == "submit":
            return dialect.read_submit(response, sent=exchange.order)
        if exchange.step == "result":
            if dialect.read_result is None:
                return "the wire format has no follow_up"
            return dialect.read_result(response, exchange.task_id)
        return dialect.read_poll(response, exchange.task_id)
    except UnreadableReply as exc:
        return str(exc)


def _compare(place: str, found: object, recorded: object) -> Iterator[str]:
    """Yield the differences of two JSON values, each with its place."""
    if isinstance(found, dict) and isinstance(recorded, dict):
        for key in dict.fromkeys((*found, *recorded)):
            yield from _compare(f"{place}.{key}", found.get(key), recorded.get(key))
    elif found != recorded:
        yield f"{place}: {_shown(found)}, recorded is {_shown(recorded)}"


def _shown(value: object) -> str:
    text = "nothing" if value is None else orjson.dumps(value, default=str).decode()
    return text if len(text) <= 200 else f"{text[:200]}..."


def as_recorded(request: Request) -> dict[str, Any]:
    """A request in the form of a recording: files by their digest, everything else in full."""
    facts: dict[str, Any] = {"method": request.method, "path": request.path, "headers": dict(request.headers)}
    if request.json is not None:
        facts["json"] = dict(request.json)
    if request.parts:
        facts["parts"] = [
            {"name": part.name, "filename": part.filename, "content_type": part.content_type,
             "sha256": sha256(part.value).hexdigest()}
            if part.filename
            else {"name": part.name, "value": part.value.decode()}
            for part in request.parts
        ]  # fmt: skip
    return facts


def _plain(value: Any) -> Any:
    """A field of a verdict in the form of a recording; a clip is its location."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [asset.location for asset in value]
    if isinstance(value, Request):
        return {"method": value.method, "path": value.path}
    return dict(value) if isinstance(value, Mapping) else value


def _read(file: Path) -> Exchange:
    try:
        raw = orjson.loads(file.read_bytes())
    except OSError as exc:
        raise UsageError(f"{file}: {exc.strerror}") from None
    except ValueError as exc:
        raise UsageError(f"{file}: is no JSON: {exc}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"{file}: must be an object with step, response and means")
    for key in raw.keys() - set(KEYS):
        hint = did_you_mean(str(key), KEYS) or f"there are {', '.join(KEYS)}"
        raise UsageError(f"{file}: {key}: unknown key; {hint}")
    step, means, response = raw.get("step"), raw.get("means", {}), raw.get("response")
    if step not in STEPS:
        raise UsageError(f"{file}: step: must be one of {', '.join(STEPS)}")
    if response is None and raw.get("request") is None:
        raise UsageError(f"{file}: must have a response with what it means, or an order with its request")
    if response is not None and (not isinstance(means, dict) or len(means) != 1 or next(iter(means)) not in MEANINGS):
        raise UsageError(f"{file}: means: must have exactly one of {', '.join(MEANINGS)}")
    return Exchange(
        file=file,
        dialect=str(raw.get("dialect", "")),
        step=step,
        task_id=str(raw.get("task_id", "")),
        order=_order(file, raw["order"]) if raw.get("order") else None,
        request=raw.get("request"),
        response=None if response is None else _response(file, response),
        means=means,
    )


def _response(file: Path, raw: Any) -> Response:
    if not isinstance(raw, dict) or not isinstance(raw.get("status"), int):
        raise UsageError(f"{file}: response: must have a status, and json or text unless its body is empty")
    headers = raw.get("headers", {})
    if not isinstance(headers, dict):
        raise UsageError(f"{file}: response.headers: must be an object")
    body = orjson.dumps(raw["json"]) if "json" in raw else str(raw.get("text", "")).encode()
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    return Response(status=raw["status"], headers=lower, body=body)


def _order(file: Path, raw: Any) -> GenerationRequest:
    fields = dict(raw) if isinstance(raw, dict) else {}
    images, external_id = fields.pop("images", []), fields.pop("external_id", "")
    unknown = sorted(fields.keys() - set(CLIP_FIELDS))
    if unknown or "model" not in fields or "prompt" not in fields:
        reason = f"{unknown[0]} is no field of a clip" if unknown else "model and prompt are required"
        raise UsageError(f"{file}: order: {reason}")
    try:
        pictures = [ImageInput(data=b64decode(image.pop("data_base64", "")), **image) for image in images]
        return GenerationRequest(request=ClipRequest(**fields), images=tuple(pictures), external_id=external_id)
    except (TypeError, ValueError, AttributeError) as exc:
        raise UsageError(f"{file}: order.images: {exc}") from None
