"""Starts the emulator as a child process of a run. It ends with the run, even after a kill."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from batchvid.errors import BatchvidError


@contextlib.asynccontextmanager
async def embedded_emulator(life: str, state_file: Path) -> AsyncIterator[str]:
    """Start an emulator on loopback and yield its base URL. It stores its tasks in `state_file` for the next run.

    Raises BatchvidError when it does not start.
    """
    state_file.parent.mkdir(parents=True, exist_ok=True)
    # relative to the process's folder: JSON cannot hold a path that is not UTF-8
    settings = json.dumps({"life": life, "state_file": state_file.name})
    command = ["-m", "batchvid.emulator", "--port", "0", "--settings", settings, "--die-with-parent"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # no module of that folder is imported
        *command,
        cwd=state_file.parent,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C must not end the emulator: the run still downloads from it
        start_new_session=sys.platform != "win32",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    if process.stdin is None or process.stdout is None:
        raise BatchvidError("the emulator could not be started")
    try:
        line = await process.stdout.readline()
        try:
            base_url = str(json.loads(line)["base_url"])
        except (ValueError, KeyError, TypeError):
            raise BatchvidError(f"the emulator did not start (its output: {line!r})") from None
        yield base_url
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
