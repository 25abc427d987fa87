"""Measures coverage in two passes over the fast tests and holds it to its floors. Run it with the virtualenv's python.

First pass: the pure packages, each judged by branch coverage, with only the tests that concern them. Second pass: the
other fast tests are added, and the total is judged by `fail_under` in pyproject.toml. Tests of whole runs are left out:
many of them measure time, and a tracer slows them. `-v` lists the lines that no test reaches.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MIN_BRANCH_PERCENT = 95.0
PURE = ("batchvid/domain", "batchvid/dialects", "batchvid/runner/budget")
TESTS_OF_PURE = (
    *("tests/domain", "tests/dialects", "tests/runner/budget", "tests/commands/test_probe.py"),
    *("tests/end_to_end/test_new_vendor.py", "tests/end_to_end/test_new_vendor_commands.py"),
)
NOT_FAST = ("benchmarks", "clients", "docs", "end_to_end", "faults", "packaging")


def run(*arguments: str) -> None:
    """Run a module of this Python; exit with its code if it fails."""
    code = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)


def measure(*arguments: str) -> None:
    """Run tests and add what they reach to the data file."""
    run("pytest", "-qq", "--cov", "--cov-append", "--cov-report=", "--cov-fail-under=0", *arguments)


def branch_percent(package: str, report: Path) -> float:
    """The share of the package's branches that the tests so far take."""
    run("coverage", "json", "-q", f"--include={package}/*", "--fail-under=0", "-o", str(report))
    totals = json.loads(report.read_text("utf-8"))["totals"]
    return 100.0 * float(totals["covered_branches"]) / float(totals["num_branches"])


def main() -> int:
    """Measure, print, judge."""
    too_low = []
    shown = ("--show-missing", "--skip-covered") if "-v" in sys.argv[1:] else ()
    with tempfile.TemporaryDirectory(prefix="batchvid-coverage-") as folder:
        os.environ["COVERAGE_FILE"] = str(Path(folder) / "data")
        measure(*TESTS_OF_PURE)
        for package in PURE:
            percent = branch_percent(package, Path(folder) / "report.json")
            print(f"branches of {package}: {percent:.1f} % (at least {MIN_BRANCH_PERCENT:.0f} %)", flush=True)
            if percent < MIN_BRANCH_PERCENT:
                too_low.append(package)
                run("coverage", "report", f"--include={package}/*", "--fail-under=0", *shown)
        measure(
            "tests", *(f"--ignore={name}" for name in TESTS_OF_PURE), *(f"--ignore=tests/{name}" for name in NOT_FAST)
        )
        print("lines and branches of batchvid, in percent:", flush=True)
        run("coverage", "report", *(shown or ("--format=total",)))
    return 1 if too_low else 0


if __name__ == "__main__":
    sys.exit(main())
