"""Recorded wire exchanges and their reader: what each dialect must say and understand, as data (see README.md).

The dialects are judged by these files, and so is the emulator. It knows neither.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from batchvid.domain.clip_request import ClipRequest
from batchvid.domain.wire import GenerationRequest, ImageInput, Request, Response

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One exchange. `order` and `request` stand only where the request is the point; `means` holds one verdict."""

    case: str
    dialect: str
    source: str
    date: str
    confidence: str
    step: str
    order: GenerationRequest | None
    task_id: str
    request: Mapping[str, Any] | None
    response: Response
    means: Mapping[str, Any]
    pitfall: str = ""


def load(dialect: str | None = None, step: str | None = None) -> list[Recording]:
    """Read the recordings of one dialect and one step (`submit`, `poll` or `result`), or of all, ordered by path."""
    found = [_read(path) for path in sorted(FOLDER.glob("*/*.json"))]
    return [r for r in found if dialect in (None, r.dialect) and step in (None, r.step)]


def as_recorded(request: Request) -> dict[str, Any]:
    """Write a request the way a recording holds it: files by their digest, everything else in full."""
    said: dict[str, Any] = {"method": request.method, "path": request.path, "headers": dict(request.headers)}
    if request.json is not None:
        said["json"] = dict(request.json)
    if request.parts:
        said["parts"] = [
            {
                "name": part.name,
                "filename": part.filename,
                "content_type": part.content_type,
                "sha256": sha256(part.value).hexdigest(),
            }
            if part.filename
            else {"name": part.name, "value": part.value.decode()}
            for part in request.parts
        ]
    return said


def _read(path: Path) -> Recording:
    raw = orjson.loads(path.read_bytes())
    order, response = raw.get("order"), raw["response"]
    body = orjson.dumps(response["json"]) if "json" in response else response["text"].encode()
    return Recording(
        case=raw["case"],
        dialect=raw["dialect"],
        source=raw["source"],
        date=raw["date"],
        confidence=raw["confidence"],
        step=raw["step"],
        order=_order(order) if order else None,
        task_id=raw.get("task_id", ""),
        request=raw.get("request"),
        response=Response(status=response["status"], headers=response.get("headers", {}), body=body),
        means=raw["means"],
        pitfall=raw.get("pitfall", ""),
    )


def _order(raw: dict[str, Any]) -> GenerationRequest:
    images = tuple(ImageInput(data=b64decode(image.pop("data_base64", "")), **image) for image in raw.pop("images", []))
    ours = {name: raw.pop(name, "") for name in ("external_id", "callback_url", "poll_path")}
    return GenerationRequest(request=ClipRequest(**raw), images=images, **ours)
