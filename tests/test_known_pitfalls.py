"""The emulator and the client cannot agree by a shared mistake: they share no code.

The other known pitfalls are marks on the tests that guard against them: `pytest -m pitfall` runs all of these.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

EMULATOR = Path(__file__).parents[1] / "batchvid" / "emulator"


def imported(source: str) -> Iterator[str]:
    """Every module that a source file imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.pitfall("emulator and client share a mistake")
@pytest.mark.parametrize("path", sorted(EMULATOR.rglob("*.py")), ids=lambda path: str(path.relative_to(EMULATOR)))
def test_the_emulator_shares_no_code(path: Path) -> None:
    """A file of the emulator imports nothing of batchvid but the emulator."""
    ours = [name for name in imported(path.read_text("utf-8")) if name.split(".")[0] == "batchvid"]
    assert [name for name in ours if not name.startswith("batchvid.emulator")] == []
