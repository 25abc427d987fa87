"""Documents that comments and pages cite exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.texts import ROOT, read, spans

SOURCES = [
    path
    for folder in ("batchvid", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".toml", ".md") and path != Path(__file__)
]
FOREIGN = re.compile(
    r"wire-(cometapi|direct|more)\b|\bDESIGN\b|\bSTYLE\.md|\bHOUSE\.md|\bARCHITECTURE\.md|\bPOLLING\.md"
)


def test_every_cited_section_of_the_wire_notes_exists() -> None:
    headings = set(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", read("wire-notes.md"), re.MULTILINE))
    cited = {
        (section, path.relative_to(ROOT).as_posix())
        for path in SOURCES
        for sections in re.findall(r"wire-notes ((?:\d+(?:\.\d+)?(?:, | and )?)+)", path.read_text("utf-8"))
        for section in re.findall(r"\d+(?:\.\d+)?", sections)
    }
    assert cited
    assert {citation for citation in cited if citation[0] not in headings} == set()


def test_no_document_is_cited_that_the_repository_does_not_hold() -> None:
    assert [path.name for path in SOURCES if FOREIGN.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("page", ["explanation/architecture.md", "explanation/polling.md", "reference/emulator.md"])
def test_a_page_about_the_source_names_files_that_exist(page: str) -> None:
    named = [span for span in spans(ROOT / "docs" / page) if re.fullmatch(r"[\w/]+(\.(py|md|toml)|/)", span)]
    known = {path.name for path in (ROOT / "batchvid").rglob("*")} | {"report.csv", "ledger.csv"}
    gone = [name for name in named if not ((ROOT / name).exists() or (ROOT / "batchvid" / name).exists())]
    assert [name for name in gone if name.rstrip("/") not in known and name not in ("replaced/",)] == []


def test_a_module_that_a_comment_names_exists() -> None:
    """Comments and docstrings name modules by file name, such as `outcome_rules.py`."""
    known = {path.name for folder in ("batchvid", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")}
    named = {
        (name, path.relative_to(ROOT).as_posix())
        for path in SOURCES
        for name in re.findall(r"\b\w+\.py\b", path.read_text("utf-8"))
    }
    assert {one for one in named if one[0] not in known} == set()
