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
from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.leftovers import Leftover, find_leftovers, normal_names
from batchvid.manifest.expansion.matrix import JobDraft
from batchvid.manifest.expansion.odd_characters import MARKERS, ODD, find_odd_characters
from batchvid.manifest.schema.templates import is_template

_TEXTS = ("prompt", "negative_prompt")
_WORDS = ("resolution", "mode", "video", "parent")
_IMAGES = ("image", "end_image", "reference_images")
_SPECIAL = re.compile(rf"[\[\](){{}}<>$%#@|~^*`&=+«»‹›⟨⟩【】（）「」『』〔〕＜＞｛｝［］“{ODD}{MARKERS}]")
_MAX_WHOLE_CHARS = 24
"""A text of this length may be nothing but a number, a word for a missing value or punctuation."""


def check_texts(entry: ClipEntryContext, draft: JobDraft, fields: Mapping[str, Any]) -> None:
    """Add a warning, or a problem, for what is odd in the finished `fields` of a job."""
    for name in entry.id_names:
        _check_value(entry, draft, "id", name)
    for field in _TEXTS:
        text = fields.get(field)
        if text:
            _check_variables(entry, draft, field)
            for finding in _look(text, draft, draft.fields.get(field), is_prompt=field == "prompt"):
                _add(entry, draft, field, finding)
    for field, text in _words(fields):
        if not _is_plain(text):
            for finding in _leftovers(text, draft):
                _add(entry, draft, field, finding)
    if "options" in fields:
        for path, text in _texts(fields["options"]):
            for finding in _look(text, draft):
                _add(entry, draft, "options", Finding(f"{path}: {finding.text}", finding.is_error))


def _words(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Texts that are no prompts, and the addresses of images; a file of an image is there, so its name is right."""
    for field in _WORDS:
        if field in fields:
            yield field, fields[field]
    for field in _IMAGES:
        for image in fields.get(field, ()):
            if image.source.startswith("https:"):
                yield field, image.source


def _look(text: str, draft: JobDraft, template: Any = "", *, is_prompt: bool = False) -> Iterator[Finding]:
    """Everything odd in one text."""
    if is_prompt and (len(text) <= _MAX_WHOLE_CHARS or text[0] in "=+-@" or "://" in text or "." in text[-5:-1]):
        whole = check_whole_text(text)
    else:
        whole = check_value(text) if text[:1] in "=+-@#" else None
    if whole is not None:
        yield whole
    elif not _is_plain(text):
        yield from _inside(text)
        yield from _leftovers(text, draft, template)


def _is_plain(text: str) -> bool:
    """Whether nothing in the text can be odd. Fast: it is called for every text of every job."""
    return not (
        _SPECIAL.search(text)
        or "__" in text
        or "TODO" in text
        or "TB" in text
        or "XXX" in text
        or "FIXME" in text
        or "PLACEHOLDER" in text
        or " HERE" in text
        or "orem " in text
        or ",," in text
        or ", ," in text
        or ",." in text
        or "Err:" in text
    )


@lru_cache(maxsize=256)
def _inside(text: str) -> tuple[Finding, ...]:
    return (*find_odd_characters(text), *check_inside(text))


def _leftovers(text: str, draft: JobDraft, template: Any = "") -> tuple[Finding, ...]:
    headings = template if isinstance(template, str) and is_template(template) else ""
    return _describe(text, headings, tuple(draft.variables), tuple(draft.source.columns))


@lru_cache(maxsize=256)
def _describe(text: str, template: str, variables: tuple[str, ...], columns: tuple[str, ...]) -> tuple[Finding, ...]:
    found = find_leftovers(text, normal_names((*columns, *variables)))
    # `[Style] {{ style }}` in the manifest: the bracket is a heading
    named = [x for x in found if x.name and not (x.written[0] in "[(*|" and x.written in template)]
    choices = [leftover for leftover in found if leftover.is_choice and not leftover.name]
    unknown = [leftover for leftover in found if not leftover.name and not leftover.is_choice]
    findings = []
    if named:
        name = named[0].name
        what = "column" if name in columns else "variable"
        template = name if name.isidentifier() else f'row["{name}"]'
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


def _check_variables(entry: ClipEntryContext, draft: JobDraft, field: str) -> None:
    """Look at each variable that the field's template writes into a longer text: is it empty, or no text?"""
    template = draft.fields.get(field)
    if not isinstance(template, str) or not is_template(template):
        return
    names, is_alone = entry.shared.templates.outputs(template)
    if is_alone:
        return  # the finished text is the value
    for name in names:
        value = _value(draft, name)
        if isinstance(value, str) and (not value or value.isspace()):
            written = name if name in draft.variables and name.isidentifier() else f'row["{name}"]'
            text = (
                f"{_kind(draft, name)} {name} is empty and leaves a hole in the text; fill it in, or write "
                f'{{{{ {written}|default("...", true) }}}} or {{% if {written} %}}...{{% endif %}}'
            )
            _add(entry, draft, field, Finding(text), name)
        else:
            _check_value(entry, draft, field, name)


def _check_value(entry: ClipEntryContext, draft: JobDraft, field: str, name: str) -> None:
    """Look at a variable that is a part of a text: a formula, an error or a word for a missing value is none."""
    value = _value(draft, name)
    if isinstance(value, str) and may_be_no_text(value) and (found := check_value(value)) is not None:
        _add(entry, draft, field, Finding(f"{_kind(draft, name)} {name} {found.text}", found.is_error), name)


def _value(draft: JobDraft, name: str) -> Any:
    return draft.variables[name] if name in draft.variables else draft.source.columns.get(name)


def _kind(draft: JobDraft, name: str) -> str:
    return "column" if name in draft.source.columns else "variable"


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


def _add(entry: ClipEntryContext, draft: JobDraft, field: str, finding: Finding, column: str = "") -> None:
    add = entry.shared.problems.add if finding.is_error else entry.shared.problems.warn
    row = draft.source.row
    if row and not column:
        column, is_filled = _column(entry, draft, field)
        row = row if is_filled else ""
    if row and column in draft.source.columns:
        row = f"{row}: column {column}"
    add(entry.place_of(field), f"{field}: {finding.text}", row)


def _column(entry: ClipEntryContext, draft: JobDraft, field: str) -> tuple[str, bool]:
    """The one column that fills the field, if there is just one; and whether the row fills the field at all."""
    template = draft.fields.get(field)
    if field in draft.source.fields:
        return field, True
    if not isinstance(template, str):
        return "", True
    if not is_template(template):
        return "", False
    names = [name for name in entry.shared.templates.outputs(template).names if name in draft.source.columns]
    return (names[0] if len(names) == 1 else ""), True
