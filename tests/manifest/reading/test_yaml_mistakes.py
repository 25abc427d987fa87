"""What people write that YAML cannot read, or reads in another way: the line to write instead."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.reading.yaml_mistakes import join_surrogates, quote
from batchvid.manifest.reading.yaml_reader import BadDocument, read
from tests.manifest.conftest import Mistakes, Specs, Write


def entry(value: str) -> str:
    return f"clips:\n  - id: a\n    prompt: {value}\n    takes: 2\n"


def message_of(text: str | bytes) -> tuple[int, str]:
    with pytest.raises(BadDocument) as raised:
        read(text if isinstance(text, bytes) else text.encode(), "m.yaml", lambda mark, problem: None)
    return raised.value.mark.line, str(raised.value)


def warnings_of(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    read(text.encode(), "m.yaml", lambda *_: None, lambda mark, warning: found.append((mark.line, warning)))
    return found


@pytest.mark.parametrize("condition", ['"a b" == "c"', "'a' == 'b'", "> 5", '"a" in b', "{{ a }} == 'b'", "`a` == 1"])
def test_the_quotes_of_a_condition_belong_to_it(condition: str) -> None:
    """The line to write has the whole condition, not the text between its first and last sign."""
    _, message = message_of(f"clips:\n  - id: a\n    where: {condition}\n    takes: 2\n")
    assert message.endswith(f"; write: where: {quote(condition)}")


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("Style: cinematic, a kite", '"Style: cinematic, a kite"'),
        ('"Hello" says a robot', "'\"Hello\" says a robot'"),
        ("'it's a kite'", '"it\'s a kite"'),
        ('"a kite', '"a kite"'),
        ("[Wide shot] a kite", '"[Wide shot] a kite"'),
        ("{product} on a table", '"{product} on a table"'),
        ("{{ name }} flies", '"{{ name }} flies"'),
        ("@brand drops a bottle", '"@brand drops a bottle"'),
        ("`kite`", '"`kite`"'),
        ("%sale", '"%sale"'),
        ("*bold* kite", '"*bold* kite"'),
        ("*bold kite", '"*bold kite"'),
        ("!wow a kite", '"!wow a kite"'),
        ("- a kite", '"- a kite"'),
        ("? a kite", '"? a kite"'),
        ("> a kite", '"a kite"'),
        ("| a kite", '"a kite"'),
        (r'"C:\Users\kite"', r"'C:\Users\kite'"),
        ('"a", b', "'\"a\", b'"),
        ("Style: cinematic  # the client's", '"Style: cinematic"'),
    ],
)
def test_a_value_that_is_not_yaml_gets_the_line_to_write(written: str, instead: str) -> None:
    """The remedy was tried: with the line that the message shows, the document is read and has the text."""
    line, message = message_of(entry(written))
    assert line == 3
    assert message.endswith(f"; write: prompt: {instead}")
    assert read(entry(instead).encode(), "m.yaml", lambda *_: None)["clips"][0]["takes"] == 2


def test_a_text_over_several_lines_gets_a_block() -> None:
    """A colon in the second line of a text: quotes around the first would not help."""
    line, message = message_of("clips:\n  - id: a\n    prompt: a kite\n      Style: x\n    takes: 1\n")
    assert line == 4
    assert message.endswith("; write: prompt: >- / a kite / Style: x")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n\t- id: x\n", 2, "indented with a tab: write it at the beginning of the line"),
        ("a:\n  - id: x\n\tb: y\n", 3, "indented with a tab: indent it with 4 spaces"),
        ("a:\n  - id: x\n\u00a0\u00a0\u00a0\u00a0b: y\n", 3, "invisible character that is no space"),
        ("a:\n  -\u00a0id: x\n", 2, "the key '- id' holds an invisible character"),
        ("a:\n  - id: x\n    b: y\n   c: 1\n", 4, "indent it with 4 spaces, like the lines above"),
        ("a: {b: c, d: e: f}\n", 1, '; write: a: {b: c, d: "e: f"}'),
    ],
)
def test_bad_layout_is_named(text: str, line: int, words: str) -> None:
    """Tabs, invisible characters and wrong indentation are told as what they are."""
    found, message = message_of(text)
    assert found == line
    assert words in message


def test_json_of_other_programs_is_read() -> None:
    """JSON writers escape characters beyond the basic plane as two surrogates, which YAML does not know."""
    text = json.dumps({"clips": [{"id": "a", "prompt": "a kite 🪁 \\ud83e"}]})
    assert "\\ud83e" in text
    data = read(text.encode(), "m.json", lambda *_: None)
    assert data["clips"][0]["prompt"] == "a kite 🪁 \\ud83e"


def test_a_manifest_in_utf16_is_read() -> None:
    """YAML may be UTF-16; Windows' editors write it as 'Unicode'."""
    assert read("a: ö\n".encode("utf-16"), "m.yaml", lambda *_: None) == {"a": "ö"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a kite #1 in the sky", "'#1 in the sky' is read as a comment"),
        ("#kite", "'#kite' is read as a comment"),
        ("&brand new kite", "&brand is read as a name"),
        ("“a kite”", 'these quotes are sent as a part of the text; write "a kite"'),
        ("„a kite“", 'these quotes are sent as a part of the text; write "a kite"'),
    ],
)
def test_a_text_that_is_read_in_another_way_is_a_warning(value: str, words: str) -> None:
    """YAML cuts such texts or keeps signs that are not meant, without an error."""
    ((line, warning),) = warnings_of(entry(value))
    assert line == 3
    assert words in warning


