"""Load, expand, validate and plan one manifest, without a network; or only read its files, as the floor does."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import yaml

from batchvid import commands
from benchmarks.clients import cpu_s, print_result, settings


def plan(manifest: str, folder: str) -> int:
    """What `batchvid plan` does before it prints."""
    return len(commands.plan(commands.load(manifest, out=folder)).jobs)


def floor(manifest: str) -> int:
    """The least that any program must do for rows: read the file, fill the prompt in, hash what is paid for."""
    table = Path(manifest).with_suffix(".csv")
    if not table.exists():
        with Path(manifest).open("rb") as file:
            return len(yaml.load(file, Loader=yaml.CSafeLoader)["clips"])
    with table.open(encoding="utf-8", newline="") as file:
        made = [
            hashlib.sha256(f"{row['name']} on a marble table, {row['mood']} light".encode()).hexdigest()
            for row in csv.DictReader(file)
        ]
    return len(made)


if __name__ == "__main__":
    arguments = settings()
    began = cpu_s()
    jobs = floor(arguments["manifest"]) if arguments.get("floor") else plan(arguments["manifest"], arguments["folder"])
    print_result(cpu_s=cpu_s() - began, start_s=began, jobs=jobs)
