"""Characters that nobody sees, and texts that were read in a wrong encoding."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.expansion.odd_characters import find_odd_characters


@pytest.mark.parametrize("character", ["\x00", "\ud83d"])
def test_what_no_vendor_takes_is_an_error(character: str) -> None:
    """A zero byte ends a text in C and is refused by databases; half a character cannot be encoded."""
    (found,) = find_odd_characters(f"a{character}kite")
    assert found.is_error
    assert f"U+{ord(character):04X}" in found.text


@pytest.mark.parametrize(
    "character",
    "\x07\x08\x0b\x0c\x1a\x1b\x7f\x85\xad\u200b\u2028\u2029\u202e\u2060\u2066\ufeff\ufffd\ufffc\ue000\U000f0000\uffff",
)
def test_what_nobody_sees_is_a_warning(character: str) -> None:
    """Named by its code and its meaning; the message itself stays printable."""
    (found,) = find_odd_characters(f"a{character}kite")
    assert not found.is_error
    assert f"U+{ord(character):04X} (" in found.text
    assert found.text.isprintable()


def test_several_are_one_finding() -> None:
    """As in a cell from an old presentation."""
    (found,) = find_odd_characters("a\x0bkite\x07 over\u200b wheat\x1a")
    assert "U+000B (a line break of Excel or PowerPoint), U+0007 (a bell), U+200B (zero width space)" in found.text


@pytest.mark.parametrize(
    "text",
    [
        *("a kite\n\tat noon\r\n", "5\xa0%", "caf\u00e9 \u2013 \u201cq\u201d\u2026 5\u2009€"),
        "\U0001f469\u200d\U0001f467",
        "❤\ufe0f",
        *("می\u200cخواهم", "\u200fעברית\u200e", "क्\u200dष", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "中文提示词"),
        "SÃO PAULO",
        *("Trần bình", "Привет мир", "naïve Ångström", "Ñandú", "Ελληνικά", "日本語の凧", "한국어 연"),
    ],
)
def test_what_is_meant_is_not_reported(text: str) -> None:
    """Blanks of typography, joiners of emoji and scripts, direction marks, letters of any language."""
    assert find_odd_characters(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "a café in rain",
        "it’s a kite",
        "“a kite” – noon",
        "Привет, мир",
        "100 °C outside",
        "£5 tea",
        "中文 提示词",
        "l’été à Nîmes",
    ],
)
@pytest.mark.parametrize("wrong", ["cp1252", "latin-1"])
def test_a_text_in_a_wrong_encoding(text: str, wrong: str) -> None:
    """UTF-8 that was read as Windows-1252 or Latin-1: the message has the probable text."""
    damaged = "".join(
        bytes([byte]).decode(wrong) if wrong == "latin-1" or byte not in b"\x81\x8d\x8f\x90\x9d" else chr(byte)
        for byte in text.encode()
    )
    found = [one.text for one in find_odd_characters(damaged) if "wrong encoding" in one.text]
    assert len(found) == 1
    assert any(word in found[0] for word in text.split() if not word.isascii())


@given(st.text(max_size=100))
def test_no_text_makes_it_raise(text: str) -> None:
    """Whatever is found, the message is printable."""
    assert all(found.text.isprintable() for found in find_odd_characters(text) if "wrong encoding" not in found.text)


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), max_size=100))
def test_printable_ascii_is_never_odd(text: str) -> None:
    """The property that keeps false alarms away from most prompts."""
    assert unicodedata.is_normalized("NFC", text)
    assert find_odd_characters(text) == []
