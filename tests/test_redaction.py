"""What a vendor says, made fit for files and terminals: words stay, signatures and control characters go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.redaction import MAX_MESSAGE_CHARS, redact, strip_queries
from tests.builders import SECRET

LINKS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTPS"]),
    st.sampled_from(["cdn.example", "127.0.0.1:8787", "user@cdn.example", "春.example"]),
    st.sampled_from(["", "/", "/clip.mp4", "/a b".replace(" ", "%20"), "/(1)/v.mp4"]),
    st.sampled_from(["?", "#", "?a=1&", "?next=https://b.example/?"]),
    st.sampled_from([f"Signature={SECRET}", f"X-Amz-Signature={SECRET}&b=2", f"{SECRET}"]),
)
AROUND = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(AROUND, LINKS, st.sampled_from([" ", '"', "'", "<", "\n", ""]), AROUND)
def test_no_signature_survives(before: str, link: str, end: str, after: str) -> None:
    """Whatever stands around a link, what follows its question mark or its hash is gone."""
    assert SECRET not in strip_queries(f"{before}{link}{end}{after}")
    assert SECRET not in redact(f"{before}{link}{end}{after}")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("see https://cdn.example/a.mp4?Signature=x for details", "see https://cdn.example/a.mp4?... for details"),
        ('{"url": "https://cdn.example/a.mp4?S=x", "n": 1}', '{"url": "https://cdn.example/a.mp4?...", "n": 1}'),
        ("https://a.example/1?k=v and https://b.example/2#k", "https://a.example/1?... and https://b.example/2?..."),
        ("read https://docs.example/errors", "read https://docs.example/errors"),
        ("Really? Yes: 5 > 4 # fine", "Really? Yes: 5 > 4 # fine"),
        ("is it https://docs.example/? Yes", "is it https://docs.example/? Yes"),
        ("", ""),
    ],
)
def test_only_the_query_of_a_link_is_cut(said: str, kept: str) -> None:
    """The address stays, for it tells what was asked for; a question is not a query."""
    assert strip_queries(said) == redact(said) == kept


@given(st.text(max_size=2000))
def test_it_is_one_printable_line_of_bounded_length(said: str) -> None:
    """No terminal obeys it, no log is broken by it, no page of HTML fills the report; twice cleaned is once cleaned."""
    clean = redact(said)
    assert clean.isprintable()
    assert clean == clean.strip() or len(clean) == MAX_MESSAGE_CHARS
    assert len(clean) <= MAX_MESSAGE_CHARS
    assert redact(clean) == clean


def test_a_novel_is_cut_where_it_can_be_seen() -> None:
    """Six hundred characters, and dots that say that there was more."""
    assert redact("x" * 600) == "x" * 600
    assert redact("x" * 601) == "x" * 597 + "..."


def test_any_script_stays() -> None:
    """What can be printed is printed."""
    assert redact("夕阳\u202e \x1b[2Jtrà\r\n") == "夕阳   [2Jtrà"


def test_a_link_with_escaped_slashes_is_cut_too() -> None:
    """Some gateways write https:\\/\\/ in JSON, and a message may quote it."""
    assert "s1gned" not in redact(r'{"url":"https:\/\/cdn.example\/a.mp4?Signature=s1gned"}')
