"""The README's tour: its command lines, and the output of `plan` that it shows."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path

from click.testing import CliRunner

from batchvid.cli.main import group
from tests.docs.texts import ROOT, blocks
from tests.docs.texts import command_lines as lines_of

MANIFEST = "manifests/kites.yaml"


def command_lines() -> list[str]:
    """Every line of the README's `sh` blocks, in order, but for the one that runs the tests."""
    lines = [line for block in blocks("sh") if block.page == "README.md" for line in lines_of(block.text)]
    return [line for line in lines if not line.endswith("-m pytest")]


def copy_manifests(folder: Path) -> None:
    """What a clone has beside the README and the tour needs."""
    shutil.copytree(ROOT / "manifests", folder / "manifests")
    shutil.copy(ROOT / "batchvid.toml", folder)


def plan_block() -> str:
    """What `batchvid plan` prints for the tour's manifest, before anything was bought."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        copy_manifests(Path(folder))
        environment = {"XDG_CACHE_HOME": folder, "BATCHVID_CATALOG": None, "BATCHVID_OUT": None}
        result = CliRunner().invoke(group, ["plan", MANIFEST], env=environment, catch_exceptions=False)
    return f"```text\n{trimmed(result.stdout)}\n```"


def trimmed(output: str) -> str:
    """The output without blanks at the ends of lines, and without what depends on today's date."""
    lines = (re.sub(r" \([0-9]+ months? ago\)", "", line) for line in output.splitlines())
    return "\n".join(line.rstrip() for line in lines if not line.startswith("old prices: "))
