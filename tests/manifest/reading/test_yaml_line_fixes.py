"""Manifests written in the habit of another notation: each message is followed until the manifest is read."""

from __future__ import annotations

import re

import pytest

from batchvid.manifest.reading.yaml_reader import BadDocument, read
from batchvid.manifest.schema.models import ALL_KEYS

HEAD = "defaults: {model: m, aspect_ratio: 16:9}\n"
MAX_ROUNDS = 8


def follow(text: str) -> tuple[object, list[str]]:
    """The data after every remedy is applied by the letter, and the messages."""
    messages: list[str] = []
    for _ in range(MAX_ROUNDS):
        try:
            return read(text.encode(), "m.yaml", lambda *_: None, keys=ALL_KEYS), messages
        except BadDocument as exc:
            messages.append(str(exc))
            text = applied(text, exc.mark.line, str(exc))
    raise AssertionError(messages)


def applied(text: str, line: int, message: str) -> str:
    lines = text.splitlines()
    written = lines[line - 1]
    depth = len(written) - len(written.lstrip())
    if match := re.search(r"; write: (.*)$", message):
        lines[line - 1] = " " * depth + match[1]
    elif match := re.search(r"indent it with (\d+) spaces", message):
        lines[line - 1] = " " * int(match[1]) + written.strip(" \t\u00a0\u200b")
    elif "at the beginning of the line" in message:
        lines[line - 1] = written.strip()
    elif match := re.search(r"indent the lines? (\d+)(?: to (\d+))? with (\d+) spaces", message):
        for number in range(int(match[1]), int(match[2] or match[1]) + 1):
            lines[number - 1] = " " * int(match[3]) + lines[number - 1].strip()
    elif match := re.search(r"delete (?:line|the lines 1 to) (\d+), and (line|everything from line) (\d+)", message):
        lines = lines[int(match[1]) : int(match[3]) - 1]
    else:
        raise AssertionError(message)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "clips",
    [
        "clips:\n  -id: a\n   prompt: a kite\n",
        "clips:\n  – id: a\n    prompt: a kite\n",
        "clips:\n  * id: a\n    prompt: a kite\n",
        "clips：\n  - id: a\n    prompt: a kite\n",
        "clips:\n  - id: a\n    prompt：a kite\n",
        "clips:\n  - id: a\n    prompt:a kite\n",
        "clips:\n  - id: a\n    prompt = a kite\n",
        "clips:\n  - id: a\n    - prompt: a kite\n",
        "clips:\n  - id: a\n     prompt: a kite\n",
        "clips:\n  - id: a\n\tprompt: a kite\n",
        "clips:\n  - id: a\n\u00a0\u00a0\u00a0\u00a0prompt: a kite\n",
        "clips:\n  - id: a\n    \u200bprompt: a kite\n",
        "clips:\n  - id: a\n    prompt: |\n    a kite\n",
        "  clips:\n  - id: a\n    prompt: a kite\n",
        "clips:\n  // the kites\n  - id: a\n    prompt: a kite\n",
        "clips:\n  - id: a\n    prompt: > a kite\n",
    ],
)
def test_a_manifest_is_read_once_its_messages_are_followed(clips: str) -> None:
    """Each message has the line and what to write there; written so, the next message is about another line."""
    data, messages = follow(HEAD + clips)
    assert messages
    assert isinstance(data, dict)
    (clip,) = data["clips"]
    assert clip["id"] == "a"
    assert clip["prompt"].strip() == "a kite"


@pytest.mark.parametrize("before", ["", "Here is your manifest:\n\n"])
@pytest.mark.parametrize("after", ["", "\nLet me know!\n"])
def test_markdown_around_a_manifest_is_named(before: str, after: str) -> None:
    """A chat program answers with a manifest between ```; the message says what to delete."""
    data, (message,) = follow(f"{before}```yaml\n{HEAD}clips: [{{id: a, prompt: p}}]\n```\n{after}")
    assert "``` is Markdown" in message
    assert isinstance(data, dict)
    assert data["clips"][0]["id"] == "a"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("vars: {place: Paris: France}", {"place": "Paris: France"}),
        ("vars: {place: Paris, time: noon", {"place": "Paris", "time": "noon"}),
        ("vars: {places: [Paris, Rome}", {"places": ["Paris", "Rome"]}),
    ],
)
def test_brackets_are_closed_and_texts_in_them_quoted(written: str, value: object) -> None:
    """The remedy shows the whole line."""
    data, messages = follow(f"{written}\nclips: [{{id: a, prompt: p}}]\n")
    assert len(messages) == 1
    assert isinstance(data, dict)
    assert data["vars"] == value


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("prompt: a kite\n      Style: x", "; write: prompt: >- / a kite / Style: x"),
        ("prompt: {Wide shot} a kite", '; write: prompt: "{Wide shot} a kite"'),
        ("where: {{ stock > 0 }}", "; write: where: stock > 0"),
    ],
)
def test_a_text_is_not_taken_for_layout(written: str, remedy: str) -> None:
    """A line of a prompt that looks like a key, or like a list, stays a text."""
    with pytest.raises(BadDocument) as raised:
        read(f"clips:\n  - id: a\n    {written}\n".encode(), "m.yaml", lambda *_: None, keys=ALL_KEYS)
    assert str(raised.value).endswith(remedy)
