"""What the text of a cell means: numbers of all locales, yes and no, texts in any case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.schema.cell_values import comparable, decimal_mark, is_ambiguous, read_number, truth

LOCALES = {
    "en": (",", "."),
    "de": (".", ","),
    "fr": ("\u202f", ","),
    "ch": ("\u2019", "."),
    "sv": ("\u00a0", ","),
}
"""Thousands and decimal separators."""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12,50", 12.5),
        ("4.99", 4.99),
        ("30", 30),
        ("1.234,56", 1234.56),
        ("1,234.56", 1234.56),
        ("1 234,5", 1234.5),
        ("1\u00a0234", 1234),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1,23,456.78", 123456.78),
        ("€ 12,50", 12.5),
        ("12.50 EUR", 12.5),
        ("US$ 5", 5),
        ("R$ 5,00", 5),
        ("99 zł", 99),
        ("5 kr.", 5),
        ("12 %", 12),
        ("CHF 1'234.50", 1234.5),
        ("CHF 1\u2019234.50", 1234.5),
        ("12.-", 12),
        ("12,--", 12),
        ("CHF 12.\u2013", 12),
        ("-5", -5),
        ("\u22125", -5),
        ("- 5", -5),
        ("-€5", -5),
        ("€ -5", -5),
        ("5-", -5),
        ("(12.50)", -12.5),
        ("+5", 5),
        ("5.", 5),
        (",5", 0.5),
        ("0,125", 0.125),
        ("1234,567", 1234.567),
        ("1e5", 1e5),
        ("1,5E3", 1500),
        ("\uff11\uff12", 12),
        ("\u0661\u0662\u066b\u0665", 12.5),
        ("12345678901234567890", 12345678901234567890),
    ],
)
def test_numbers_as_people_write_them(text: str, number: float) -> None:
    """One reading, whatever decimal separator is assumed."""
    assert read_number(text, ",") == read_number(text, ".") == number
    assert not is_ambiguous(text)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "nan", "inf", "1e999", "12 34", "1.2.3", "1,234,56", "12 kg", "12:30", "2024-01-01", "--5", "5--", "(5",
     "-5-", "1" * 65, "12,50 or 13"],
)  # fmt: skip
def test_texts_that_are_no_number(text: str) -> None:
    """They are not taken for one, and never for 0."""
    assert read_number(text, ",") is None
    assert read_number(text, ".") is None


@pytest.mark.parametrize(("text", "as_comma", "as_dot"), [("1,234", 1.234, 1234), ("1.234", 1234, 1.234)])
def test_thousands_or_decimals(text: str, as_comma: float, as_dot: float) -> None:
    """One separator before three digits may be either."""
    assert is_ambiguous(text)
    assert not decimal_mark(text)
    assert (read_number(text, ","), read_number(text, ".")) == (as_comma, as_dot)


@pytest.mark.parametrize(
    ("text", "mark"),
    [("12,5", ","), ("1.5", "."), ("1.234,5", ","), ("1,234,567", "."), ("1.234.567", ","), ("12", ""), ("x", ""),
     ("1 234", ""), ("1,5e3", ","), ("0,125", ",")],
)  # fmt: skip
def test_the_decimal_separator_that_a_text_shows(text: str, mark: str) -> None:
    """It decides the ambiguous cells of the same column."""
    assert decimal_mark(text) == mark


@given(
    number=st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    locale=st.sampled_from(sorted(LOCALES)),
    unit=st.sampled_from(["{}", "{} €", "€ {}", "{} EUR", "${}", "{} %", " {} "]),
)
def test_a_formatted_number_is_read_back(number: float, locale: str, unit: str) -> None:
    """Five locales, with thousands and two decimals, with and without a currency."""
    thousands, decimal = LOCALES[locale]
    text = f"{number:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    assert read_number(unit.format(text), decimal) == float(number)
    assert not is_ambiguous(text)


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(LOCALES)))
def test_a_formatted_whole_number_is_read_back(number: int, locale: str) -> None:
    """Thousands alone need the decimal separator of the column."""
    thousands, decimal = LOCALES[locale]
    assert read_number(f"{number:,}".replace(",", thousands), decimal) == number


@given(st.text())
def test_any_text_has_a_meaning(text: str) -> None:
    """No text makes a reader fail."""
    assert comparable(comparable(text)) == comparable(text)
    assert truth(text) in (True, False, None)
    number = read_number(text, ",")
    assert number is None or number == number
    assert decimal_mark(text) in ("", ",", ".")


@pytest.mark.parametrize(
    ("text", "answer"),
    [("TRUE", True), ("WAHR", True), ("VRAI", True), ("x", True), ("\u2713", True), ("\u2714\ufe0f", True), ("1", True),
     ("1.0", True), ("-1", True), ("yes", True), ("FALSE", False), ("FALSCH", False), ("FAUX", False), ("", False),
     ("\u00a0", False), ("0", False), ("0,0", False), ("No", False), ("later", None), ("5", None)],
)  # fmt: skip
def test_yes_and_no_of_spreadsheets(text: str, answer: bool | None) -> None:
    """Other texts are neither."""
    assert truth(text) is answer


@pytest.mark.parametrize(
    "text", ["ready", "READY", " Ready ", "\u00a0ready", "\uff32eady", "re\u200bady", "ready\u3000"]
)
def test_texts_that_are_alike(text: str) -> None:
    """Case, width, blanks and invisible characters do not matter."""
    assert comparable(text) == "ready"
    assert comparable("in  \u00a0progress") == "in progress"
