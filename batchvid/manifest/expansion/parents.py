"""Ties each job that works on another job's clip to that job: finds it by its name, and folds its fingerprint in.

Knows ids and providers; whether a model can do the work is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import NamedTuple

from batchvid.domain.clip_request import child_fingerprint
from batchvid.domain.job_spec import JobSpec
from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.reading.problems import Problems
from batchvid.manifest.reading.safe_names import safe_name

SHOWN = 3  # ids named where several could be meant
MOST_COMPARED = 2_000  # ids that a misspelled one is held against


class Child(NamedTuple):
    """Where a job with a parent was said: its clip entry, and the row of a table, for what is wrong with it."""

    entry: ClipEntryContext
    row: str


def link_parents(specs: Sequence[JobSpec], children: Mapping[str, Child], problems: Problems) -> list[JobSpec]:
    """The same jobs in the same order, each of `children` (by id) with its parent's id and the fingerprint of both.

    A parent that is not there, has several jobs, is sold elsewhere or is the job's own child goes to `problems`.
    """
    known = _Known(specs)
    sound = not problems  # what an entry with a mistake would have made is not missed by others
    parents: dict[str, str] = {}
    for child_id, child in children.items():
        spec = known.by_id[child_id]
        found = known.find(spec.parent)
        if not found and not sound:
            continue
        if not isinstance(found, JobSpec):
            child.entry.complain("parent", known.missing(spec.parent, found), child.row)
        elif found.provider != spec.provider:
            child.entry.complain("parent", _elsewhere(found, spec), child.row)
        elif strangers := [other.provider for other in spec.fallback if other.provider != spec.provider]:
            said = f"{strangers[0]} does not know the task of {found.id}; name models of {spec.provider} only"
            child.entry.complain("fallback", said, child.row)
        else:
            parents[child_id] = found.id
    tied = _in_turn(known.by_id, parents, children)
    return [tied.get(spec.id, spec) for spec in specs]


class _Known:
    """All jobs by the names that a parent may be called by."""

    def __init__(self, specs: Sequence[JobSpec]) -> None:
        self.by_id = {spec.id: spec for spec in specs}
        self._by_entry: dict[str, list[JobSpec]] = {}
        for spec in specs:
            self._by_entry.setdefault(spec.entry, []).append(spec)

    def find(self, said: str) -> JobSpec | list[JobSpec]:
        """The job of that id, or the one job of that clip entry; else all jobs of the entry, none if there is none."""
        name = safe_name(said)
        if found := self.by_id.get(said) or self.by_id.get(name):
            return found
        made = self._by_entry.get(name, [])
        return made[0] if len(made) == 1 else made

    def missing(self, said: str, made: Sequence[JobSpec]) -> str:
        """What to tell of a parent that is no one job."""
        if made:
            shown = ", ".join(spec.id for spec in made[:SHOWN])
            return f"{said} makes {len(made):,} clips; name one of them: {shown}{', ...' if made[SHOWN:] else ''}"
        near = get_close_matches(said, self.by_id, SHOWN) if len(self.by_id) <= MOST_COMPARED else []
        hint = f"did you mean {' or '.join(near)}?" if near else "batchvid plan --all shows the ids"
        return f"there is no job {said}; {hint}"


def _elsewhere(parent: JobSpec, child: JobSpec) -> str:
    return (
        f"{parent.id} is made at {parent.provider} and this clip at {child.provider}, where its task is not known; "
        f"say the same provider in both"
    )


def _in_turn(
    specs: Mapping[str, JobSpec], parents: Mapping[str, str], children: Mapping[str, Child]
) -> dict[str, JobSpec]:
    """Each job that has a parent, tied to it; a parent is tied before its children, so that a change reaches them."""
    tied: dict[str, JobSpec] = {}
    for start in parents:
        path: dict[str, None] = {}
        at = start
        while at in parents and at not in tied and at not in path:
            path[at] = None
            at = parents[at]
        if at in path:
            ring = list(path)[list(path).index(at) :]
            children[at].entry.complain(
                "parent", f"{at} would be made from its own clip, by way of {' and '.join(ring)}", children[at].row
            )
        for child_id in reversed(path):  # those of a ring are tied, too: it is told once
            parent = tied.get(parents[child_id]) or specs[parents[child_id]]
            tied[child_id] = replace(
                specs[child_id],
                parent=parent.id,
                parent_fingerprint=parent.fingerprint,
                fingerprint=child_fingerprint(specs[child_id].fingerprint, parent.fingerprint),
            )
    return tied
