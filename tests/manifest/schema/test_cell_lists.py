"""Several values in one text: which characters separate them, and where a comma belongs to a name or a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.schema.cell_lists import split_files, split_words

FILES = st.from_regex(r"[A-Za-z0-9 _-]{0,6}[A-Za-z0-9]\.(jpg|png|webp)", fullmatch=True).map(str.strip)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hero", ["hero"]),
        ("summer, hero", ["summer", "hero"]),
        ("summer, late; hero", ["summer, late", "hero"]),
        ("a|b\nc\r\nd", ["a", "b", "c", "d"]),
        (" , ;", [","]),
        ("", []),
    ],
)
def test_words(text: str, parts: list[str]) -> None:
    """A comma separates only where nothing else does."""
    assert split_words(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.jpg, b.jpg", ["a.jpg", "b.jpg"]),
        ("a.jpg,b.jpg,", ["a.jpg", "b.jpg"]),
        ("Blue, large.jpg", ["Blue, large.jpg"]),
        ("Blue, large.jpg; back.jpg", ["Blue, large.jpg", "back.jpg"]),
        ("https://c.example/w_200,h_100/a.jpg", ["https://c.example/w_200,h_100/a.jpg"]),
        (
            "https://c.example/x,y/a.jpg,https://c.example/b.jpg",
            ["https://c.example/x,y/a.jpg", "https://c.example/b.jpg"],
        ),
        ("https://c.example/a.jpg, https://c.example/b.jpg", ["https://c.example/a.jpg", "https://c.example/b.jpg"]),
        ("https://c.example/a.jpg;v=1", ["https://c.example/a.jpg;v=1"]),
        ("a.jpg, https://c.example/b,2.jpg", ["a.jpg", "https://c.example/b,2.jpg"]),
        ("https://c.example/a.jpg|b.jpg\nc.jpg", ["https://c.example/a.jpg", "b.jpg", "c.jpg"]),
        ("data:image/png;base64,AAAA,BBBB", ["data:image/png;base64,AAAA,BBBB"]),
        (" ", []),
    ],
)
def test_files(text: str, parts: list[str]) -> None:
    """Links keep their commas, and so does a name that is no list of names."""
    assert split_files(text) == parts


@given(st.lists(FILES, min_size=1, max_size=5), st.sampled_from([", ", ",", "; ", ";", "|", "\n"]))
def test_a_list_of_files_survives(names: list[str], separator: str) -> None:
    """However a list of plain names is written, its parts are these names."""
    assert split_files(separator.join(names)) == names
