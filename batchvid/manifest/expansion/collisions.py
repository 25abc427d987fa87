"""Reports jobs that share an id or a file, with a way to tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from batchvid.manifest.reading.problems import Problems
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.manifest.schema.variable_names import written_name
from batchvid.manifest.source_names import picture_names, row_label
from batchvid.manifest.types import PlacedJob
from batchvid.quoting import quoted

MAX_SHOWN = 3  # rows, pictures or differences in one message
MAX_ADDED_CHARS = 40  # of the longest cell of a column that is put into the id
_CUT_NAME_CHARS = 80  # an entry's name of this length is not its whole id


def report_collisions(jobs: Sequence[PlacedJob], problems: Problems, folder: Path) -> None:
    """Add a problem for jobs with the same id or file, also on systems where `A` and `a` are the same name.

    `folder` is the manifest's.
    """
    ids: dict[str, list[PlacedJob]] = {}
    keys: dict[str, PlacedJob] = {}
    folders: dict[str, PlacedJob] = {}
    for job in jobs:
        same_id = ids.setdefault(job.spec.id.casefold(), [])
        same_id.append(job)
        if len(same_id) > 1:
            continue
        key = job.spec.key.casefold()
        same = keys.setdefault(key, job)
        if same is not job:
            other = _entry_and_source(same, folder)
            problems.add(job.place, f"writes to {job.spec.key} as {other} does; put {{{{ id }}}} into output.clips")
        folders.setdefault(key.rpartition("/")[0], job)
    for group in ids.values():
        if len(group) > 1:
            problems.add(group[1].place, _same_id(group, folder))
    for name, job in folders.items():
        while name:
            if name in keys:
                other = _entry_and_source(keys[name], folder)
                problems.add(job.place, f"needs a folder where {other} writes the file {name}")
            name = name.rpartition("/")[0]


def _same_id(jobs: Sequence[PlacedJob], folder: Path) -> str:
    """What makes the same id, and what to write instead."""
    first, job = jobs[0], jobs[1]
    if any(other.place != first.place for other in jobs):
        others = _listed([_entry_and_source(other, folder) for other in jobs if other is not job])
        return f"makes the id {job.spec.id} again, which {others} already makes{_source_in_brackets(job, folder)}"
    sources = list(dict.fromkeys(filter(None, (_source(other, folder) for other in jobs))))
    differences = _differences(jobs)
    details = f" ({', '.join(differences)})" if differences else ""
    times = f"{len(jobs):,} times" if len(jobs) > 2 else "twice"
    origin = f", from {_listed(sources)}" if sources else ""
    return f"makes the id {first.spec.id} {times}{origin}{details}; {_way_out(jobs, sources)}"


def _way_out(jobs: Sequence[PlacedJob], sources: Sequence[str]) -> str:
    variables = jobs[0].spec.variables
    if jobs[0].row is None:
        if "image_name" not in variables:
            return "give the values of the matrix names that differ in letters or digits"
        names = _values(jobs, "image_name")
        parts = ["image_name"] if _are_different(names) else ["image_folder", "image_name"]
        return f"write {_id_with(jobs[0], parts, separator='_')}"
    if len(sources) == 1:  # of one row: by its matrix
        return "give the values of the matrix names that differ in letters or digits"
    of_id, of_prompt = (set(jobs[0].columns.get(field, ())) for field in ("id", "prompt"))
    read = {column for columns in jobs[0].columns.values() for column in columns}
    column = None if _differ(jobs, of_id) else _telling_column(jobs, of_id | of_prompt)
    if column is None and not _differ(jobs, read):
        return "the rows make the same clip: delete what is not wanted twice (takes: 2 makes two clips of one row)"
    added = written_name(column, tuple(variables)) if column else "hash"
    line = _id_with(jobs[0], [added])
    return f'write {line}, or id: "{{{{ row_number }}}}", which changes when rows are sorted or inserted'


def _id_with(job: PlacedJob, names: Sequence[str], separator: str = "-") -> str:
    """The entry's id with more variables in it, as a line of the manifest."""
    entry = job.place.entry
    added = separator.join(f"{{{{ {name} }}}}" for name in names)
    if len(entry) >= _CUT_NAME_CHARS or '"' in entry or "\\" in entry or '"' in added:
        return f"{added} at the end of its id"
    return f'id: "{entry}{separator}{added}"'


def _telling_column(jobs: Sequence[PlacedJob], without: set[str]) -> str | None:
    """The first column whose short values tell these jobs apart; a prompt is edited, and is no name."""
    for column in jobs[0].spec.variables:
        values = _values(jobs, column)
        is_short = all(0 < len(value) <= MAX_ADDED_CHARS for value in values)
        if column not in without and is_short and _are_different(values):
            return column
    return None


def _differ(jobs: Sequence[PlacedJob], columns: set[str]) -> bool:
    """Whether their cells in these columns differ."""
    return any(len(set(_values(jobs, column))) > 1 for column in columns)


def _are_different(values: Sequence[str]) -> bool:
    return len({safe_name(value).casefold() for value in values if value}) == len(values)


def _values(jobs: Sequence[PlacedJob], name: str) -> list[str]:
    return [job.spec.variables.get(name, "") for job in jobs]


def _differences(jobs: Sequence[PlacedJob]) -> list[str]:
    """`sku '石', '十'`: the first variables that are not the same for all jobs, those of the id first."""
    of_id = set(jobs[0].columns.get("id", ()))
    found = []
    for name in sorted(jobs[0].spec.variables, key=lambda name: name not in of_id):
        values = list(dict.fromkeys(_values(jobs, name)))
        if len(values) > 1:
            more = f" and {len(values) - MAX_SHOWN} more" if len(values) > MAX_SHOWN else ""
            found.append(f"{name} {', '.join(quoted(value) for value in values[:MAX_SHOWN])}{more}")
    return found[:MAX_SHOWN]


def _source(job: PlacedJob, folder: Path) -> str:
    """The row or the picture that a job is made from; empty for an entry with neither."""
    if job.row is not None:
        return row_label(job.row)
    return ", ".join(picture_names(job, ("image",), folder)) if "image_name" in job.spec.variables else ""


def _entry_and_source(job: PlacedJob, folder: Path) -> str:
    return f"{job.place.entry} at {job.place.file}:{job.place.line}{_source_in_brackets(job, folder)}"


def _source_in_brackets(job: PlacedJob, folder: Path) -> str:
    source = _source(job, folder)
    return f" ({source})" if source else ""


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - MAX_SHOWN:,} more"] if len(names) > MAX_SHOWN else []
    *head, last = [*names[:MAX_SHOWN], *more]
    return f"{', '.join(head)} and {last}" if head else last
