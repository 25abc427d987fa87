"""YAML as the manifest reads it: 1.2 scalars, marks, one error for each mistake, bounds."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.reading.marked_data import Map, Mark, mark_at, plain
from batchvid.manifest.reading.yaml_reader import MAX_BYTES, MAX_DEPTH, BadDocument, read, scalar


def data_of(text: str) -> Any:
    return read(text.encode(), "m.yaml", lambda mark, problem: pytest.fail(f"{mark} {problem}"))


def bad(text: str | bytes) -> tuple[int, str]:
    with pytest.raises(BadDocument) as raised:
        read(text if isinstance(text, bytes) else text.encode(), "m.yaml", lambda mark, problem: None)
    return raised.value.mark.line, str(raised.value)


@pytest.mark.parametrize(
    "word",
    [
        "16:9",
        "9:16",
        "no",
        "yes",
        "on",
        "off",
        "2026-11-20",
        "016",
        "007.5",
        "0x1F",
        "0o17",
        "1_000",
        "12e4",
        "1.0e999",
        ".inf",
        ".nan",
        "1.2.3",
        "veo3.1",
        "-",
        ".",
        "1:30:00",
        "9" * 19,
        "=",
        "y",
    ],
)
@pytest.mark.pitfall("YAML reads 16:9 as a number and no as a boolean")
def test_words_stay_words(word: str) -> None:
    """What YAML 1.1 takes for a number, a date or a boolean is the word that was written."""
    assert word == scalar(word)
    if word not in ("-", "."):
        assert {"key": word} == data_of(f"key: {word}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-3", -3),
        ("0", 0),
        ("+4", 4),
        ("0.5", 0.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("1.5e3", 1500.0),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_numbers_and_booleans(text: str, value: object) -> None:
    """The core schema's numbers, booleans and nulls are read with their type."""
    found = scalar(text)
    assert value == found
    assert type(value) is type(found)


@pytest.mark.pitfall("YAML reads 16:9 as a number and no as a boolean")
def test_quoted_scalars_are_texts() -> None:
    """Quotes, blocks and !!str make a text of anything."""
    assert data_of("a: '5'\nb: \"true\"\nc: |\n  no\nd: !!str 7\n") == {"a": "5", "b": "true", "c": "no\n", "d": "7"}


def test_every_key_and_item_knows_its_line() -> None:
    """Marks lead to the line of a key, of an item, and of the nearest node above what is not there."""
    document = data_of("a: 1\nb:\n  - x\n  - c: 2\n    d: [1,\n        2]\n")
    assert isinstance(document, Map)
    lines = {
        path: mark_at(document, path).line for path in [("a",), ("b", 0), ("b", 1), ("b", 1, "d"), ("b", 1, "d", 1)]
    }
    assert lines == {("a",): 1, ("b", 0): 3, ("b", 1): 4, ("b", 1, "d"): 5, ("b", 1, "d", 1): 6}
    assert mark_at(document, ("b", 1, "gone", "deeper")).line == 4
    assert Mark("m.yaml", 1) == mark_at(document, ())


def test_a_key_given_twice_is_told_with_both_lines() -> None:
    """Duplicate keys are a mistake, not a silent last one; the reading goes on and finds them all."""
    told: list[tuple[int, str]] = []
    data = read(b"a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n", "m.yaml", lambda mark, text: told.append((mark.line, text)))
    assert told == [
        (3, "a is given twice; it is already in line 1"),
        (4, "d is given twice; it is already in line 4"),
    ]
    assert data == {"a": 1, "b": 2, "c": {"d": 1}}


def test_merge_keys_and_anchors() -> None:
    """<< lays mappings under the own keys, the first of a list wins, and marks point to where a value was written."""
    text = "base: &base {x: 1, y: 2}\nmore: &more {y: 3, z: 4}\nuse:\n  <<: [*base, *more]\n  x: 9\ncopy: *base\n"
    document = data_of(text)
    assert document["use"] == {"x": 9, "y": 2, "z": 4}
    assert document["copy"] == {"x": 1, "y": 2}
    assert tuple(mark_at(document, ("use", key)).line for key in "yzx") == (1, 2, 5)


def test_a_key_may_carry_an_anchor() -> None:
    """An anchor on a key names the key's word."""
    assert data_of("&k a: 1\nb: *k\n") == {"a": 1, "b": "a"}


