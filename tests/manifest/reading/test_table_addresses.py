"""Addresses of tables: which are accepted, what is fetched, how they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.reading.table_addresses import download_address, is_address, label_of

GOOGLE = "https://docs.google.com/spreadsheets/d"


@pytest.mark.parametrize(
    ("written", "fetched"),
    [
        (f"{GOOGLE}/1aB-c/edit#gid=12", f"{GOOGLE}/1aB-c/export?format=csv&gid=12"),
        (f"{GOOGLE}/1aB-c/edit?gid=12#gid=12", f"{GOOGLE}/1aB-c/export?format=csv&gid=12"),
        (f"{GOOGLE}/1aB-c/edit?usp=sharing", f"{GOOGLE}/1aB-c/export?format=csv"),
        (f"{GOOGLE}/1aB-c", f"{GOOGLE}/1aB-c/export?format=csv"),
        (f"{GOOGLE}/e/2PACX-1v/pubhtml", f"{GOOGLE}/e/2PACX-1v/pub?output=csv"),
        (f"{GOOGLE}/e/2PACX-1v/pub?gid=7&single=true&output=csv",
         f"{GOOGLE}/e/2PACX-1v/pub?output=csv&single=true&gid=7"),
        ("https://www.dropbox.com/s/abc/plan.csv?dl=0", "https://www.dropbox.com/s/abc/plan.csv?dl=1"),
        ("https://shop.example/feed.csv?key=1#x", "https://shop.example/feed.csv?key=1"),
        ("http://127.0.0.1:8000/t.csv", "http://127.0.0.1:8000/t.csv"),
    ],
)  # fmt: skip
def test_what_is_fetched(written: str, fetched: str) -> None:
    """A link that a browser shows becomes the link of the table."""
    assert is_address(written)
    assert download_address(written) == fetched


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("http://shop.example/feed.csv", "must begin with https://"),
        ("ftp://shop.example/feed.csv", "must begin with https://"),
        ("https://me:secret@shop.example/feed.csv", "must not hold a user name"),
        ("https:///feed.csv", "no valid address"),
        ("https://shop.example/a b.csv", "no valid address"),
    ],
)
def test_what_is_refused(written: str, words: str) -> None:
    """Nothing is sent unencrypted, and no password stands in a manifest."""
    with pytest.raises(ValueError, match=words):
        download_address(written)


def test_a_label_hides_the_query() -> None:
    """A published link is a secret of its owner; the sheet of a workbook is shown."""
    assert label_of("https://shop.example/feed.csv?key=SECRET") == "shop.example/feed.csv"
    assert label_of(f"{GOOGLE}/1aB-c/edit#gid=12") == "docs.google.com/spreadsheets/d/1aB-c/edit#gid=12"
    assert len(label_of(f"https://shop.example/{'x' * 200}")) <= 60


@pytest.mark.parametrize("name", ["plan.csv", "sheets/*.csv", r"C:\plan.csv", "https.csv"])
def test_a_file_is_no_address(name: str) -> None:
    """Only a scheme makes an address."""
    assert not is_address(name)


@given(st.text(max_size=40))
def test_any_address_is_accepted_or_refused(rest: str) -> None:
    """Nothing else is raised."""
    try:
        label_of(f"https://{rest}")
        download_address(f"https://{rest}")
    except ValueError:
        return
