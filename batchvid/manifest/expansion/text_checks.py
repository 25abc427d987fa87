"""Checks the finished texts of a clip before it is bought: holes, leftovers, cells that are no text, odd characters.

Most texts have nothing to look at: one search by a regular expression and a few by words find that out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from batchvid.manifest.expansion.cell_checks import (
    Finding,
    check_inside,
    check_value,
    check_whole_text,
    may_be_no_text,
    shorten,
)
from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.leftovers import Leftover, find_leftovers, normal_names
from batchvid.manifest.expansion.matrix import JobDraft
from batchvid.manifest.expansion.odd_characters import ODD, find_odd_characters, may_be_damaged
from batchvid.manifest.schema.template_outputs import Outputs
from batchvid.manifest.schema.templates import is_template
from batchvid.manifest.schema.variable_names import AmbiguousName, find_name, written_name

_TEXTS = ("prompt", "negative_prompt")
_WORDS = ("resolution", "mode", "video", "parent")
_IMAGES = ("image", "end_image", "reference_images")
_SPECIAL = rf"\[\](){{}}<>$%#@|~^*`&=+«»‹›⟨⟩【】（）「」『』〔〕＜＞｛｝［］“{ODD}"
_MAY_BE_ODD = re.compile(
    rf"[{_SPECIAL}_,TXFPEHI](?:(?<=[{_SPECIAL}])|(?<=_)_|(?<=,)(?:\ ?,|\.)|(?<=T)(?:ODO|B[ACD])|(?<=X)XX|(?<=F)IXME"
    r"|(?<=P)LACEHOLDER|(?<=E)rr:|(?<=H)ERE|(?<=I)psum)"
)
"""Begins with a set of characters, so that the search skips all others at the speed of a loop in C."""
_NO_OUTPUTS = Outputs((), is_alone=True, literal=None)
_MAX_WHOLE_CHARS = 24
"""A text of this length may be nothing but a number, a word for a missing value or punctuation."""


Used = Mapping[str, FieldValue]
"""The written value of each field that a job has."""


def check_texts(entry: ClipEntryContext, draft: JobDraft, fields: Mapping[str, Any], used: Used) -> None:
    """Add a warning, or a problem, for what is odd in the finished `fields` of a job, made from the `used` values."""
    for name in entry.id_names:
        _check_value(entry, draft, used, "id", name)
    for field in _TEXTS:
        text = fields.get(field)
        if text:
            _check_text(entry, draft, used, field, text)
    for field, text in _words(fields):
        if not _is_plain(text):
            for finding in _leftovers(text, draft):
                _add(entry, draft, used, field, finding)
    if "options" in fields:
        for path, text in _texts(fields["options"]):
            for finding in _look(text, draft):
                _add(entry, draft, used, "options", Finding(f"{path}: {finding.text}", finding.is_error))


def _check_text(entry: ClipEntryContext, draft: JobDraft, used: Used, field: str, text: str) -> None:
    """Check a prompt. Of a template that only inserts values, its own text and the values are checked apart."""
    template = used[field].value
    if used[field].column or not isinstance(template, str) or not is_template(template):
        outputs = _NO_OUTPUTS
    else:
        outputs = entry.shared.templates.outputs(template)
    sound = outputs.names
    if not outputs.is_alone:
        sound = tuple(name for name in outputs.names if not _check_value(entry, draft, used, field, name))
        for name in sound:
            _check_hole(entry, draft, used, field, name)
    if sound == outputs.names and (found := _check_whole(text, is_prompt=field == "prompt")):
        _add(entry, draft, used, field, found)
        return
    if outputs.is_alone or outputs.literal is None:
        for finding in _look(text, draft, outputs.names):
            _add(entry, draft, used, field, finding)
        return
    if not _is_plain_literal(outputs.literal):
        for finding in (*_inside(outputs.literal), *_leftovers(outputs.literal, draft, outputs.names)):
            _report(entry, field, finding, "")  # of the manifest, not of the row
    for name in sound:
        value = _value(draft, name)
        if isinstance(value, str) and not _is_plain(value):
            for finding in (*_inside(value), *_leftovers(value, draft)):
                _add(entry, draft, used, field, finding, name)


def _check_whole(text: str, *, is_prompt: bool) -> Finding | None:
    if not is_prompt:
        return check_value(text) if may_be_no_text(text) else None
    may_be_whole = len(text) <= _MAX_WHOLE_CHARS or text[0] in "=+-@" or "://" in text or "." in text[-5:-1]
    return check_whole_text(text) if may_be_whole else None


def _words(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Texts that are no prompts, and the addresses of images; a file of an image is there, so its name is right."""
    for field in _WORDS:
        if field in fields:
            yield field, fields[field]
    for field in _IMAGES:
        for image in fields.get(field, ()):
            if image.source.startswith("https:"):
                yield field, image.source


