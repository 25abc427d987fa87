"""A served emulator, a folder to work in, and the command line in-process or as a process of its own."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchvid.cli.main import main
from batchvid.emulator import Emulator, Settings

KEY = "sk-test-key-that-must-not-leak"
PICTURES = Path(__file__).parents[2] / "manifests" / "pictures"


def environment() -> dict[str, str]:
    """What a process of its own needs: the key, and this very package."""
    return {**os.environ, "TEST_KEY": KEY, "PYTHONPATH": str(PICTURES.parents[1])}


def until(happened: Callable[[], object]) -> None:
    """Wait for something that another process does; if it never does, the test's own deadline ends it."""
    while not happened():
        time.sleep(0.02)


class ServedEmulator:
    """An emulator on a loop of its own, so that a run may have the test's thread.

    It plays a real provider unless it is marked as what it is.
    """

    def __init__(self, settings: Settings, port: int = 0, *, marked: bool = False) -> None:
        self._settings = settings.model_copy(update={"mark_replies": marked})
        self._port = port
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.base_url = ""

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with Emulator(self._settings, port=self._port) as emulator:
            self.base_url = emulator.base_url
            self._up.set()
            await self._stop.wait()

    def __enter__(self) -> ServedEmulator:
        self._thread.start()
        assert self._up.wait(20), "the emulator did not come up"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def ledger(self) -> dict[str, Any]:
        """The books."""
        books: dict[str, Any] = self._ask("GET", "/_emulator/ledger")
        return books

    def set_faults(self, *rules: dict[str, Any]) -> None:
        """Put these rules in force, and no others."""
        self._ask("PUT", "/_emulator/faults", json.dumps(rules).encode())

    def forget(self) -> None:
        """Clear the books and the tasks."""
        self._ask("POST", "/_emulator/reset?tasks=1")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.base_url + path, data=body, method=method)
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)


@dataclass
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


@dataclass
class Bench:
    """A folder with one batch, an emulator that serves it, and the command line pointed at both."""

    folder: Path
    emulator: ServedEmulator
    run_cli: Callable[[Sequence[str]], Result]

    @property
    def manifest(self) -> Path:
        return self.folder / "batch.yaml"

    @property
    def batch(self) -> Path:
        return self.folder / "outputs" / "batch"

    def write(self, clips: str, *, top: str = "", **limits: object) -> None:
        """Write the manifest; `limits` are the provider's, over quick ones; `top` adds top-level keys."""
        # the emulator's signed links stand for those of another host
        links = {"send_key_to_own_links": False}
        quick = {**links, "concurrency": 20, "submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02}
        if "downloads:" not in top:  # a clip that cannot be fetched is not waited for
            top += "\ndownloads: {wait_s: 0.1}"
        provider = {"base_url": self.emulator.base_url, "api_key_env": "TEST_KEY", **quick, **limits}
        self.manifest.write_text(
            f"{top}\nproviders: {{cometapi: {json.dumps(provider)}}}\n"
            f"defaults: {{model: veo3-fast, duration_s: 4, aspect_ratio: 16:9}}\nclips:\n{clips}\n",
            "utf-8",
        )

    def cli(self, *args: str) -> Result:
        """A command, in this process."""
        return self.run_cli([*args, "--out", str(self.folder / "outputs")])

    def start(self, *args: str, module: str = "batchvid") -> subprocess.Popen[str]:
        """A command, as a process of its own."""
        command = [sys.executable, "-m", module, *args, "--out", str(self.folder / "outputs")]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def logged(self, *args: str) -> tuple[int, bytes]:
        """A command as cron runs it: its words, errors too, go to a file. Exit code and what stands there."""
        log = self.folder / "cron.log"
        with log.open("wb") as file:
            command = [sys.executable, "-m", "batchvid", *args, "--out", str(self.folder / "outputs")]
            code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment()).returncode
        return code, log.read_bytes()

    def run(self, *args: str) -> Result:
        """`batchvid run` on the manifest."""
        return self.cli("run", str(self.manifest), *args)

    def status(self) -> dict[str, Any]:
        """`batchvid status --json`."""
        result = self.cli("status", str(self.manifest), "--json")
        assert result.code == 0, result.err
        facts: dict[str, Any] = json.loads(result.out)
        return facts

    def rows(self) -> list[dict[str, str]]:
        """The report."""
        with (self.batch / "report.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def settle_uncertain(self) -> None:
        """Bind every uncertain job to the task that the emulator's ledger names, or release it when there is none."""
        bound = {row["task_id"] for row in self.rows()}
        orphans = {
            task["prompt"]: task["task_id"] for task in self.emulator.ledger()["tasks"] if task["task_id"] not in bound
        }
        for job in self.status()["uncertain"]:
            task_id = orphans.get(job["prompt"])
            how = ["--task-id", task_id] if task_id else ["--abandon"]
            assert self.cli("resolve", job["job"], *how, "--batch", str(self.manifest)).code == 0


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[[Sequence[str]], Result]:
    """The command line in this process."""

    def call(args: Sequence[str]) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(args))
        output = capsys.readouterr()
        return Result(int(end.value.code or 0), output.out, output.err)

    return call


@pytest.fixture
def settings() -> Settings:
    """The emulator's dials; a test overrides this where it needs others."""
    return Settings(life="polls:1", render="shared", api_key=KEY)


@pytest.fixture
def bench(
    tmp_path: Path,
    settings: Settings,
    run_cli: Callable[[Sequence[str]], Result],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    """One batch against one emulator."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    with ServedEmulator(settings) as emulator:
        yield Bench(tmp_path, emulator, run_cli)
