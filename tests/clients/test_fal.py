"""fal's own client against the emulator, unmodified: it judges what we say and read.

It speaks https only and reads its host at its import (`FAL_QUEUE_RUN_HOST`), so that it runs in a process of its own,
against an emulator with a certificate of a throw-away authority.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import trustme

from batchvid.emulator import Emulator, Settings

MODEL = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
PROGRAM = """
import json, sys
import fal_client

def tried(call):
    try:
        return call()
    except fal_client.client.FalClientHTTPError as exc:
        return {"status": exc.status_code, "message": exc.message, "type": exc.error_type}

model = sys.argv[1]
client = fal_client.SyncClient()
words = []
handle = client.submit(model, {"prompt": "a kite", "duration": "5"})
for event in handle.iter_events(interval=0.01):
    words.append(type(event).__name__)
print(json.dumps({
    "words": words,
    "done": handle.get(),
    "again": client.result(model, handle.request_id),
    "refused": tried(lambda: client.subscribe(model, {"prompt": "a rude kite", "duration": "5"}, interval=0.01)),
    "invalid": tried(lambda: client.subscribe(model, {"prompt": "a kite", "duration": 5}, interval=0.01)),
    "too_late": tried(handle.cancel),
    "cancelled": tried(client.submit(model, {"prompt": "another kite"}).cancel),
    "unknown": tried(lambda: client.status(model, "0")),
    "locked_out": tried(lambda: fal_client.SyncClient(key="other").submit(model, {"prompt": "a kite"})),
}))
"""


async def test_a_whole_session(tmp_path: Path) -> None:
    """A success with every status on the way, a moderated and an invalid request, a cancellation, and wrong ids."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    faults = ({"match": {"step": "submit", "prompt": "rude"}, "do": {"outcome": "moderation"}},)
    settings = Settings(render="shared", api_key="k", life="polls:3", faults=faults)
    async with Emulator(settings, tls=context) as emulator:
        said = await _run(emulator.base_url.removeprefix("https://") + "/fal", tmp_path / "ca.pem")
    assert said["words"] == ["Queued", "InProgress", "Completed"]
    assert said["done"]["video"]["content_type"] == "video/mp4"
    assert said["again"]["video"]["file_name"] == said["done"]["video"]["file_name"]
    assert (said["refused"]["status"], said["refused"]["message"][0]["type"]) == (422, "content_policy_violation")
    assert (said["invalid"]["status"], said["invalid"]["message"][0]["loc"]) == (422, ["body", "duration"])
    assert said["too_late"]["status"] == 400
    assert said["cancelled"] is None
    assert (said["unknown"]["status"], said["locked_out"]["status"]) == (404, 401)


async def _run(host: str, ca_file: Path) -> dict[str, Any]:
    environment = os.environ | {"FAL_QUEUE_RUN_HOST": host, "FAL_KEY": "k", "SSL_CERT_FILE": str(ca_file)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, MODEL),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    return found
