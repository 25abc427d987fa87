"""`python -m benchmarks [CASE...]`: run the cases, print the table, write JSON and plots. Measures nothing itself."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmarks import plots, table
from benchmarks.cases import Options
from benchmarks.figures import Report

CASES = {  # name: (module, what it measures)
    "client": ("client_cost", "CPU a job against bare aiohttp and the peers"),
    "tls": ("client_tls", "the same over TLS"),
    "makespan": ("makespan", "a night's length against the bound that the limits allow"),
    "polling": ("polling", "requests a job against detection lag"),
    "checkpoint": ("checkpoint", "cost of an event, and of a resume"),
    "scale": ("scale", "memory a job, loop lag, how soon a freed slot is refilled"),
    "whole": ("whole", "the whole program at growing sizes"),
    "manifest": ("manifest", "parse, expand, validate, plan"),
    "download": ("download", "MB/s and CPU per GB against curl"),
    "start-up": ("start_up", "batchvid --help"),
}
ROUNDS, QUICK_ROUNDS = 5, 1


def main() -> None:
    """Parse, run, print."""
    args = _parser().parse_args()
    unknown = [case for case in args.cases if case not in CASES]
    if unknown:
        sys.exit(f"there is no case {unknown[0]}; there are {', '.join(CASES)}")
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    if args.quick:
        print("quick: small sizes, few rounds; the bars are those of the full run\n")
    reports = []
    for case in args.cases or CASES:
        with tempfile.TemporaryDirectory(prefix="batchvid-bench-", dir=args.folder) as folder:
            options = Options(quick=args.quick, folder=Path(folder), peer_python=args.peer_python, rounds=rounds)
            measured: Callable[[Options], Report] = import_module(f"benchmarks.cases.{CASES[case][0]}").run
            reports.append(measured(options))
        print(table.as_text(reports[-1]), flush=True)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}"
    if args.json:
        args.json.write_text(table.as_json(reports, machine=machine, rounds=rounds, quick=args.quick), "utf-8")
    if args.plots:
        plots.write(reports, args.plots)


def _parser() -> argparse.ArgumentParser:
    cases = "; ".join(f"{name}: {what}" for name, (_, what) in CASES.items())
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"{__doc__} Cases: {cases}.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="only these; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: under two minutes")
    parser.add_argument("--rounds", type=int, help=f"rounds; {ROUNDS}, or {QUICK_ROUNDS} with --quick")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--plots", type=Path, help="write SVG plots into that folder")
    parser.add_argument("--folder", type=Path, help="work below that folder: what disk it is on is part of the figures")
    parser.add_argument(
        "--peer-python",
        default=sys.executable,
        help="the interpreter that has requests, openai and litellm; default: this one",
    )
    return parser


if __name__ == "__main__":
    main()
