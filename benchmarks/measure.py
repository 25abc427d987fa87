"""Runs programs one after the other and counts what each cost: CPU and wall clock. Knows no case."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.tls import Trust

ROOT = Path(__file__).parents[1]


class ClientFailed(Exception):
    """A program of the benchmark ended badly; the message holds its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process cost, from its first instruction to its last. CPU is user and system time of all its threads."""

    cpu_s: float
    wall_s: float
    output: Mapping[str, Any] = field(default_factory=dict)


def run(command: Sequence[str], *, folder: Path | None = None, trust: Trust | None = None) -> Cost:
    """Run a program to its end. If its last line is a JSON object, that is what it `output`. Raises ClientFailed."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(trust), cwd=folder or ROOT
    )
    out, err = _read_both(process)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ClientFailed(f"{' '.join(command[:4])} ended with {process.returncode}: {err.decode()[-2000:]}")
    last = out.strip().rpartition(b"\n")[2]
    return Cost(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.perf_counter() - began,
        output=json.loads(last) if last.startswith(b"{") else {},
    )


def _read_both(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """All that it says, without `communicate`, which would reap it before its cost is read."""
    output: dict[str, bytes] = {}

    def read(name: str, stream: Any) -> None:
        output[name] = stream.read()
        stream.close()

    threads = [
        threading.Thread(target=read, args=(name, stream))
        for name, stream in (("out", process.stdout), ("err", process.stderr))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return output["out"], output["err"]


def client(name: str, settings: Mapping[str, Any], *, python: str = sys.executable, trust: Trust | None = None) -> Cost:
    """Run one of `benchmarks.clients` with its settings. Raises ClientFailed."""
    return run([python, "-m", f"benchmarks.clients.{name}", json.dumps(settings)], trust=trust)


def alternate(candidates: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Every candidate once a round, so that what disturbs the machine disturbs all of them."""
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, measured in candidates.items():
            samples[name].append(measured())
    return samples


@contextmanager
def vendor(trust: Trust | None = None, **settings: Any) -> Iterator[str]:
    """The lean vendor in a process of its own; its base URL. It ends with the block, and with this process.

    With a `trust` it speaks TLS only.
    """
    if trust:
        settings["tls"] = trust.settings
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.vendor", json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
    )
    try:
        line = process.stdout.readline() if process.stdout else b""
        yield str(json.loads(line)["base_url"])
    finally:
        process.terminate()
        process.communicate()


def books(base_url: str, trust: Trust | None = None) -> dict[str, Any]:
    """What the lean vendor saw."""
    tls = ssl.create_default_context(cafile=trust.certificate) if trust else None
    with urllib.request.urlopen(f"{base_url}/books", context=tls) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def environment(trust: Trust | None = None) -> dict[str, str]:
    """What a child needs: this very checkout, a key for the vendor, whom to trust, and no word to the outside."""
    state = Path(tempfile.gettempdir()) / "batchvid-bench-state"  # not among the user's own batches
    here = {"PYTHONPATH": str(ROOT), "COMETAPI_KEY": "sk-bench", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    here["XDG_STATE_HOME"] = str(state)
    return {**os.environ, **here, **(trust.environment if trust else {})}
