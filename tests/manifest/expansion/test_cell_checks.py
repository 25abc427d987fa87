"""Cells that are no text for a prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.expansion.cell_checks import check_inside, check_value, check_whole_text, may_be_no_text, shorten


@pytest.mark.parametrize(
    "value",
    [
        *('=CONCAT(A2," on a table")', '=HYPERLINK("http://x.example","kite")', "=A2&B2", "=1+1", "+SUM(A1:A2)"),
        "=$B$2",
        *('=VERKETTEN(A1;" x")', "=СЦЕПИТЬ(A1)", "=Sheet1!A1", "='My sheet'!B2", '="a kite"', "=_xlfn.TEXTJOIN(1)"),
        "+A2",
        *("@SUM(A1)", "-A1+B2", "={1,2}"),
    ],
)
def test_formulas_are_errors(value: str) -> None:
    """The cell holds the formula, not what it makes."""
    found = check_value(value)
    assert found is not None
    assert found.is_error
    assert found.text.startswith("is the formula ")


@pytest.mark.parametrize(
    "value",
    [
        *("#REF!", "#NAME?", "#N/A", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#ERROR!"),
        "#BEZUG!",
        *("#NV", "#WERT!", "#¡REF!", "#¿NOMBRE?", "#¡DIV/0!", "#NOM?", "#VALEUR!", "#RIF!", "#N/D", "#ССЫЛКА!", "#Н/Д"),
        *("#ÜBERLAUF!", "#DEĞER!", "#YOK", "Err:508", "Loading...", "########", "#GETTING_DATA"),
    ],
)
def test_errors_of_spreadsheets_are_errors(value: str) -> None:
    """In any language of the spreadsheet, as a whole cell and as a whole prompt."""
    for found in (check_value(f" {value} "), check_whole_text(value)):
        assert found is not None
        assert found.is_error
        assert value in found.text
    assert may_be_no_text(value)


@pytest.mark.parametrize(
    "value",
    [
        *("nan", "NaN", "null", "None", "n/a", "N/A", "NULL", "undefined", "-", "—", "?", "\\N", "[object Object]"),
        *("(blank)", "<NA>", "TBD", "...", "not available"),
    ],
)
def test_words_for_a_missing_value(value: str) -> None:
    """A warning inside a text, because `none` may be meant; an error as a whole prompt."""
    inside, whole = check_value(value), check_whole_text(value)
    assert inside is not None
    assert whole is not None
    assert (inside.is_error, whole.is_error) == (False, True)
    assert may_be_no_text(value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, "a number") for text in ("42", "3,50", "$19.99", "50%", "2024-05-01", "1.00E+05", "-5")),
        *((text, "a link") for text in ("https://x.example/a.jpg", "www.x.example")),
        *((text, "the name of a file") for text in ("kite.jpg", "photos/red kite.PNG")),
        *((text, "punctuation") for text in ("-----", "!!", "**")),
        *((text, "a yes or no") for text in ("TRUE", "falsch")),
    ],
)
def test_a_prompt_that_is_nothing_but(text: str, kind: str) -> None:
    """It may be the wrong column: a warning."""
    found = check_whole_text(text)
    assert found is not None
    assert not found.is_error
    assert kind in found.text


@pytest.mark.parametrize(
    "text",
    [
        *("+49 170 a phone rings", "@brand drops a bottle", "-- slow push in", "- a kite", "=== scene ===", "猫", "🪁"),
        *("a kite", "+A4 paper falls", "#kite", "#1 in town", "3 kites", "a link https://x.example", "none of them"),
        *("None of the kites", "her nan in the kitchen", "an undefined shape", "Nancy, null and void space"),
        *("Loading a truck", "#NOFILTER", "kite.jpg flies"),
    ],
)
def test_prompts_that_look_similar(text: str) -> None:
    """Nothing is found in them."""
    assert check_whole_text(text) is None
    assert check_inside(text) == []


@pytest.mark.parametrize(
    ("text", "part", "is_error"),
    [
        ("a kite in #REF!, noon", "contains #REF!", True),
        ("costs #N/A today", "contains #N/A", True),
        ("a kite<br>at <b>noon</b>", "contains HTML (<br> <b> </b>)", False),
        ("salt &amp; pepper&nbsp;&#233;", "&amp; for &", False),
        ("a kite, , red", "', ,' with nothing between", False),
        ("a kite in NaN light", 'contains "NaN", which may', False),
        ("a kite in None, red", 'contains "None", which may', False),
        ("a kite, undefined, red", 'contains "undefined", which may', False),
        ("a kite in nan", 'contains "nan", which may', False),
        ("a kite () red", "'()' with nothing between", False),
    ],
)
def test_what_a_longer_text_contains(text: str, part: str, is_error: bool) -> None:
    """Errors of joined cells, HTML of web shops, and the traces of empty cells."""
    (found,) = check_inside(text)
    assert part in found.text
    assert found.is_error is is_error


def test_long_cells_are_shortened() -> None:
    """A message stays one line."""
    assert shorten("a\nb" * 100) == "a b" + "a b" * 12 + "…"


@given(st.text(max_size=100))
def test_no_text_makes_them_raise(text: str) -> None:
    """What the fast test passes over has no finding."""
    check_inside(text)
    check_whole_text(text)
    if check_value(text) is not None and text == text.strip():
        assert may_be_no_text(text)
