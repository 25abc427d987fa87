"""Ids and file names: readable where they can be, safe always."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from batchvid.manifest.reading.safe_names import MAX_NAME_BYTES, fit, safe_key, safe_name, text_of, value_name

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
RESERVED = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10))}
ANY_TEXT = st.text(max_size=300)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("16:9", "16x9"),
        ("veo3.1", "veo3.1"),
        ("SKU_07-b", "SKU_07-b"),
        ("runway/gen4_turbo", "runway-gen4_turbo"),
        ("Été à Paris", "Ete-a-Paris"),
        ("一只猫", "Yi-Zhi-Mao"),
        ("Mèo ở Sài Gòn", "Meo-o-Sai-Gon"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("Com1", "Com1_"),
        ("a. ", "a"),
        (".hidden", "hidden"),
        ("--flag", "flag"),
        ("a\x00b", "a-b"),
    ],
)
def test_names_stay_readable(text: str, name: str) -> None:
    """Case, dots and digits stay; the rest becomes what every file system takes."""
    assert name == safe_name(text)


def test_emoji_become_a_hash_of_their_own() -> None:
    """What leaves no letter over is still told apart, and the same each time."""
    kite, fish = safe_name("🪁"), safe_name("🐟")
    assert re.fullmatch(r"[0-9a-f]{8}", kite)
    assert kite != fish
    assert kite == safe_name("🪁")


def test_composed_and_decomposed_letters_are_one_name() -> None:
    """A file name from a Mac (decomposed) gives the id that the same name gives elsewhere."""
    assert safe_name("Cafe\u0301") == safe_name("Caf\u00e9") == "Cafe"


def test_long_names_are_cut_and_stay_two() -> None:
    """A cut name keeps a hash of the whole text, so that two long texts with one beginning stay two."""
    first, second = safe_name("a" * 200 + "x"), safe_name("a" * 200 + "y")
    assert first != second
    assert MAX_NAME_BYTES == len(first) == len(second)
    assert fit("short", "whatever") == "short"


@pytest.mark.parametrize(
    ("value", "text"), [(5.0, "5"), (5.5, "5.5"), (True, "true"), (False, "false"), ("x", "x"), (7, "7")]
)
def test_values_as_text(value: object, text: str) -> None:
    """5 and 5.0 are one value in a name; booleans are written as in YAML."""
    assert text == text_of(value)


@given(ANY_TEXT)
def test_any_unicode_gives_a_safe_name(text: str) -> None:
    """Whatever the words: a short name of plain characters that no system reserves, and a fixed point."""
    name = safe_name(text)
    assert SAFE.fullmatch(name)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert not name.endswith((".", " "))
    assert name.lower().partition(".")[0] not in RESERVED
    assert name == safe_name(name)
    assert len(value_name(text)) <= 48


@given(st.text(alphabet=string.ascii_letters + string.digits + "/.\\: -_é🪁", max_size=60))
def test_a_key_never_leaves_the_tree(path: str) -> None:
    """A key is refused, or it is a relative path of safe parts that ends in .mp4."""
    for candidate in (path, f"{path}.mp4"):
        try:
            key = safe_key(candidate)
        except ValueError:
            continue
        assert key.endswith(".mp4")
        assert all(SAFE.fullmatch(part) for part in key.split("/"))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/x.mp4",
        "../x.mp4",
        "a/../x.mp4",
        "./x.mp4",
        "C:/x.mp4",
        "a\\b.mp4",
        "a//b.mp4",
        "x.mov",
        "x",
        ".mp4",
        "a/.mp4",
        "a /b.mp4",
        " a.mp4",
        "a/ b.mp4",
        ".../b.mp4",
    ],
)
def test_paths_out_of_the_tree_are_refused(path: str) -> None:
    """Absolute paths, drive letters, dots, backslashes, empty parts and other endings are mistakes."""
    with pytest.raises(ValueError, match=re.escape(repr(path))):
        safe_key(path)


@given(st.lists(st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=9), min_size=2, max_size=4))
def test_plain_words_make_their_own_key(parts: list[str]) -> None:
    """A path of plain words is its own key."""
    assume(not any(part.lower() in RESERVED for part in parts))
    path = "/".join(parts) + ".mp4"
    assert path == safe_key(path)
