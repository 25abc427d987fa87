"""Says what the columns of an entry's tables do that its author may not expect: set fields, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.table_columns import TableColumns, all_texts
from batchvid.manifest.schema.cell_lists import split_files
from batchvid.manifest.schema.models import CHECKS
from batchvid.manifest.schema.notations import ratio_hint
from batchvid.manifest.schema.rows import InlineRows
from batchvid.manifest.schema.variable_names import normalized, written_name

_OTHER_NAMES: Mapping[str, str] = {
    "model": "modell modele modelo modello modelname modelid videomodel engine",
    "duration_s": "seconds secs sec duration length durationsec durationsecs durationinseconds durationseconds"
    " cliplength lengths lengthsec dauer länge laenge sekunden dauersek durée duree secondes duración"
    " duracion segundos durata 秒数",
    "aspect_ratio": "ratio aspect format seitenverhältnis seitenverhaeltnis bildformat formato proporción",
    "resolution": "size quality auflösung résolution",
    "image": "picture photo pic img imageurl imagelink imagefile imagepath pictureurl photourl firstframe startframe"
    " imagesrc bild foto bilddatei imagen 画像",
    "end_image": "lastframe endframe lastimage endbild",
    "reference_images": "references referenceimage pictures photos images bilder fotos",
    "negative_prompt": "negative neg negprompt negativ negativerprompt",
    "takes": "count n variants versions varianten versionen",
    "sound": "audioon withsound ton",
    "tags": "tag",
}
_FIELD_OF = {name: field for field, names in _OTHER_NAMES.items() for name in names.split()}
"""Names without blanks, signs and case: `durationSeconds` and `Duration (seconds)` are equal."""
_MODEL = re.compile(
    r"veo|sora|kling|gen[34]|runway|seedance|doubao|hailuo|minimax|wan\d|grok|pika|luma|vidu", re.IGNORECASE
)
_SECONDS = re.compile(r"\d{1,3}(?:[.,]\d+)?\s*(?:s|secs?|seconds?|sek|sekunden)?\.?", re.IGNORECASE)
_SIZE = re.compile(r"\d{3,4}p|\d{3,5}x\d{3,5}|[248]k", re.IGNORECASE)
_FILE_NAME = re.compile(r"https?://\S+|[^\s].*\.[A-Za-z0-9]{2,5}")
_MAX_LIKELY_TAKES = 10


def report_columns(entry: ClipEntryContext) -> None:
    """Add the notes and warnings about the tables that the entry has read."""
    for table in entry.tables.values():
        if table.is_numbered:
            entry.shared.problems.warn(
                entry.place_of("id"),
                "id: {{ row_number }} changes when rows are sorted or inserted: a stored clip then belongs to another "
                "row; use a column that names the row, or {{ hash }}",
            )
        if table.set_fields:
            _note_fields(entry, table)
        for name in sorted(table.missing):
            if near := get_close_matches(name, table.columns, 1):
                text = f"row.{name}: {table.file} has no such column, so it is empty; did you mean {near[0]}?"
                entry.shared.problems.warn(entry.place, text)
        for column, field in _unused(entry, table):
            written = written_name(column, table.columns)
            text = (
                f'column {column} of {table.file} is not used; name it {field}, or write {field}: "{{{{ {written} }}}}"'
            )
            entry.shared.problems.warn(entry.place, text)


def _note_fields(entry: ClipEntryContext, table: TableColumns) -> None:
    pairs = sorted((table.fields[field], field) for field in table.set_fields)
    columns = ", ".join(column if column == field else f"{column} ({field})" for column, field in pairs)
    column, field = pairs[0]
    rename = f"rename the column: rows: {{file: {table.file}, columns: {{sheet_{field}: {column}}}}}"
    if isinstance(entry.clip.rows, InlineRows):
        rename = "give it another name in the rows"
    entry.shared.problems.note(
        entry.place,
        f"columns of {table.file} set fields of the clips: {columns}; to prevent it, set the field in the entry "
        f"(null for none), or {rename}",
    )


def _unused(entry: ClipEntryContext, table: TableColumns) -> Iterator[tuple[str, str]]:
    """(column, field) of the columns that look like a field by another name, and that nothing reads."""
    likely = [(column, _FIELD_OF.get(normalized(column).replace("_", "").casefold(), "")) for column in table.columns]
    likely = [(column, field) for column, field in likely if field and not _is_given(entry, table, field)]
    if not likely:
        return
    read = {*table.fields.values(), *filter(None, table.key)}
    for text in all_texts(entry):
        read |= table.read_by(text)
    where = entry.clip.where or ""
    for column, field in likely:
        in_where = re.search(rf"\b({re.escape(column)}|{re.escape(normalized(column))})\b", where, re.IGNORECASE)
        cells = [row[column] for row in table.sample if row[column]]
        if column not in read and not in_where and cells and all(map(_TESTS.get(field, _passes(field)), cells)):
            yield column, field


def _is_given(entry: ClipEntryContext, table: TableColumns, field: str) -> bool:
    """Whether the entry, a column or an axis sets the field."""
    if field in table.fields or field in entry.closed or field in entry.clip.matrix:
        return True
    return field in entry.clip.model_fields_set


def _passes(field: str) -> Callable[[str], bool]:
    def is_valid(cell: str) -> bool:
        try:
            CHECKS[field](cell)
        except (KeyError, ValueError):
            return field not in CHECKS
        return True

    return is_valid


_TESTS: Mapping[str, Callable[[str], bool]] = {
    "model": lambda cell: _MODEL.search(cell) is not None,
    "duration_s": lambda cell: _SECONDS.fullmatch(cell) is not None,
    "aspect_ratio": lambda cell: _passes("aspect_ratio")(cell) or bool(ratio_hint(cell)),
    "resolution": lambda cell: _SIZE.fullmatch(cell) is not None,
    "image": lambda cell: _FILE_NAME.fullmatch(cell) is not None,
    "end_image": lambda cell: _FILE_NAME.fullmatch(cell) is not None,
    "reference_images": lambda cell: all(_FILE_NAME.fullmatch(part) for part in split_files(cell)),
    "takes": lambda cell: cell.isdecimal() and 1 <= int(cell) <= _MAX_LIKELY_TAKES,
}
"""Whether a cell can be a value of the field: a shop's `size` is not a resolution."""
