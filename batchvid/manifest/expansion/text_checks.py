"""Checks the finished texts of a clip before it is bought: holes, leftovers, cells that are no text, odd characters.

Most texts have nothing to look at: one search by a regular expression and a few by words find that out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from batchvid.manifest.expansion.cell_checks import (
    Finding,
    check_begin,
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
from batchvid.manifest.expansion.row_labels import columns_read, with_columns
from batchvid.manifest.schema.template_outputs import Outputs
from batchvid.manifest.schema.templates import is_template
from batchvid.manifest.schema.variable_names import AmbiguousName, find_name, written_name

_TEXTS = ("prompt", "negative_prompt")
_WORDS = ("resolution", "mode", "video", "parent")
_IMAGES = ("image", "end_image", "reference_images")
_OTHER_TEXTS = frozenset([*_WORDS, *_IMAGES])
_SPECIAL = rf"\[\](){{}}<>$%#@|~^*`&=+«»‹›⟨⟩【】（）「」『』〔〕＜＞｛｝［］“{ODD}"
_MAY_BE_ODD = re.compile(
    rf"[{_SPECIAL}_,TXFPEHIN:/\\?;-](?:(?<=[{_SPECIAL}])|(?<=_)_|(?<=,)\s*[,.]|(?<=T)(?:ODO|B[ACD])|(?<=X)XX"
    r"|(?<=F)IXME|(?<=P)LACEHOLDER|(?<=E)rr:|(?<=H)ERE|(?<=I)psum|(?<=N)(?:aN|one|ULL|/A)|(?<=[:/\\?;-])(?<!\w.)\w)"
)
_HINTS = ("orem ipsum", "nan", "null", "undefined")
"""Begins with a set of characters, so that the search skips all others at the speed of a loop in C."""
_NO_OUTPUTS = Outputs((), is_alone=True, literal=None)
_MAX_WHOLE_CHARS = 24
"""A text of this length may be nothing but a number, a word for a missing value or punctuation."""


class Clip(NamedTuple):
    """A job whose fields are filled: its draft, and the written value that each field is `made_from`."""

    entry: ClipEntryContext
    draft: JobDraft
    made_from: Mapping[str, FieldValue]

    def value(self, name: str) -> Any:
        """The value of the variable that a template means by the name."""
        value = self.draft.variables.get(name)
        if value is None and (found := self.variable(name)) is not None:
            value = self.draft.variables[found]
        return value

    def variable(self, name: str) -> str | None:
        """Its own name: `Product_name` is the column "Product name"."""
        try:
            return find_name(name, tuple(self.draft.variables))
        except AmbiguousName:
            return None

    def kind(self, name: str) -> str:
        """Whether the name is that of a column or of another variable."""
        return "column" if (self.variable(name) or name) in self.draft.source.columns else "variable"


def check_texts(clip: Clip, fields: Mapping[str, Any]) -> None:
    """Add a warning, or a problem, for what is odd in the finished `fields` of a job."""
    for name in clip.entry.id_names:
        value = clip.value(name)
        if isinstance(value, str) and may_be_no_text(value):
            _check_value(clip, "id", name, value)
    for field in _TEXTS:
        text = fields.get(field)
        if text:
            _check_text(clip, field, text)
    if not _OTHER_TEXTS.isdisjoint(fields):
        for field, text in _words(fields):
            if not is_plain(text):
                for finding in _leftovers(text, clip):
                    _add(clip, field, finding)
    if "options" in fields:
        _check_options(clip, fields["options"])


def _check_options(clip: Clip, options: Mapping[str, Any]) -> None:
    is_rendered = options is not clip.made_from["options"].value
    for path, text in _texts(options):
        if is_rendered and not text.strip():
            empty = f"{path}: is empty once it is filled in, and is sent so; leave it out, or use default"
            _add(clip, "options", Finding(empty))
        for finding in _look(text, clip):
            _add(clip, "options", Finding(f"{path}: {finding.text}", finding.is_error))


def _check_text(clip: Clip, field: str, text: str) -> None:
    """Check a prompt. Of a template that only inserts values, its own text and the values are checked apart."""
    given = clip.made_from[field]
    if given.column or not isinstance(given.value, str) or not is_template(given.value):
        outputs = _NO_OUTPUTS
    else:
        outputs = clip.entry.shared.templates.outputs(given.value)
    if not outputs.is_alone and not _check_variables(clip, field, outputs):
        return
    if outputs.is_alone or outputs.literal is None:
        found = _check_whole(text, is_prompt=field == "prompt") or check_begin(text)
        for finding in [found] if found else _look(text, clip, outputs.names):
            _add(clip, field, finding)
    elif not _is_plain_literal(outputs.literal):
        for finding in (*_inside(outputs.literal), *_leftovers(outputs.literal, clip, outputs.names)):
            _report(clip, field, finding, "")  # of the manifest, not of the row


def _check_variables(clip: Clip, field: str, outputs: Outputs) -> bool:
    """Check each variable that the field's template writes into a longer text. False when one of them is no text."""
    are_texts = True
    for name in outputs.names:
        value = clip.value(name)
        if not isinstance(value, str):
            continue
        if not value or value.isspace():
            _add(clip, field, _hole(clip, name), name)
        elif may_be_no_text(value) and _check_value(clip, field, name, value):
            are_texts = False
        elif outputs.literal is not None and not is_plain(value):
            for finding in (*_inside(value), *_leftovers(value, clip)):
                _add(clip, field, finding, name)
    return are_texts


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


