"""`edit-these.csv`: refused prompts are written to it, and read back from whatever a spreadsheet made of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from pathlib import Path

from batchvid.commands.cell_rewrites import is_rewritten
from batchvid.commands.edit_matching import JobIndex, job_key
from batchvid.domain.failures import MODERATION
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, NoTable, Row, TableOptions
from batchvid.paths import BatchPaths
from batchvid.redaction import hide_secrets, strip_queries
from batchvid.report.csv_table import FORMULA_STARTS, escape_formula, write_table

EDITED: dict[str, Callable[[JobSpec], str]] = {
    "prompt": lambda spec: hide_secrets(spec.request.prompt),
    "negative_prompt": lambda spec: hide_secrets(spec.request.negative_prompt),
    "image": lambda spec: next(
        (hide_secrets(strip_queries(one.source)) for one in spec.request.images if one.role == "first"), ""
    ),
}
"""The columns that may be edited, with their values before the edit, without secrets."""

THIS, ENTRY = "this", "entry"

COLUMNS: dict[str, Callable[[Job], str]] = {
    "id": lambda job: job.id,
    "entry": lambda job: job.spec.entry,
    "kind": lambda job: str(job.kind),
    "message": lambda job: job.message,
    "prompt": lambda job: EDITED["prompt"](job.spec),
    "negative_prompt": lambda job: EDITED["negative_prompt"](job.spec),
    "image": lambda job: EDITED["image"](job.spec),
    "apply_to": lambda _: THIS,
    "asked": lambda job: job.spec.fingerprint,
    "job_key": lambda job: job_key(job.id),
}
"""Every column of `edit-these.csv`; `asked` identifies the request of the row, `job_key` its job. Neither is edited."""

_MAX_TITLE_LINES = 10
Cells = dict[str, str]


def write_refused(folder: Path, jobs: Iterable[Job]) -> None:
    """Write `edit-these.csv`, or delete it when no job is refused any more.

    Edits that were not read back yet are kept. Raises OSError.
    """
    path = BatchPaths(folder).edit_these
    refused = [job for job in jobs if is_refused(job)]
    if not refused:
        path.unlink(missing_ok=True)
        return
    written = _written(path, {job.id: job for job in refused})
    rows = []
    for job in refused:
        row = {name: read(job) for name, read in COLUMNS.items()}
        cells = written.get(job.id, {})
        row |= {name: plain(cells[name]) for name in EDITED if name in cells and differs(cells[name], row[name])}
        row["apply_to"] = cells.get("apply_to") or THIS
        rows.append(row)
    write_table(path, {name: itemgetter(name) for name in COLUMNS}, rows)


def is_refused(job: Job) -> bool:
    """Whether a content filter refused it."""
    return job.state is JobState.FAILED and job.kind in MODERATION


def _written(path: Path, refused: Mapping[str, Job]) -> dict[str, Cells]:
    """The rows of the existing file, by the job that they are for. A file that is no table is renamed."""
    index, found = JobIndex(refused), dict[str, Cells]()
    try:
        for cells, _ in read_table(path) if path.exists() else ():
            try:
                match = index.find(cells)
            except ValueError:
                continue  # of a job that is not refused any more
            if match.is_current:
                found[match.job.id] = cells
    except BadTable:
        path.replace(path.with_suffix(".old.csv"))
    return found


def read_table(path: Path) -> list[tuple[Cells, Row]]:
    """The rows with the names of their columns in lower case. Lines above the header are skipped. Raises BadTable."""
    problem: BadTable | None = None
    for header_row in range(_MAX_TITLE_LINES + 1):
        try:
            rows = list(read_rows(path, TableOptions(header_row=header_row)))
        except NoTable:
            raise
        except BadTable as exc:
            problem = exc if header_row == 0 else problem
            continue
        found = [({name.strip().casefold(): cell for name, cell in row.values.items()}, row) for row in rows]
        if found and "prompt" in found[0][0] and not found[0][0].keys().isdisjoint(("id", "job_key", "asked")):
            return found
    raise problem or BadTable("there is no line with the columns id and prompt; keep the header line of edit-these.csv")


def plain(cell: str) -> str:
    """A cell without the quote that escapes a formula, and with our line ends."""
    cell = cell.replace("\r\n", "\n")
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def differs(cell: str, before: str) -> bool:
    """Whether a cell was edited. Spaces and line ends do not count, nor what spreadsheets make of numbers and dates."""
    words, old = " ".join(plain(cell).split()), " ".join(before.split())
    return (
        words != old
        and " ".join(cell.split()) != " ".join(escape_formula(before).split())
        and (not is_rewritten(old, words))
    )
