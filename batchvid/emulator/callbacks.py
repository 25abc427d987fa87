"""Calls the address that a submit named when its task ends, signed as the vendors sign, or with a fault."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import orjson

from batchvid.emulator.settings import Settings
from batchvid.emulator.store import Store
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase

TICK_S = 0.01
CALL_S = 3.0
TRIES = 3
RETRY_S = 0.2
REPLAYS = 5
STALE_S = 600
NAMES = ("callback_url", "webhook", "webhook_url", "callBackUrl", "webhookUrl")
QUERY = ("fal_webhook", "hf_webhook")
KEY_ID = "emulator-1"


def callback_url(query: Mapping[str, str], fields: Mapping[str, Any]) -> str:
    """The address to call, wherever a vendor takes one; empty if there is none."""
    inner = [fields.get(name) for name in ("options", "webhook_config")]
    options, config = [one if isinstance(one, Mapping) else {} for one in inner]
    uris = config.get("uris")
    offers = [*(query.get(name) for name in QUERY), *(fields.get(name) for name in NAMES), options.get("callback_url")]
    offers += uris if isinstance(uris, list) else []
    return next((one for one in offers if isinstance(one, str) and one.startswith(("https://", "http://"))), "")


class CallbackSender:
    """The callbacks of one emulator. `run` sends them until it is cancelled."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], float]) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._watched: dict[str, tuple[Task, str]] = {}
        self._wake = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._signer = _Signer(settings)

    def watch(self, task: Task, url: str) -> None:
        """Call this address when the task ends."""
        self._watched[task.id] = (task, url)
        self._wake.set()

    async def is_reachable(self, url: str) -> bool:
        """Whether the address echoes a challenge, if the setting wants that."""
        if not self._settings.callback_challenge:
            return True
        challenge = secrets.token_hex(8)
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S)) as session,
                session.post(url, json={"challenge": challenge}) as reply,
            ):
                return bool((await reply.json()).get("challenge") == challenge)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False

    def key_set(self) -> dict[str, Any]:
        """The public key of the signatures, as a JSON Web Key Set."""
        return self._signer.key_set()

    async def run(self) -> None:
        """Send each callback when its task has ended."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S)) as session:
            try:
                while True:
                    await self._wake.wait()
                    self._send_ended(session)
                    if not self._watched:
                        self._wake.clear()
                    await asyncio.sleep(TICK_S)
            finally:
                for call in self._calls:
                    call.cancel()
                await asyncio.gather(*self._calls, return_exceptions=True)

    def _send_ended(self, session: aiohttp.ClientSession) -> None:
        now = self._clock()
        self._store.settle(now)
        for task, url in [one for one in self._watched.values() if one[0].ended_at is not None or one[0].removed]:
            del self._watched[task.id]
            phase = self._store.peek(task, now).phase
            if task.removed or self._settings.callback_fault == "drop":
                continue
            call = asyncio.create_task(self._send(session, url, self._body(task, phase)))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    def _body(self, task: Task, phase: Phase) -> bytes:
        word = "OK" if phase is Phase.SUCCEEDED else "ERROR"
        status = word if self._settings.callback_signature == "fal" else phase.value
        return orjson.dumps({"id": task.id, "task_id": task.id, "request_id": task.id, "status": status})

    async def _send(self, session: aiohttp.ClientSession, url: str, body: bytes) -> None:
        fault = self._settings.callback_fault
        headers = {"Content-Type": "application/json", **self._signer.headers(body, self._clock())}
        if fault == "tampered":
            body = body.replace(b'"status"', b'"Status"')
        for _ in range(REPLAYS if fault == "replayed" else 1):
            await _post(session, url, body, headers)


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Deliver one callback, with a few tries."""
    for _ in range(TRIES):
        try:
            async with session.post(url, data=body, headers=headers) as reply:
                if reply.status < 300:
                    return
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(RETRY_S)


class _Signer:
    """Makes the headers of a signature. Ed25519 needs the package cryptography."""

    def __init__(self, settings: Settings) -> None:
        self._scheme, self._fault = settings.callback_signature, settings.callback_fault
        secret = settings.callback_secret
        self._secret = secret.encode()
        if self._scheme == "standard-webhooks":
            self._secret = base64.b64decode(secret.removeprefix("whsec_"))
        self._key: Any = None
        if self._scheme in ("fal", "atlas"):
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            self._key = Ed25519PrivateKey.generate()
            self._signing_key = Ed25519PrivateKey.generate() if self._fault == "wrong_key" else self._key

    def key_set(self) -> dict[str, Any]:
        if self._key is None:
            return {"keys": []}
        x: str = base64.urlsafe_b64encode(self._key.public_key().public_bytes_raw()).decode()
        x = x if self._fault == "padded_x" else x.rstrip("=")
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": KEY_ID, "x": x}]}

    def headers(self, body: bytes, now: float) -> dict[str, str]:
        if self._scheme == "none" or self._fault == "unsigned":
            return {}
        stamp = str(int(now) - (STALE_S if self._fault == "stale" else 0))
        if self._scheme == "standard-webhooks":
            return self._standard(body, stamp)
        if self._scheme in ("openrouter", "llmgateway"):
            separator, name = {"openrouter": (b",", "OpenRouter"), "llmgateway": (b".", "LLMGateway")}[self._scheme]
            signature = self._hmac(stamp.encode() + separator + body).hex()
            return {f"X-{name}-Signature": f"t={stamp},v1={signature}"}
        if self._scheme == "fal":
            request_id, user_id = secrets.token_hex(8), "emulator"
            text = "\n".join((request_id, user_id, stamp, hashlib.sha256(body).hexdigest())).encode()
            values = (request_id, user_id, stamp, self._signing_key.sign(text).hex())
            names = ("Request-Id", "User-Id", "Timestamp", "Signature")
            return {f"X-Fal-Webhook-{name}": value for name, value in zip(names, values, strict=True)}
        signed: bytes = self._signing_key.sign(stamp.encode() + b"." + body)
        return {
            "X-AtlasCloud-Webhook-Timestamp": stamp,
            "X-AtlasCloud-Webhook-Key-Id": "another" if self._fault == "wrong_key" else KEY_ID,
            "X-AtlasCloud-Webhook-Signature-Ed25519": base64.urlsafe_b64encode(signed).rstrip(b"=").decode(),
        }

    def _standard(self, body: bytes, stamp: str) -> dict[str, str]:
        """Standard Webhooks, with a signature of an older secret before the right one, as during a rotation."""
        event_id = f"msg_{secrets.token_hex(8)}"
        right = base64.b64encode(self._hmac(b".".join((event_id.encode(), stamp.encode(), body)))).decode()
        older = base64.b64encode(secrets.token_bytes(32)).decode()
        signatures = f"v1,{older}" if self._fault == "wrong_key" else f"v1,{older} v1,{right}"
        return {"webhook-id": event_id, "webhook-timestamp": stamp, "webhook-signature": signatures}

    def _hmac(self, text: bytes) -> bytes:
        secret = b"another" if self._fault == "wrong_key" else self._secret
        return hmac.digest(secret, text, hashlib.sha256)
