"""Case 1 over TLS: what a handshake and a bundle of authorities cost a client without a session."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from benchmarks.cases import Options
from benchmarks.cases.client_cost import (
    BARE,
    FLOOR,
    LITELLM,
    PACED,
    SDK,
    TUTORIAL,
    chart_of,
    costs,
    held_against,
    peers,
    programs,
)
from benchmarks.figures import Figure, Report, ratios
from benchmarks.tls import make_trust
from benchmarks.trial import contest

OVER = ", TLS"
BARS = {TUTORIAL: 100.0, SDK: None, LITELLM: None}
SLOW_PART = 0.05  # the tutorial's loop needs tenths of a second a job


def run(options: Options) -> Report:
    """As the client case, at a vendor with its own certificate, which every client trusts."""
    openssl, public = shutil.which("openssl"), authorities(options.peer_python)
    if openssl is None or public is None:
        missing = "openssl is not installed here" if openssl is None else "certifi cannot be imported by the peers"
        return Report(case="tls", figures=[], skipped=[f"all: {missing}"])
    trust = make_trust(openssl, options.folder, public)
    others = programs(options.peer_python)
    others[TUTORIAL] = replace(others[TUTORIAL], part=SLOW_PART)
    with contest(options, jobs=300 if options.quick else 1000, trust=trust, pace=options.pace / 3) as arena:
        samples, skipped = held_against(arena, others, options.rounds)
    figures = [
        Figure(
            name=f"client CPU a job{OVER} / {floor}, media check apart", value=ratios(samples, BARE, floor), unit="x"
        )
        for floor in (FLOOR, PACED)
    ]
    figures += [*peers(samples, BARS, OVER), *costs(samples, OVER)]
    return Report(case="tls", figures=figures, charts=[chart_of(samples, OVER)], skipped=skipped)


def authorities(python: str) -> Path | None:
    """The bundle of public authorities that `requests` reads there; None where it has none."""
    result = subprocess.run(
        [python, "-c", "import certifi; print(certifi.where())"], capture_output=True, text=True, check=False
    )
    return Path(result.stdout.strip()) if result.returncode == 0 else None
