"""Names what a job is made from in messages: row, column and picture file."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from batchvid.domain.job_spec import RowPlace
from batchvid.manifest.reading.tables import label
from batchvid.manifest.types import PlacedJob
from batchvid.quoting import shortened

_ROLES = {"image": "first", "end_image": "last", "reference_images": "reference"}


def row_label(row: RowPlace) -> str:
    """The name of a row with its file and sheet."""
    return label(row.file, row)


def source_name(job: PlacedJob, fields: Collection[str], folder: Path) -> str:
    """`t.csv:row 2 (line 3): column photo: pictures/kite.gif`, as far as the job has them and `fields` use them.

    `folder` is the manifest's.
    """
    columns = dict.fromkeys(column for field in fields for column in job.columns.get(field, ()))
    parts = [
        row_label(job.row) if job.row else "",
        f"column {', '.join(columns)}" if columns else "",
        ", ".join(picture_names(job, fields, folder)),
    ]
    return ": ".join(part for part in parts if part)


def picture_names(job: PlacedJob, fields: Collection[str], folder: Path) -> list[str]:
    """The pictures of these fields, as paths below the manifest's folder where they are there."""
    roles = {_ROLES[field] for field in fields if field in _ROLES}
    return [_path(image.source, folder) for image in job.spec.request.images if image.role in roles]


def _path(source: str, folder: Path) -> str:
    path = Path(source)
    for base in (folder, folder.absolute()):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return shortened(source, 120)
