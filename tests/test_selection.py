"""Patterns that select jobs: by id in any case, or by tag."""

from __future__ import annotations

import pytest

from batchvid.selection import is_tag_pattern, matches, matches_name


@pytest.mark.parametrize(
    ("pattern", "is_selected"),
    [
        ("kite_wheat", True),
        ("KITE*", True),
        ("kite_?heat", True),
        ("*_[vw]heat", True),
        ("kite", False),
        ("tag:hero", True),
        ("tag:Hero", False),
        ("tag:her*", False),
        ("tag:", False),
        ("hero", False),
    ],
)
def test_a_pattern(pattern: str, is_selected: bool) -> None:
    """A pattern of ids ignores case and fits the whole id; a tag is compared exactly."""
    assert matches(pattern, "Kite_wheat", ("hero", "wide")) is is_selected


def test_a_name_is_never_a_tag() -> None:
    """Models have no tags: `tag:` is a part of the name there."""
    assert is_tag_pattern("tag:x")
    assert not is_tag_pattern("x")
    assert matches_name("TAG:*", "tag:x")
