"""One row or image that a clip entry makes jobs from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from batchvid.domain.job_spec import RowPlace


class Source(NamedTuple):
    """One row, image or entry to make clips from: `variables` for the templates, those `shown` in the report.

    `fields` are the fields that it sets, `suffix` is its part of the id. Only for a row of a table: `row` is its name
    in messages, `row_place` is its place, `columns` are its cells, `row_folder` is the table's folder, `name` is its
    name for an entry without an id, and `field_columns` are the columns that may set fields, by field.
    """

    variables: Mapping[str, Any]
    shown: Mapping[str, str]
    fields: Mapping[str, Any]
    suffix: str
    row: str = ""
    columns: Mapping[str, str] = {}
    row_folder: Path | None = None
    row_place: RowPlace | None = None
    name: str = ""
    field_columns: Mapping[str, str] = {}
