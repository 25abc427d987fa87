"""Writes the manifests and state files that the cases run. Knows what is ordinary, not what is measured."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from batchvid.runner.estimation.poll_schedule import MIN_SAMPLES

PROMPT = "{{ name }} on a marble table, {{ mood }} light, slow push-in, morning"
UNLEARNED = MIN_SAMPLES
"""So many ends of a model's tasks the runner must see before it leaves the fixed pace."""
QUICK = {"submits_per_min": 6_000_000, "polls_per_s": 100_000, "poll_every_s": 0.02}
"""Limits that never bind, for cases that measure cost and not waiting."""
DEFAULTS = "defaults: {model: veo3-fast, duration_s: 8, aspect_ratio: 16:9}"


def rows_manifest(
    folder: Path, jobs: int, *, base_url: str = "", models: Sequence[str] = (), top: str = "", **limits: Any
) -> Path:
    """A manifest of so many rows of a CSV; `top` is laid before it, `limits` are the provider's.

    With `models` the rows take turns among models whose names begin so, and never UNLEARNED rows name the same one:
    the runner then keeps the given interval, and every client can poll equally often.
    """
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["sku", "name", "mood", *(["maker"] if models else [])])
        for number in range(jobs):
            row = [f"sku-{number:06d}", f"ceramic cup number {number}", ("calm", "bright")[number % 2]]
            if models:
                row.append(f"videos/{models[number % len(models)]}-{number // len(models) // (UNLEARNED - 1)}")
            table.writerow(row)
    model = ', model: "{{ maker }}"' if models else ""
    clips = f'  - {{id: "{{{{ sku }}}}", rows: rows.csv, prompt: "{PROMPT}"{model}}}\n'
    return _write(folder / "rows.yaml", clips, base_url, limits, top)


def sheet_manifest(folder: Path, jobs: int) -> Path:
    """The manifest of `rows_manifest`, with its table as an XLSX workbook. Writes both."""
    import openpyxl

    rows_manifest(folder, jobs)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Clips")
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            sheet.append(row)
    book.save(folder / "rows.xlsx")
    clips = f'  - {{id: "{{{{ sku }}}}", rows: rows.xlsx, prompt: "{PROMPT}"}}\n'
    return _write(folder / "sheet.yaml", clips)


def matrix_manifest(folder: Path, jobs: int) -> Path:
    """A manifest of one entry whose matrix makes so many jobs (a multiple of 100)."""
    words = ", ".join(f"thing {number}" for number in range(jobs // 100))
    moods = ", ".join(f"mood {number}" for number in range(100))
    clips = f'  - {{id: cup, matrix: {{name: [{words}], mood: [{moods}]}}, prompt: "{PROMPT}"}}\n'
    return _write(folder / "matrix.yaml", clips)


def explicit_manifest(folder: Path, jobs: int) -> Path:
    """A manifest that writes out every single entry."""
    clips = "".join(
        f"  - id: sku-{number:06d}\n    prompt: Ceramic cup number {number} on a marble table, calm light, morning\n"
        for number in range(jobs)
    )
    return _write(folder / "explicit.yaml", clips)


def _write(
    path: Path,
    clips: str,
    base_url: str = "",
    limits: Mapping[str, Any] = MappingProxyType({}),
    top: str = "",
) -> Path:
    provider = {**QUICK, **({"base_url": base_url} if base_url else {}), **limits}
    providers = f"providers: {{cometapi: {json.dumps(provider)}}}\n"
    path.write_text(f"batch: {path.stem}\n{top}\n{providers}{DEFAULTS}\nclips:\n{clips}", "utf-8")
    return path