@pytest.mark.parametrize(
    "value", ["a kite # a comment", "a kite", '"a kite #1"', "“a” and “b”", "kite#1", "&used x\n    b: *used"]
)
def test_usual_texts_are_no_warning(value: str) -> None:
    """A comment has a space behind its sign; an anchor that is used is one."""
    assert warnings_of(entry(value)) == []


def test_a_comma_that_splits_a_text_is_a_problem(mistakes: Mistakes) -> None:
    """In braces a comma ends the text: the rest would be a variable without a value."""
    problems = mistakes("vars: {place: Paris, France}\nclips: [{id: a, prompt: 'in {{ place }}', model: m}]\n")
    assert (
        problems[0]
        == 'm.yaml:1: France has no value; if it belongs to the text before it, write place: "Paris, France"'
    )


def test_keys_that_begin_with_x_hold_anchors(specs: Specs) -> None:
    """They are known from compose files; nothing else reads them."""
    found = specs("x-style: &style {model: m, duration_s: 4}\nclips: [{id: a, prompt: p, <<: *style}]\n")
    assert found["a"].request.duration_s == 4


def test_numbers_in_texts_are_warned_of(write: Write) -> None:
    """`19.90` in a prompt would be sent as 19.9, and TRUE as true."""
    from batchvid.manifest import load

    text = (
        "vars: {price: 19.90, n: 5}\ndefaults: {model: m}\n"
        "clips: [{id: a, prompt: 'only {{ price }} {{ on }} {{ size }}', "
        "matrix: {size: [1.50, 2], duration_s: [4.0, 8]}}]\n"
    )
    manifest = load(write("m.yaml", text), sets=["vars.on=TRUE"])
    assert manifest.warnings == (
        'm.yaml:1: vars: 19.90 is used in texts as 19.9; to keep it as it is, write "19.90"',
        'm.yaml:3: a: 1.50 is used in texts as 1.5; to keep it as it is, write "1.50"',
        '--set vars.on=TRUE: vars: TRUE is used in texts as true; to keep it as it is, write "TRUE"',
    )


def test_a_list_of_clips_alone_is_explained(mistakes: Mistakes) -> None:
    """The first line is missing."""
    assert mistakes("- {id: a, prompt: p, model: m}\n") == [
        "m.yaml:1: is a list: write a line clips: above it; a manifest begins with a key such as clips:"
    ]


@pytest.mark.parametrize(
    ("field", "instead"),
    [
        ("[Wide shot]", '"[Wide shot]"'),
        ("{product: }", '"{product}"'),
        ("{Style: wide}", '"Style: wide"'),
    ],
)
def test_a_text_that_is_a_list_or_a_mapping_gets_the_text_to_write(
    field: str, instead: str, mistakes: Mistakes
) -> None:
    """Brackets and braces make a list or a mapping without an error."""
    (problem,) = mistakes(f"clips: [{{id: a, prompt: {field}, model: m}}]")
    assert problem.endswith(instead)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_a_quoted_text_is_read_as_itself(text: str) -> None:
    """Whatever the text holds."""
    if any(character in "\x85\u2028\u2029\ufeff\ufffe\uffff" for character in text):
        return
    assert read(f"a: {quote(text)}".encode(), "m.yaml", lambda *_: None) == {"a": text}


@given(st.text(st.sampled_from("ab:{}[]#&*!|>'\"%@`-?, \n\t\\ü"), max_size=60))
def test_any_value_is_read_or_explained(value: Any) -> None:
    """The search for a remedy ends, and raises nothing else."""
    with suppress(BadDocument):
        read(f"clips:\n  - id: a\n    prompt: {value}\n    takes: 2\n".encode(), "m.yaml", lambda *_: None)


@given(st.text(max_size=20))
def test_joined_surrogates_leave_other_texts(text: str) -> None:
    """What json writes for a text is read as that text; other escapes stay."""
    assert json.loads(join_surrogates(json.dumps(text))) == text
