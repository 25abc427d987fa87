"""Case 4: what an event costs in a batch of any size, how large the state file is, how soon a resumed run polls."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.figures import Chart, Figure, Report, ratios, spread
from benchmarks.states import make_state

IN_FLIGHT, STORED = 0.1, 0.5
MANY = 100_000
FIRST_POLL_WITHIN_S = 120.0


def run(options: Options) -> Report:
    """Events into growing files in turn; then a resume of the largest, to its first poll."""
    sizes = (1000, 10_000) if options.quick else (1000, 10_000, MANY)
    writes = 300 if options.quick else 900  # jobs; four events each
    small, large = f"{sizes[0]:,}", f"{sizes[-1]:,}"
    states, manifests = {}, {}
    for jobs in sizes:
        name = f"{jobs:,}"
        folder = options.folder / str(jobs)
        folder.mkdir()
        manifests[name] = rows_manifest(folder, jobs, concurrency=jobs // 20)
        states[name] = make_state(manifests[name], folder / "out", in_flight=0.0, stored=0.0, origin="")
    facts: dict[str, list[dict[str, float]]] = {name: [] for name in states}
    samples = measure.alternate(
        {name: partial(_events, path, writes, facts[name]) for name, path in states.items()}, options.rounds
    )
    resumed = [_first_poll_cpu_s(options.folder, sizes[-1]) for _ in range(options.rounds)]
    figures = [
        Figure(
            name=f"CPU an event at {large} jobs / at {small}", value=ratios(samples, large, small), unit="x", bar=1.2
        ),
        Figure(
            name=f"resume of {large} jobs, a tenth in flight: CPU to the first poll",
            value=spread(resumed),
            unit="s",
            bar=3.0 if sizes[-1] == MANY else None,
            note="from the first instruction of `batchvid run MANIFEST`, imports included",
        ),
    ]
    for name, of in samples.items():
        figures += [
            Figure(name=f"CPU an event at {name} jobs", value=spread([1e6 * s for s in of]), unit="us"),
            Figure(
                name=f"acknowledgement at {name} jobs, p99",
                value=spread([1000 * f["wait_p99_s"] for f in facts[name]]),
                unit="ms",
            ),
            Figure(name=f"reading {name} jobs: CPU", value=spread([f["load_s"] for f in facts[name]]), unit="s"),
            Figure(name=f"state file of {name} jobs", value=spread([f["file_mb"] for f in facts[name]]), unit="MB"),
        ]
    values = {name: 1e6 * spread(of).median for name, of in samples.items()}
    return Report(
        case="checkpoint",
        figures=figures,
        charts=[Chart(title="CPU a durable event, by jobs in the batch", unit="us", values=values)],
    )


def _events(state: Path, writes: int, facts: list[dict[str, float]]) -> float:
    copy = state.with_name("copy.sqlite3")
    shutil.copy(state, copy)
    output = dict(measure.client("checkpoint_client", {"state": str(copy), "writes": writes}).output)
    facts.append(output)
    return float(output["cpu_s"])


def _first_poll_cpu_s(folder: Path, jobs: int) -> float:
    """Be the vendor ourselves: the first connection of a resumed run is its first poll."""
    place = folder / "resume"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as vendor:
        vendor.settimeout(FIRST_POLL_WITHIN_S)
        base_url = f"http://127.0.0.1:{vendor.getsockname()[1]}"
        manifest = rows_manifest(place, jobs, base_url=base_url, concurrency=jobs // 20)
        make_state(manifest, place / "out", in_flight=IN_FLIGHT, stored=STORED, origin=base_url)
        command = [sys.executable, "-m", "batchvid", "run", str(manifest), "--out", str(place / "out")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=measure.environment())
        try:
            first, _ = vendor.accept()
            with first:
                request = first.recv(3)
                cpu_s = _cpu_s_of(process.pid)
        finally:
            process.kill()
            process.wait()
    if request != b"GET":
        raise measure.ClientFailed(f"a resumed run began with {request!r} instead of a poll")
    return cpu_s


def _cpu_s_of(pid: int) -> float:
    """CPU of a process that still runs, seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
