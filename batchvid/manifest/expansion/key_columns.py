"""Which column looks like the key of a table: it is short, never empty and never the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from batchvid.manifest.schema.templates import is_template
from batchvid.manifest.schema.variable_names import normalized, written_name

_KEY_NAME = re.compile(
    r"(.*_)?(id|sku|code|key|handle|slug|nr|no|number|ref|gtin|ean|upc|asin|isbn|barcode|uuid|article|artikel\w*)(_.*)?"
)
_MAX_KEY_CHARS = 64


def suggest_id(
    columns: tuple[str, ...], rows: Iterable[Mapping[str, str]], text_columns: Collection[str], written: str
) -> str:
    """The line to write for an id that is the same in every row.

    Never a column of a prompt (`text_columns`): when the text changes, the clip would have another id.
    """
    first = list(rows)
    codes = [column for column in columns if _is_code([row[column] for row in first])]
    keys = [column for column in codes if _KEY_NAME.fullmatch(normalized(column).casefold())]
    found = keys or [column for column in codes if column not in text_columns]
    if found:
        return f'use a column that names it, such as id: "{{{{ {written_name(found[0], columns)} }}}}"'
    start = "" if is_template(written) else f"{written}-"
    return f'write id: "{start}{{{{ hash }}}}"; the hash is made from the cells of the row'


def _is_code(cells: list[str]) -> bool:
    """Whether the cells are different and each is one short word."""
    is_short = all(0 < len(cell) <= _MAX_KEY_CHARS and len(cell.split()) == 1 for cell in cells)
    return is_short and len(set(cells)) == len(cells)
