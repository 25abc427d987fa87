"""Copies the tracked files of this repository, as they are on disk, into a new folder: `copy_tree.py TARGET`.

Without git (an unpacked archive) it copies everything but what a build or a run leaves behind.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_BEHIND = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "build", "dist", "outputs")


def tracked() -> list[str]:
    """The tracked paths; nothing where this is no git repository."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [name for name in listed.decode().split("\0") if (ROOT / name).is_file()]


def main(target: Path) -> None:
    """Copy them."""
    paths = tracked()
    if not paths:
        shutil.copytree(ROOT, target, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    for name in paths:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
