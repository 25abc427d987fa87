"""Other notations of ratios, lengths and numbers get the one to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.schema import field_types
from batchvid.manifest.schema.notations import number_hint, ratio_hint, seconds_hint


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("16/9", "16:9"), ("16x9", "16:9"), ("16 × 9", "16:9"), ("16-9", "16:9"), ("9 by 16", "9:16"),
        ("16：9", "16:9"), ("1920x1080", "16:9"), ("1.78", "16:9"), ("0,5625", "9:16"), ("1.0", "1:1"),
        ("landscape", "16:9"), ("Portrait", "9:16"), ("square", "1:1"), ("16:9 (wide)", "16:9"),
        ("969", "16:9"), ("556", "9:16"), ("61", "1:1"),
        ("16:09:00", "16:9"), ("04:03:00", "4:3"),
    ],
)  # fmt: skip
def test_a_ratio(written: str, hint: str) -> None:
    """The message ends with the ratio in the notation of a manifest, which is accepted."""
    assert hint in ratio_hint(written)
    assert field_types.ratio(hint) == hint
    with pytest.raises(ValueError, match="must be width:height") as raised:
        field_types.ratio(written)
    assert str(raised.value).endswith(ratio_hint(written))


@pytest.mark.parametrize("written", ["wide-ish", "7", "", "16:", "a/b", "0x9", "3.7"])
def test_no_ratio(written: str) -> None:
    """Where nothing is clear, nothing is suggested."""
    assert ratio_hint(written) == ""


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("8s", "; write 8"), ("8 sec", "; write 8"), ("8,5 Sekunden", "; write 8.5"), ("8000ms", "; write 8"),
        ("0:08", "; write 8"), ("00:01:05", "; write 65"), ("PT8S", "; write 8"),
        ("8,5", "; write 8.5"), ("eight", ""), ("5-10", ""),
    ],
)  # fmt: skip
def test_a_length(written: str, hint: str) -> None:
    """The same for seconds."""
    assert seconds_hint(written) == hint


@pytest.mark.parametrize(
    ("written", "hint"),
    [("1,000", "; write 1000"), ("1.234.567", "; write 1234567"), ("1 000", "; write 1000"), ("x", ""), ("1,2345", "")],
)
def test_a_number(written: str, hint: str) -> None:
    """The same for a seed."""
    assert number_hint(written) == hint


@given(st.text(max_size=30))
def test_any_text_has_a_hint_or_none(written: str) -> None:
    """No text raises anything."""
    for hint in (ratio_hint, seconds_hint, number_hint):
        assert hint(written) == "" or hint(written).startswith("; ")
