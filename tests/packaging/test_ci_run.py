"""`.ci/run` in a small repository with stand-ins for the tools: what it touches, what it runs, how it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("ruff", "mypy", "lint-imports", "mkdocs", "python")

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not (shutil.which("bash") and shutil.which("git")), reason="needs bash and git"
)

INSTALL = f"""import os, pathlib, sys
print("tests of", pathlib.Path("tracked.txt").read_text().strip(), "-- 1 passed in 0.01s", flush=True)
folder = pathlib.Path(".venv/bin")
folder.mkdir(parents=True)
for tool in {TOOLS!r}:
    path = folder / tool
    path.write_text('#!/bin/sh\\necho "tool ' + tool + ' $*"\\nexit ' + os.environ.get("CODE_OF_" + tool.upper(), "0"))
    path.chmod(0o755)
"""
"""Stands in for the README's command: prints a closing line and makes a virtualenv of stand-ins."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A tree with a virtualenv of its developer, a tracked file that is changed, and one that is not tracked."""
    folder = tmp_path / "tree"
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "mine").write_text("keep")
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    (folder / ".gitignore").write_text(".venv/\n")
    (folder / "README.md").write_text("text\npython3 install -m pytest\npython3 other -m pytest\n")
    (folder / "install").write_text(INSTALL)
    (folder / "tracked.txt").write_text("before")
    (folder / "removed.txt").write_text("gone")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "tracked.txt").write_text("after")
    (folder / "removed.txt").unlink()
    (folder / "untracked.txt").write_text("not yet added")
    return folder


def ci_run(repository: Path, **environment: str) -> tuple[int, str]:
    """Its exit code and what it printed, with an empty folder for temporary files and no standard input."""
    place = repository.parent / "temporary"
    place.mkdir()
    done = subprocess.run(
        ["bash", ".ci/run"], cwd=repository, env={**os.environ, "CI": "true", "TMPDIR": str(place), **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert list(place.iterdir()) == []
    return done.returncode, done.stdout


def test_it_works_in_a_copy_and_leaves_the_tree_alone(repository: Path) -> None:
    """The README's first command runs on the files as they are now; the developer's virtualenv stays; no rest stays."""
    before = {path.relative_to(repository) for path in repository.rglob("*")}
    code, said = ci_run(repository, CODE_OF_RUFF="7")
    assert code == 7
    assert "+ python3 install -m pytest\ntests of after -- 1 passed in 0.01s\n" in said
    assert "tool ruff check ." in said
    assert "tool mypy" not in said
    assert {path.relative_to(repository) for path in repository.rglob("*")} == before
    assert (repository / ".venv" / "mine").read_text() == "keep"


def test_a_test_that_fails_ends_it(repository: Path) -> None:
    """Nothing after the README's command is run."""
    (repository / "install").write_text("raise SystemExit(3)")
    code, said = ci_run(repository)
    assert (code, "tool" in said) == (3, False)


def test_the_steps_and_their_order(repository: Path) -> None:
    """Linters, documentation, coverage; a floor that is missed ends it before the wheel is built."""
    code, said = ci_run(repository, CODE_OF_PYTHON="2")
    steps = [line.split()[1] for line in said.splitlines() if line.startswith("tool ")]
    assert steps == ["ruff", "ruff", "mypy", "lint-imports", "mkdocs", "python"]
    assert (code, "pip wheel" in said) == (2, False)
