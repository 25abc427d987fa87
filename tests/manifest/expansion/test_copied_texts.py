"""Prompts as they come out of lists, other programs and spreadsheets; and ordinary ones beside them."""

from __future__ import annotations

import pytest

from batchvid.manifest.expansion.cell_checks import check_begin, check_inside, check_value


@pytest.mark.parametrize(
    "text",
    [
        "1. A red kite",
        "2) A boat",
        "(3) A dog",
        "- A dog",
        "• A cow",
        "# Kite",
        "1️⃣ A kite",
        "b'a kite'",
        "['a kite']",
        "“a kite”",
        "'a kite'",
        "`a kite`",
    ],
)
def test_what_is_left_of_a_list_or_a_program_is_found(text: str) -> None:
    assert check_begin(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "3D render of a kite", "35mm film, 1.5x speed", "(slow) kite", "#nofilter kite", "-10 degrees, snow", "2 dogs",
        "1. Wide shot of a kite. 2. Close-up of its tail.", "- a kite\n- a boat", "# Scene\na kite",
        "[Wide shot] a kite", "“A quiet place,” she says", "'Twas night", "“Go,” he says. “Now!”", "'90s",
        "- a quiet lake -", "1920s street", "boats 'n' kites", '{"shot": "a kite"}', "1.5 litres of water",
        "-- a kite",
    ],
)  # fmt: skip
def test_ordinary_prompts_begin_as_they_like(text: str) -> None:
    """A numbered list of shots within one prompt is one prompt."""
    assert check_begin(text) is None


@pytest.mark.parametrize("text", ["a kite --ar 16:9", "/imagine prompt: a kite", "a kite --v 6"])
def test_settings_of_other_programs_are_found(text: str) -> None:
    (found,) = check_inside(text)
    assert "a setting of another program" in found.text
    assert not check_inside("a kite --dur 5 -- slow")


def test_errors_of_other_languages() -> None:
    assert (found := check_value("Fehler:504")) is not None
    assert found.is_error