def test_quoted_merge_is_a_key() -> None:
    """Only a plain << merges."""
    assert data_of('"<<": 1') == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1\nb: 2", 1, "not valid YAML"),
        ("a: 1\n--- \nb: 2", 2, "second YAML document"),
        ("a: 1\n\tb: 2", 2, "not valid YAML"),
        ("a: *b", 1, "refers to no complete &b"),
        ("a: &a [*a]", 1, "refers to no complete &a"),
        ("a: 1\n? [x]\n: 2", 2, "a key must be a word"),
        ("a: !!python/object:os.system x", 1, "tag"),
        ("a: !!int x", 1, "tag"),
        ("a: !thing {b: 1}", 1, "tag"),
        ("a: !thing [1]", 1, "tag"),
        ("a: 1\n<<: 5", 2, "<< takes a mapping"),
        ("a: 1\nb: \x07", 2, "contains a character"),
        ("a:\n  - " + "[" * 50 + "]" * 50, 2, "nested deeper"),
        ("[" * 200_000, 1, "nested deeper"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, line: int, words: str) -> None:
    """Each kind of broken YAML ends in one sentence and a line, never in another exception or a crash."""
    found, message = bad(text)
    assert line == found
    assert words in message


@pytest.mark.parametrize("line", ["b: {{ x }}", "b: {{ x }} on a table"])
def test_a_template_without_quotes_gets_the_line_to_write(line: str) -> None:
    """The commonest mistake of all is told as what it is, with its line and the line to write."""
    found, message = bad(f"a: 1\n{line}\n")
    assert found == 2
    assert message.endswith(f'; write: b: "{line[3:]}"')


@pytest.mark.parametrize("line", ["b: [{{ x }}]", "b: [a, {{ x }} y]"])
def test_a_template_without_quotes_in_a_list_is_recognised(line: str) -> None:
    """Inside brackets there is no single line to write: the message says what to quote."""
    found, message = bad(f"a: 1\n{line}\n")
    assert found == 2
    assert message.endswith('; a text that begins with {{ must be in quotes, such as "{{ name }}"')


def test_a_byte_that_is_not_utf8_is_named() -> None:
    """A file saved as Windows-1252 is refused with the byte and its line."""
    assert bad(b"a: 1\nb: caf\xe9\n") == (2, "byte 0xe9 is not UTF-8; save the file as UTF-8")


def test_a_billion_laughs_ends_early() -> None:
    """Aliases of aliases are counted for what they stand for, and refused before anything is built from them."""
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 12))
    assert "aliases expand to more than" in bad(f"l0: &l0 [x]\n{levels}\n")[1]


@pytest.mark.parametrize(("levels", "fits"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, False), (1300, False)])
def test_aliases_are_as_deep_as_what_they_name(levels: int, fits: bool) -> None:
    """A chain of aliases, each a level deeper, has the depth that it would have if it were written out."""
    chain = "a1: &a1 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(2, levels + 1))
    if fits:
        assert plain(data_of(chain))[f"a{levels}"] != []
    else:
        assert bad(chain) == (MAX_DEPTH, f"is nested deeper than {MAX_DEPTH} levels by its aliases")


@given(st.recursive(st.integers(0, 9), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=30))
def test_an_alias_never_changes_what_may_be_written(tree: Any) -> None:
    """Whatever can be written out at a depth can stand there as an alias, and the other way round."""
    wraps = MAX_DEPTH - 3

    def readable(text: str) -> bool:
        try:
            read(text.encode(), "m.yaml", lambda mark, problem: None)
        except BadDocument:
            return False
        return True

    written = json.dumps(tree)
    opened, closed = "[" * wraps, "]" * wraps
    assert readable(f"k: &a {written}\nl: {opened}*a{closed}") == readable(f"l: {opened}{written}{closed}")


def test_a_huge_file_is_refused() -> None:
    """The size is bounded before the text is parsed."""
    assert "is larger than 64 MB" in bad(b" " * (MAX_BYTES + 1))[1]


def test_an_empty_document_and_a_bom() -> None:
    """Nothing but comments is None; a byte order mark is no part of the first key."""
    assert data_of("# nothing\n") is None
    assert data_of("﻿a: 1") == {"a": 1}


def test_plain_leaves_nothing_of_ours() -> None:
    """plain() gives ordinary containers, all the way down."""
    found = plain(data_of("a: [{b: 1}]"))
    assert [dict, list, dict] == [type(found), type(found["a"]), type(found["a"][0])]


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_mangled_bytes_never_crash(data: bytes) -> None:
    """Any bytes give data or BadDocument, and nothing else."""
    with suppress(BadDocument):
        read(data, "m.yaml", lambda mark, text: None)


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(-1e9, 1e9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(_TREES)
def test_what_pyyaml_writes_is_read_back(tree: object) -> None:
    """A dump with every text quoted comes back as it was: nothing is lost on the way through the events."""
    written = {"root": _texts(tree)}
    assert written == plain(data_of(yaml.safe_dump(written, default_style='"', allow_unicode=True)))


def _texts(tree: object) -> object:
    if isinstance(tree, dict):
        return {key: _texts(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_texts(value) for value in tree]
    return str(tree)
