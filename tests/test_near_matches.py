"""Suggestions for misspelled names: the same rule everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.near_matches import MAX_COMPARED, MAX_SUGGESTIONS, did_you_mean, near_matches


@pytest.mark.parametrize("word", ["veo3fast", "VEO3-FAST", "veo 3 fast", "veo3-fsat"])
def test_case_and_separators_do_not_count(word: str) -> None:
    """People write a name as they remember it."""
    assert near_matches(word, ["kling-v2-6", "veo3-fast", "sora-2"])[0] == "veo3-fast"


def test_at_most_five() -> None:
    """More would hide the right one."""
    assert len(near_matches("clip", [f"clip{n}" for n in range(9)])) == MAX_SUGGESTIONS


def test_nothing_near_is_nothing() -> None:
    """The caller then names the command that lists all."""
    assert did_you_mean("xyzzy", ["run", "plan"]) == ""
    assert did_you_mean("rn", ["run", "plan"]) == "did you mean run?"


def test_many_names_are_not_compared() -> None:
    """A manifest may have a million ids."""
    assert near_matches("a1", [f"a{n}" for n in range(MAX_COMPARED + 1)]) == []


@given(st.text(max_size=10), st.lists(st.text(max_size=10), max_size=20))
def test_suggestions_are_names_that_exist(word: str, names: list[str]) -> None:
    """Each once for each time that it exists, and no more than allowed."""
    found = near_matches(word, names)
    assert len(found) <= MAX_SUGGESTIONS
    assert set(found) <= set(names)
