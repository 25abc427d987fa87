"""The recorded requests against the emulator: what a vendor is documented to take is taken here too.

The recordings are the judge; nothing of the client's is imported.
"""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.emulator.helpers import Answer, Vendor, vendor
from tests.emulator.prefixes import PREFIXES

EXCHANGES = Path(__file__).parents[1] / "exchanges"


def submits() -> list[Any]:
    """Every recorded submit that the vendor accepted, request and all."""
    found = []
    for path in sorted(EXCHANGES.glob("*/*.json")):
        exchange = json.loads(path.read_text())
        if exchange["step"] == "submit" and "request" in exchange and "accepted" in exchange["means"]:
            found.append(pytest.param(exchange, id=f"{path.parent.name}/{path.stem}"))
    return found


def body_of(exchange: dict[str, Any]) -> dict[str, Any]:
    """The body as aiohttp sends it; the bytes of file parts stand beside the order's images."""
    request = exchange["request"]
    if "json" in request:
        return {"json": request["json"]}
    if "form" in request:
        return {"data": request["form"]}
    files = [b64decode(image.get("data_base64", "")) for image in exchange["order"].get("images", [])]
    by_digest = {sha256(data).hexdigest(): data for data in files}
    form = aiohttp.FormData(default_to_multipart=True)
    for part in request["parts"]:
        if "sha256" in part:
            data = by_digest[part["sha256"]]
            form.add_field(part["name"], data, filename=part["filename"], content_type=part["content_type"])
        else:
            form.add_field(part["name"], part["value"])
    return {"data": form}


def needs_a_parent(exchange: dict[str, Any]) -> bool:
    """Whether it is about a clip that was made before: by an id in its path, in its body, or in its `input`.

    The gateway takes such an id on trust.
    """
    request = exchange["request"]
    if exchange["dialect"] == "gateway":
        return False
    body = request.get("json", {})
    inner = body.get("input", {})
    values = {**body, **(inner if isinstance(inner, dict) else {})}
    if exchange["dialect"] == "litellm" and "video" in body:
        return True
    ids = ("video_id", "task_id", "previous_job_id", "previous_interaction_id")
    frames = body.get("keyframes", {})
    is_extension = any(frame["type"] == "generation" for frame in frames.values())
    return request["path"].endswith("/remix") or is_extension or any(values.get(name) for name in ids)


async def replayed(v: Vendor, exchange: dict[str, Any]) -> Answer:
    """The emulator's answer to the recorded request."""
    request = exchange["request"]
    path = PREFIXES.get(exchange["dialect"], "") + request["path"]
    return await v.call(request["method"], path, headers=request["headers"], **body_of(exchange))


@pytest.mark.parametrize("exchange", submits())
@pytest.mark.pitfall("each vendor takes images in its own form")
async def test_recorded_request(exchange: dict[str, Any]) -> None:
    """It buys one task; unless it needs a parent, which nobody has made here: then that is what it is refused for."""
    async with vendor() as v:
        reply = await replayed(v, exchange)
        bought = v.ledger()["purchases"]
    if needs_a_parent(exchange):
        assert (reply.status in (400, 404), bought) == (True, 0)
        words = (b"parent", b"task_not_exist", b"not found", b"previous_job_id", b"Interaction v1_")
        assert any(word in reply.body for word in words)
    else:
        assert (reply.status in (200, 201, 202), bought) == (True, 1), reply.body
