"""Generated pages and blocks are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import pages


@pytest.fixture(scope="module")
def current() -> dict[Path, str]:
    return pages.current()


@pytest.mark.parametrize(
    "path",
    sorted({*pages.PAGES, *(path for path, _ in pages.BLOCKS)}),
    ids=lambda path: path.relative_to(pages.ROOT).as_posix(),
)
def test_a_generated_page_is_up_to_date(path: Path, current: dict[Path, str]) -> None:
    assert path.read_text("utf-8") == current[path], "run: python -m tests.docs"
