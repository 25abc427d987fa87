"""docs/reference/where.md: its conditions can be used, and its corrections are those that batchvid offers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from batchvid.manifest.schema.conditions import BadCondition, Condition

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "where.md"
ROW = {
    "status": "Ready", "go": "yes", "In stock": "yes", "done": "FALSE", "price": "5,00", "note": "", "qty": "3",
    "name": "Blue shirt", "colours": "Red, blue", "urgent": "x",
}  # fmt: skip


def table(title: str) -> list[tuple[str, str]]:
    """The two columns of a table, without the marks of code."""
    text = PAGE.read_text("utf-8").partition(f"| {title} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    return [(left.strip("`"), right.strip("`")) for left, right in rows]


def holds(condition: str) -> bool:
    """Whether the row meets it."""
    variables: dict[str, Any] = {**ROW, "row": ROW}
    return Condition(condition, variables).holds(variables, is_last=True)


@pytest.mark.parametrize(("condition", "_meaning"), table("condition | meaning"))
def test_conditions_of_the_page_can_be_used(condition: str, _meaning: str) -> None:
    """Each has a result."""
    assert holds(condition) in (True, False)


@pytest.mark.parametrize(("wrong", "right"), table("wrong | write"))
def test_corrections_of_the_page_are_offered(wrong: str, right: str) -> None:
    """The message ends with the condition of the page, which has a result."""
    with pytest.raises(BadCondition, match=re.escape(f"; write {right}")):
        holds(wrong)
    assert holds(right) in (True, False)


def test_the_page_has_its_tables() -> None:
    """Neither of the tests above is empty."""
    assert len(table("condition | meaning")) == 8
    assert len(table("wrong | write")) == 11