def _look(text: str, draft: JobDraft, written: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Everything odd in one text; the template writes the variables `written`."""
    if text[:1] in "=+-@#" and (found := check_value(text)) is not None:
        yield found
    elif not _is_plain(text):
        yield from _inside(text)
        yield from _leftovers(text, draft, written)


def _is_plain(text: str) -> bool:
    """Whether nothing in the text can be odd. Fast: it is called for every text of every job."""
    return (
        _MAY_BE_ODD.search(text) is None and "orem ipsum" not in text and (text.isascii() or not may_be_damaged(text))
    )


@lru_cache(maxsize=256)
def _is_plain_literal(text: str) -> bool:
    """The same for a text that many jobs share."""
    return _is_plain(text)


@lru_cache(maxsize=256)
def _inside(text: str) -> tuple[Finding, ...]:
    return (*find_odd_characters(text), *check_inside(text))


def _leftovers(text: str, draft: JobDraft, written: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    return _describe(text, written, tuple(draft.variables), tuple(draft.source.columns))


@lru_cache(maxsize=256)
def _describe(
    text: str, written: tuple[str, ...], variables: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[Finding, ...]:
    found = find_leftovers(text, normal_names((*columns, *variables)))
    # `[Style] {{ style }}` in the manifest: the bracket is a heading
    named = [x for x in found if x.name and not (x.written[0] in "[(*|:" and x.name in written)]
    choices = [leftover for leftover in found if leftover.is_choice and not leftover.name]
    unknown = [leftover for leftover in found if not leftover.name and not leftover.is_choice]
    findings = []
    if named:
        name = named[0].name
        what = "column" if name in columns else "variable"
        template = written_name(name, tuple(dict.fromkeys((*variables, *columns))))
        findings.append(
            f"contains {_list(named)}, and there is a {what} {name}: only {{{{ {template} }}}} is filled in, in the "
            "manifest and not in a cell; write it so, or write out the text"
        )
    if unknown:
        looks = "looks like a placeholder and is" if len(unknown) == 1 else "look like placeholders and are"
        findings.append(f"contains {_list(unknown)}, which {looks} sent as written; write out the text")
    if choices:
        findings.append(
            f"contains {_list(choices)}, of which nothing chooses one: it is sent as written; write the choices as an "
            "axis of matrix"
        )
    return tuple(Finding(text) for text in findings)


def _list(leftovers: list[Leftover]) -> str:
    shown = [shorten(leftover.written) for leftover in leftovers[:3]]
    more = len(leftovers) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _check_hole(entry: ClipEntryContext, draft: JobDraft, used: Used, field: str, name: str) -> None:
    """Warn of an empty variable that the field's template writes into a longer text."""
    value = _value(draft, name)
    if not isinstance(value, str) or (value and not value.isspace()):
        return
    written = written_name(_variable(draft, name) or name, tuple(draft.variables))
    text = (
        f"{_kind(draft, name)} {name} is empty and leaves a hole in the text; fill it in, or write "
        f'{{{{ {written}|default("...") }}}} or {{% if {written} %}}...{{% endif %}}'
    )
    _add(entry, draft, used, field, Finding(text), name)


def _check_value(entry: ClipEntryContext, draft: JobDraft, used: Used, field: str, name: str) -> bool:
    """Whether a variable that is a part of a text is none: a formula, an error, a word for a missing value."""
    value = _value(draft, name)
    if not isinstance(value, str) or not may_be_no_text(value) or (found := check_value(value)) is None:
        return False
    _add(entry, draft, used, field, Finding(f"{_kind(draft, name)} {name} {found.text}", found.is_error), name)
    return True


def _value(draft: JobDraft, name: str) -> Any:
    value = draft.variables.get(name)
    if value is None and (found := _variable(draft, name)) is not None:
        value = draft.variables[found]
    return value


def _variable(draft: JobDraft, name: str) -> str | None:
    """The variable that a template means by the name: `Product_name` is the column "Product name"."""
    try:
        return find_name(name, tuple(draft.variables))
    except AmbiguousName:
        return None


def _kind(draft: JobDraft, name: str) -> str:
    return "column" if (_variable(draft, name) or name) in draft.source.columns else "variable"


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text of the options with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]")


def _add(entry: ClipEntryContext, draft: JobDraft, used: Used, field: str, finding: Finding, column: str = "") -> None:
    row = draft.source.row
    if row:
        column, is_of_row = (column, True) if column else _column(entry, draft, used.get(field))
        name = _variable(draft, column) or column
        is_cell = name in draft.source.columns
        row = f"{row}: column {name}" if is_cell else row if is_of_row and not column else ""
    _report(entry, field, finding, row)


def _report(entry: ClipEntryContext, field: str, finding: Finding, row: str) -> None:
    add = entry.shared.problems.add if finding.is_error else entry.shared.problems.warn
    add(entry.place_of(field), f"{field}: {finding.text}", row)


def _column(entry: ClipEntryContext, draft: JobDraft, used: FieldValue | None) -> tuple[str, bool]:
    """The one column that fills the field, if there is just one; and whether the row fills the field at all."""
    if used is not None and used.column:
        return used.column, True
    template = used.value if used is not None else None
    if not isinstance(template, str):
        return "", True
    if not is_template(template):
        return "", False
    found = (_variable(draft, name) for name in entry.shared.templates.outputs(template).names)
    names = [name for name in found if name is not None and name in draft.source.columns]
    return (names[0] if len(names) == 1 else ""), True
