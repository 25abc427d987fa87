"""Reads YAML to plain data with the file and line of every key and item. Knows nothing about manifests.

Scalars follow YAML 1.2, not PyYAML's 1.1, in which `16:9` is the number 969, `no` is false and `016` is 14.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import yaml

from batchvid.manifest.reading.marked_data import Map, Mark, Seq
from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.reading.yaml_mistakes import (
    Remedy,
    find_remedy,
    has_no_colon,
    join_surrogates,
    misread,
    odd_key,
    quote,
)

MAX_BYTES = 64 * 2**20  # about 250,000 hand-written clip entries
MAX_DEPTH = 40  # the C parser has no limit; real options have less than ten
MAX_ALIASED = 1_000_000  # nodes that all aliases together may stand for: stops "a billion laughs"

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(
    r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]{1,3})?|[-+]?(0|[1-9][0-9]*)(\.[0-9]*|[eE][-+][0-9]{1,3})"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STR_TAGS = (None, "!", "tag:yaml.org,2002:str")
_MAP_TAGS = (None, "!", "tag:yaml.org,2002:map")
_SEQ_TAGS = (None, "!", "tag:yaml.org,2002:seq")


class BadDocument(Exception):
    """The text cannot be read further. `mark` is the place, the message says what is wrong."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark

    def add_remedy(self, remedy: Remedy) -> None:
        """Add what to write instead to the message, and name the line to change."""
        self.args = (f"{self.args[0]}{remedy.text}",)
        self.mark = Mark(self.mark.file, remedy.line)


class BadSyntax(BadDocument):
    """A line that YAML reads in another way than it is meant: another line may help."""


AddProblem = Callable[[Mark, str], None]


def _ignore(_mark: Mark, _text: str) -> None:
    pass


def read(
    data: bytes, file: str, add_problem: AddProblem, add_warning: AddProblem = _ignore, *, keys: Collection[str] = ()
) -> Any:
    """The data of one YAML document; None when it is empty. `keys` are those that it may have, to find mistakes.

    Problems that leave the rest readable (a key given twice) go to `add_problem`, texts that are probably read in
    another way than they are meant to `add_warning`. Raises BadDocument for other problems.
    """
    if len(data) > MAX_BYTES:
        raise BadDocument(
            Mark(file, 0), f"is larger than {MAX_BYTES >> 20} MB; put long lists into a CSV file and name it under rows"
        )
    text = _decoded(data, file)
    try:
        return _read(text, file, add_problem, add_warning)
    except BadSyntax as exc:
        joined = join_surrogates(text)
        if joined == text:
            exc.add_remedy(find_remedy(text, exc.mark.line, _gets_further, keys))
            raise
    return _read(joined, file, add_problem, add_warning)


