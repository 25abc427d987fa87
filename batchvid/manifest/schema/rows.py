"""`rows:` of a clip entry: a table's file, several files, or the rows themselves; options say how it is written."""

from __future__ import annotations

import codecs
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from batchvid.manifest.reading.marked_data import plain
from batchvid.manifest.reading.tables import TableOptions
from batchvid.manifest.schema import field_types
from batchvid.manifest.schema.key_types import Variable

_NO_TEXT = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem")
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "none": ""}
_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=())
LINES = "lines"


def _expand_short_form(value: Any) -> Any:
    """A file or a list of files is short for `file`; a list of mappings is the rows themselves."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return {"file": value}
    if not value:
        raise ValueError("must not be empty; name a file, or write the rows here")
    if all(isinstance(one, dict) for one in value):
        return InlineRows.model_construct(file=[], rows=tuple(plain(value)))
    if any(isinstance(one, dict) for one in value):
        raise ValueError("is a list of files and rows; write files, or rows such as - {id: kite, prompt: a red kite}")
    return {"file": value}


def _files(value: Any) -> list[str]:
    names = [field_types.word(one) for one in (value if isinstance(value, list) else [value])]
    if not names or not all(names):
        raise ValueError("must name a file, such as plan.xlsx")
    return names


def _encoding(value: Any) -> str:
    name = field_types.word(value)
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ValueError(f"{name!r} is no encoding; write one such as utf-8, utf-16, cp1252 or shift_jis") from None
    if not getattr(codec, "_is_text_encoding", True) or codec.name.replace("_", "-") in _NO_TEXT:
        raise ValueError(f"{name!r} is no encoding of texts; write one such as utf-8, utf-16, cp1252 or shift_jis")
    return codec.name


def _delimiter(value: Any) -> str:
    if isinstance(value, str) and (value in _DELIMITERS or len(value) == 1):
        character = _DELIMITERS.get(value, value)
        if not character or (character not in '"\r\n' and not character.isalnum() and character.isprintable()):
            return character or LINES
        if character == "\t":
            return character
    raise ValueError('must be one character such as ";", or tab, or none for one prompt a line')


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Header = Annotated[str, BeforeValidator(field_types.text), Field(min_length=1)]


class RowsField(BaseModel):
    """A table: its files, and how it is written where its content does not show it."""

    model_config = _STRICT

    file: Annotated[list[str], BeforeValidator(_files, json_schema_input_type=str | list[str])] = Field(
        description="the table: a file beside this one, a pattern such as sheets/*.csv, or a list"
    )
    sheet: Annotated[str, BeforeValidator(field_types.text)] = Field(
        "", description="the sheet of a workbook; default: the first one that is visible and not empty"
    )
    header_row: Annotated[int, Field(strict=True, ge=0)] = Field(
        0, description="the row of a sheet, or the line of a text file, that names the columns"
    )
    columns: dict[Variable, Header] = Field(
        default_factory=dict, description="other names for columns: the variable, and the text of the header"
    )
    fill_down: Annotated[list[Header], BeforeValidator(_texts, json_schema_input_type=str | list[str])] = Field(
        default_factory=list, description="columns whose empty cells repeat the value above, as merged cells mean it"
    )
    delimiter: Annotated[str, BeforeValidator(_delimiter)] = Field(
        "", description="between the cells of a text file: one character, or tab; none: each line is one prompt"
    )
    encoding: Annotated[str, BeforeValidator(_encoding)] = Field(
        "", description="of a text file that is not Unicode, such as cp1252"
    )

    def options(self, file: str) -> TableOptions:
        """How the table is written that is called `file` in messages."""
        return TableOptions(
            file=file,
            sheet=self.sheet,
            header_row=self.header_row,
            columns=self.columns,
            fill_down=tuple(self.fill_down),
            delimiter="" if self.delimiter == LINES else self.delimiter,
            encoding=self.encoding,
            lines=self.delimiter == LINES,
        )


class InlineRows(RowsField):
    """Rows that are written in the manifest."""

    rows: tuple[dict[str, Any], ...]


Rows = Annotated[
    RowsField,
    BeforeValidator(_expand_short_form, json_schema_input_type=str | list[str] | list[dict[str, Any]] | RowsField),
]
"""A table in every notation of the manifest: a file, a list of files, rows, or a file with options."""