def _look(text: str, clip: Clip, written: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Everything odd in one text; the template writes the variables `written`."""
    if text[:1] in "=+-@#" and (found := check_value(text)) is not None:
        yield found
    elif not is_plain(text):
        yield from _inside(text)
        yield from _leftovers(text, clip, written)


def find_error(text: str) -> str:
    """Why a prompt surely makes a wrong clip; empty if nothing is known against it."""
    found = [check_whole_text(text), *_inside(text)] if text else []
    return next((finding.text for finding in found if finding is not None and finding.is_error), "")


def is_plain(text: str) -> bool:
    """Whether nothing in the text can be odd. Fast: it is called for every text of every job."""
    if _MAY_BE_ODD.search(text) is not None:
        return False
    for hint in _HINTS:
        if hint in text:
            return False
    return text.isascii() or not may_be_damaged(text)


@lru_cache(maxsize=256)
def _is_plain_literal(text: str) -> bool:
    """The same for a text that many jobs share."""
    return is_plain(text)


@lru_cache(maxsize=256)
def _inside(text: str) -> tuple[Finding, ...]:
    return (*find_odd_characters(text), *check_inside(text))


def _leftovers(text: str, clip: Clip, written: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    return _describe(text, written, tuple(clip.draft.variables), tuple(clip.draft.source.columns))


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


def _hole(clip: Clip, name: str) -> Finding:
    written = written_name(clip.variable(name) or name, tuple(clip.draft.variables))
    return Finding(
        f"{clip.kind(name)} {name} is empty and leaves a hole in the text; fill it in, or write "
        f'{{{{ {written}|default("...") }}}} or {{% if {written} %}}...{{% endif %}}'
    )


def _check_value(clip: Clip, field: str, name: str, value: str) -> bool:
    """Whether a variable that is a part of a text is none: a formula, an error, a word for a missing value."""
    found = check_value(value)
    if found is not None:
        _add(clip, field, Finding(f"{clip.kind(name)} {name} {found.text}", found.is_error), name)
    return found is not None


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


def _add(clip: Clip, field: str, finding: Finding, variable: str = "") -> None:
    """Add a finding about a field, or about one variable in it, with the row and the columns that it is made from."""
    source, given = clip.draft.source, clip.made_from.get(field)
    if not source.row:
        row = ""
    elif variable:
        column = clip.variable(variable) or variable
        row = with_columns(clip.draft, [column]) if column in source.columns else ""
    elif given is None or given.column:
        row = with_columns(clip.draft, [given.column] if given else [])
    else:
        columns = columns_read(clip.entry, clip.draft, [given.value])
        row = with_columns(clip.draft, columns) if columns else ""
    _report(clip, field, finding, row)


def _report(clip: Clip, field: str, finding: Finding, row: str) -> None:
    problems, given = clip.entry.shared.problems, clip.made_from.get(field)
    add = problems.add if finding.is_error else problems.warn
    add(given.place if given else clip.entry.place_of(field), f"{field}: {finding.text}", row)
