"""Links each job with a parent to that job: finds it by name and adds its fingerprint to the child's.

Knows ids and providers; planning checks whether a model can do the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from batchvid.domain.clip_request import child_fingerprint
from batchvid.domain.job_spec import JobSpec
from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.reading.problems import Problems
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.near_matches import did_you_mean
from batchvid.quoting import shortened

MAX_SHOWN_IDS = 3  # when several could be meant


class Child(NamedTuple):
    """The origin of a job with a parent: its clip entry, and its row of a table."""

    entry: ClipEntryContext
    row: str


def link_parents(specs: Sequence[JobSpec], children: Mapping[str, Child], problems: Problems) -> list[JobSpec]:
    """The same jobs in the same order; each of `children` (by id) gets its parent's id and the fingerprint of both.

    A parent that does not exist, has several jobs, has another provider or is the job's own child is a problem.
    """
    known = _Known(specs)
    is_complete = not problems  # an entry with a problem may be missing its jobs
    parents: dict[str, str] = {}
    for child_id, child in children.items():
        spec = known.by_id[child_id]
        found = known.find(spec.parent)
        if not found and not is_complete:
            continue
        if not isinstance(found, JobSpec):
            child.entry.add_problem("parent", known.missing(spec.parent, found), child.row)
        elif found.provider != spec.provider:
            child.entry.add_problem("parent", _elsewhere(found, spec), child.row)
        elif others := [other.provider for other in spec.fallback if other.provider != spec.provider]:
            problem = f"{others[0]} does not know the task of {found.id}; name models of {spec.provider} only"
            child.entry.add_problem("fallback", problem, child.row)
        else:
            parents[child_id] = found.id
    linked = _link_in_order(known.by_id, parents, children)
    return [linked.get(spec.id, spec) for spec in specs]


class _Known:
    """All jobs by the names that a `parent` may use."""

    def __init__(self, specs: Sequence[JobSpec]) -> None:
        self.by_id = {spec.id: spec for spec in specs}
        self._by_entry: dict[str, list[JobSpec]] = {}
        for spec in specs:
            self._by_entry.setdefault(spec.entry, []).append(spec)

    def find(self, parent: str) -> JobSpec | list[JobSpec]:
        """The job with that id, or the only job of that clip entry; otherwise all jobs of the entry, possibly none."""
        name = safe_name(parent)
        if found := self.by_id.get(parent) or self.by_id.get(name):
            return found
        made = self._by_entry.get(name, [])
        return made[0] if len(made) == 1 else made

    def missing(self, parent: str, made: Sequence[JobSpec]) -> str:
        """The message for a parent that is not exactly one job."""
        if made:
            shown = ", ".join(spec.id for spec in made[:MAX_SHOWN_IDS])
            more = ", ..." if len(made) > MAX_SHOWN_IDS else ""
            return f"{parent} makes {len(made):,} clips; name one of them: {shown}{more}"
        hint = did_you_mean(parent, self.by_id) or "batchvid plan --all shows the ids"
        return f"there is no job {shortened(parent)}; {hint}"


def _elsewhere(parent: JobSpec, child: JobSpec) -> str:
    return (
        f"{parent.id} is made at {parent.provider} and this clip at {child.provider}, where its task is not known; "
        f"set the same provider in both"
    )


def _link_in_order(
    specs: Mapping[str, JobSpec], parents: Mapping[str, str], children: Mapping[str, Child]
) -> dict[str, JobSpec]:
    """Each job that has a parent, linked to it. A parent is linked before its children: a change reaches them."""
    linked: dict[str, JobSpec] = {}
    for start in parents:
        path: dict[str, None] = {}
        at = start
        while at in parents and at not in linked and at not in path:
            path[at] = None
            at = parents[at]
        if at in path:
            cycle = list(path)[list(path).index(at) :]
            children[at].entry.add_problem(
                "parent", f"{at} would be made from its own clip, by way of {' and '.join(cycle)}", children[at].row
            )
        for child_id in reversed(path):  # also those of a cycle: it is reported once
            parent = linked.get(parents[child_id]) or specs[parents[child_id]]
            linked[child_id] = replace(
                specs[child_id],
                parent=parent.id,
                parent_fingerprint=parent.fingerprint,
                fingerprint=child_fingerprint(specs[child_id].fingerprint, parent.fingerprint),
            )
    return linked
