"""A small vendor client for these tests: real sockets, no batchvid code. It must not know what a test expects."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from PIL import Image

from batchvid.emulator import Emulator, Settings

KEY = "Bearer a-key"
SCHEMES = {"/fal/": "Key", "/vidu/": "Token"}
"""The word before the key where it is another one, by the beginning of the path."""
VERSION = {"X-Runway-Version": "2024-11-06"}
ASYNC = {"X-DashScope-Async": "enable"}


class FakeClock:
    """A clock that a test moves forward."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Answer:
    """One reply, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes
    json: Any


@dataclass(frozen=True)
class Vendor:
    """An emulator and a session with it."""

    emulator: Emulator
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, *, key: str | None = KEY, **more: Any) -> Answer:
        """One request; `path` may be a whole URL."""
        scheme = next((word for start, word in SCHEMES.items() if path.startswith(start)), "")
        key = f"{scheme} {key.partition(' ')[2]}" if key and scheme else key
        given = {"x-goog-api-key" if path.startswith("/gemini") else "Authorization": key} if key else {}
        headers = {**given, **more.pop("headers", {})}
        url = path if path.startswith("http") else self.emulator.base_url + path
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **more) as response:
            body = await response.read()
            is_json = response.content_type == "application/json" and method != "HEAD"
            try:
                data = await response.json() if is_json else None
            except ValueError:
                data = None
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, lower, body, data)

    async def video(self, **fields: Any) -> Answer:
        """Submit on /v1/videos, as JSON."""
        return await self.call("POST", "/v1/videos", json={"model": "veo3-fast", "prompt": "a kite", **fields})

    async def form(self, *files: bytes, field: str = "input_reference", **fields: str) -> Answer:
        """Submit on /v1/videos, as multipart."""
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in {"model": "veo3-fast", "prompt": "a kite", **fields}.items():
            form.add_field(name, value)
        for number, data in enumerate(files):
            form.add_field(field, data, filename=f"{number}.png", content_type="image/png")
        return await self.call("POST", "/v1/videos", data=form)

    async def poll(self, task_id: str) -> Answer:
        """Poll on /v1/videos."""
        return await self.call("GET", f"/v1/videos/{task_id}")

    async def kling(self, kind: str = "text2video", **fields: Any) -> Answer:
        """Submit to Kling."""
        return await self.call("POST", f"/kling/v1/videos/{kind}", json={"prompt": "a kite", **fields})

    async def kling_poll(self, task_id: str, kind: str = "text2video") -> Answer:
        """Poll Kling."""
        return await self.call("GET", f"/kling/v1/videos/{kind}/{task_id}")

    async def runway(self, *, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
        """Submit to Runway."""
        body = {"model": "gen4_turbo", "promptImage": "https://cdn.example/a.png", "promptText": "a kite", **fields}
        body = {name: value for name, value in body.items() if value is not None}
        given = VERSION if headers is None else headers
        return await self.call("POST", "/runwayml/v1/image_to_video", json=body, headers=given)

    async def runway_poll(self, task_id: str) -> Answer:
        """Poll Runway."""
        return await self.call("GET", f"/runwayml/v1/tasks/{task_id}")

    async def xai(self, kind: str = "generations", **fields: Any) -> Answer:
        """Submit to xAI."""
        return await self.call("POST", f"/grok/v1/videos/{kind}", json={"prompt": "a kite", **fields})

    async def xai_poll(self, task_id: str) -> Answer:
        """Poll xAI."""
        return await self.call("GET", f"/grok/v1/videos/{task_id}")

    async def gateway(self, **fields: Any) -> Answer:
        """Submit to the gateway, as JSON."""
        return await self.call("POST", "/gateway/v1/videos", json={"model": "veo3", "prompt": "a kite", **fields})

    async def gateway_poll(self, task_id: str) -> Answer:
        """Poll the gateway."""
        return await self.call("GET", f"/gateway/v1/videos/{task_id}")

    async def newapi(self, **fields: Any) -> Answer:
        """Submit to a stock new-api's native route."""
        body = {"model": "kling-v2-6", "prompt": "a kite", **fields}
        return await self.call("POST", "/gateway/v1/video/generations", json=body)

    async def newapi_poll(self, task_id: str) -> Answer:
        """Poll a stock new-api's native route."""
        return await self.call("GET", f"/gateway/v1/video/generations/{task_id}")

    async def ark(self, **fields: Any) -> Answer:
        """Submit to Seedance's native route."""
        body = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a kite"}], **fields}
        return await self.call("POST", "/ark/api/v3/contents/generations/tasks", json=body)

    async def ark_poll(self, task_id: str) -> Answer:
        """Poll Seedance's native route."""
        return await self.call("GET", f"/ark/api/v3/contents/generations/tasks/{task_id}")

    async def link(self, **fields: Any) -> str:
        """Buy a clip that is done at once; its link."""
        task = (await self.video(**fields)).json
        return str((await self.poll(task["id"])).json["video_url"])

    async def get(self, url: str, **more: Any) -> Answer:
        """Download, without a key."""
        return await self.call("GET", url, key=None, **more)

    def ledger(self) -> dict[str, Any]:
        """The ledger."""
        return self.emulator.ledger()


@asynccontextmanager
async def vendor(clock: Any = None, **settings: Any) -> AsyncIterator[Vendor]:
    """An emulator with these settings, and a session with it."""
    settings = {"render": "shared", **settings}
    emulator = Emulator(Settings(**settings), **({"clock": clock} if clock else {}))
    async with emulator, aiohttp.ClientSession() as session:
        yield Vendor(emulator, session)


def picture(width: int = 640, height: int = 480, *, colour: str = "teal", kind: str = "PNG") -> bytes:
    """An image file."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()
