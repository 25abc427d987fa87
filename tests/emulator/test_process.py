"""The emulator as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest


@asynccontextmanager
async def child(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m batchvid.emulator`; killed at the end if it still runs."""
    folder = tempfile.TemporaryDirectory()  # a killed child leaves its clips behind
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batchvid.emulator", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": folder.name},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
        folder.cleanup()


async def address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(await process.stdout.readline())
    assert list(line) == ["base_url"]
    return str(line["base_url"])


async def test_it_dies_with_its_parent() -> None:
    """It says where it listens in one line, serves, and ends when its standard input does."""
    async with child("--die-with-parent", "--settings", '{"api_key": "k"}') as process:
        base_url = await address(process)
        async with aiohttp.ClientSession() as session, session.get(base_url + "/_emulator/ledger") as reply:
            assert (await reply.json())["purchases"] == 0
        assert process.stdin is not None
        process.stdin.close()
        out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_when_told_to(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end it cleanly and without a word; a closed standard input alone does not."""
    async with child() as process:
        base_url = await address(process)
        assert process.stdin is not None
        process.stdin.close()
        async with aiohttp.ClientSession() as session, session.get(base_url + "/_emulator/faults") as reply:
            assert reply.status == 200
        process.send_signal(number)
        assert process.stderr is not None
        assert await process.stderr.read() == b""
        assert await process.wait() == 0


@pytest.mark.parametrize("settings", ['{"live": "instant"}', "{", '{"faults": [{"match": {}}]}'])
async def test_bad_settings(settings: str) -> None:
    """Settings that cannot be used end it with 2 and the reason."""
    async with child("--settings", settings) as process:
        out, err = await process.communicate()
        assert (process.returncode, out) == (2, b"")
        assert err


async def test_killed_and_started_again(tmp_path: Path) -> None:
    """Killed without warning, a new one on the same state file still knows every task whose id was sent."""
    settings = json.dumps({"state_file": str(tmp_path / "state.jsonl"), "life": "seconds:0"})
    key = {"Authorization": "Bearer k"}
    async with aiohttp.ClientSession(headers=key) as session:
        async with child("--settings", settings) as process:
            url = await address(process) + "/v1/videos"
            replies = [await session.post(url, json={"model": "veo3", "prompt": f"p{n}"}) for n in range(5)]
            ids = [(await reply.json())["id"] for reply in replies]
            process.kill()
            await process.wait()
        async with child("--settings", settings) as process:
            base_url = await address(process)
            async with session.get(base_url + "/_emulator/ledger") as reply:
                ledger = await reply.json()
            async with session.get(f"{base_url}/v1/videos/{ids[3]}") as reply:
                assert (await reply.json())["status"] == "completed"
    assert [task["task_id"] for task in ledger["tasks"]] == ids
    assert ledger["purchases"] == 5