def _decoded(data: bytes, file: str) -> str:
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise BadDocument(
            Mark(file, line), f"byte 0x{data[exc.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None


def _read(text: str, file: str, add_problem: AddProblem, add_warning: AddProblem) -> Any:
    try:
        return _Reader(text, file, add_problem, add_warning).document()
    except yaml.MarkedYAMLError as exc:
        is_open = "unexpected end of stream" in str(exc.problem) and exc.context_mark is not None
        mark = exc.context_mark if is_open else exc.problem_mark or exc.context_mark
        why = "a quote begins here and is not closed" if is_open else f"is not valid YAML: {exc.problem or exc.context}"
        raise BadSyntax(Mark(file, mark.line + 1 if mark else 0), why) from None
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise BadDocument(Mark(file, line), f"contains a character that is not allowed in YAML: {exc.reason}") from None


def _gets_further(text: str, line: int) -> bool:
    """Whether the text is read without an error up to the end of this line."""
    try:
        _read(text, "", _ignore, _ignore)
    except BadDocument as exc:
        return exc.mark.line > line
    return True


def scalar(text: str) -> Any:
    """A plain YAML 1.2 scalar: null, true, false, a number, otherwise the text.

    Stricter than the core schema for texts of a spreadsheet that look like numbers: `016`, `0x1F`, `12e4`, `.inf` and
    numbers of more than 18 digits stay texts.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def is_other_text(value: Any, written: str) -> bool:
    """Whether a number or a switch, used in a text, would be another text than it is written: `19.90`, `TRUE`."""
    return isinstance(value, int | float) and text_of(value) != written


def _other_text(event: Any, value: Any) -> str:
    return str(event.value) if isinstance(event, yaml.ScalarEvent) and is_other_text(value, event.value) else ""


def _joined_before(data: Map, key: str) -> str:
    """What to write for a text or a number that its comma cuts in a mapping in braces."""
    before = next(reversed(data), "")
    value = data.get(before)
    if isinstance(value, int) and key.isdigit():
        return f"write {before}: {text_of(value)}.{key}"
    if isinstance(value, str) and value:
        return f"if it belongs to the text before it, write {before}: {quote(f'{value}, {key}')}"
    return "if it belongs to the text before it, quote that text"


class _Anchored(NamedTuple):
    """A node with an anchor: how many nodes it contains, and how many levels of containers."""

    value: Any
    size: int
    height: int


class _Reader:
    """One pass over the C parser's events. An alias shares its node; nothing is copied."""

    def __init__(self, text: str, file: str, add_problem: AddProblem, add_warning: AddProblem) -> None:
        self.loader = yaml.CSafeLoader(text)
        self.text = text
        self.file = file
        self.add_problem = add_problem
        self.add_warning = add_warning
        self.unused_anchors: dict[str, Mark] = {}  # of texts
        self.anchors: dict[str, _Anchored] = {}
        self.nodes = 0
        self.aliased = 0
        self.height = 0  # of the current node so far; an alias is as deep as its node

    def document(self) -> Any:
        get = self.loader.get_event
        get()  # the start of the stream
        if isinstance(get(), yaml.StreamEndEvent):
            return None
        value = self.node(get(), 0)
        get()  # the end of the document
        after = get()
        if not isinstance(after, yaml.StreamEndEvent):
            raise BadDocument(self.mark(after), "a second YAML document begins here (---); use one per file")
        for name, mark in self.unused_anchors.items():
            self.add_warning(mark, f"&{name} is read as a name, not as a part of the text: write the text in quotes")
        return value

    def node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, depth)
        before, beside = self.nodes, self.height
        self.nodes += 1
        self.height = 0
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event)
        elif depth >= MAX_DEPTH:
            raise BadDocument(self.mark(event), f"is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.MappingStartEvent):
            self.check_tag(event, _MAP_TAGS)
            value = self.mapping(event, depth)
        else:
            self.check_tag(event, _SEQ_TAGS)
            value = self.sequence(depth)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, self.nodes - before, self.height)
            if isinstance(value, str):
                self.unused_anchors[event.anchor] = self.mark(event)
        self.height = max(beside, self.height + 1)
        return value

    def alias(self, event: Any, depth: int) -> Any:
        if event.anchor not in self.anchors:
            raise BadSyntax(self.mark(event), f"*{event.anchor} refers to no complete &{event.anchor} above it")
        named = self.anchors[event.anchor]
        self.unused_anchors.pop(event.anchor, None)
        self.nodes += named.size
        self.aliased += named.size
        self.height = max(self.height, named.height + 1)
        if self.aliased > MAX_ALIASED:
            raise BadDocument(self.mark(event), f"the aliases expand to more than {MAX_ALIASED:,} values")
        if depth + named.height > MAX_DEPTH:
            raise BadDocument(self.mark(event), f"is nested deeper than {MAX_DEPTH} levels by its aliases")
        return named.value

    def scalar(self, event: Any) -> Any:
        if not event.implicit[0]:
            self.check_tag(event, _STR_TAGS)
            return event.value
        if reason := misread(event.value, self.text, self.end(event)):
            self.add_warning(self.mark(event), reason)
        return scalar(event.value)

    def sequence(self, depth: int) -> Seq:
        items = Seq()
        while not isinstance(event := self.loader.get_event(), yaml.SequenceEndEvent):
            items.marks.append(self.mark(event))
            items.append(self.node(event, depth + 1))
            if written := _other_text(event, items[-1]):
                items.written[len(items) - 1] = written
        return items

    def mapping(self, event: Any, depth: int) -> Map:
        data, is_flow = Map(self.mark(event)), event.flow_style
        merged: list[tuple[Mark, Any]] = []
        while not isinstance(event := self.loader.get_event(), yaml.MappingEndEvent):
            mark = self.mark(event)
            if not isinstance(event, yaml.ScalarEvent):
                is_template = self.text.startswith("{{", max(0, self.start(event) - 1))
                why = "a text that begins with {{ must be in quotes" if is_template else "a key must be a word"
                raise BadSyntax(mark, why)
            key, is_merge = event.value, event.value == "<<" and event.implicit[0]
            if event.implicit[0] and (reason := odd_key(key)):
                raise BadSyntax(mark, reason)
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(key, 1, 0)
            has_no_value = is_flow and has_no_colon(self.text, self.end(event))
            event = self.loader.get_event()
            value = self.node(event, depth + 1)
            if has_no_value:
                self.add_problem(mark, f"{key} has no value; {_joined_before(data, key)}")
            elif is_merge:
                merged.extend((mark, part) for part in (value if isinstance(value, Seq) else [value]))
            elif key in data:
                self.add_problem(mark, f"{key} is given twice; it is already in line {data.marks[key].line}")
            else:
                data.put(key, value, mark, _other_text(event, value))
        for mark, part in merged:
            self.merge(data, part, mark)
        return data

    def merge(self, data: Map, part: Any, mark: Mark) -> None:
        if not isinstance(part, Map):
            raise BadDocument(mark, "<< takes a mapping, or a list of mappings")
        for key, value in part.items():
            if key not in data:
                data.put(key, value, part.marks[key], part.written.get(key, ""))

    def check_tag(self, event: Any, known: tuple[str | None, ...]) -> None:
        if event.tag not in known:
            raise BadSyntax(self.mark(event), f"the tag {event.tag} is not supported; write the value without it")

    def start(self, event: Any) -> int:
        return int(event.start_mark.index)

    def end(self, event: Any) -> int:
        return int(event.end_mark.index)

    def mark(self, event: Any) -> Mark:
        return Mark(self.file, event.start_mark.line + 1)
