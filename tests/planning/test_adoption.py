"""Adoption as a rule: each clip serves one job, nothing is bought twice, and the sums stay, whatever the ids were."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from batchvid.catalog import providers
from batchvid.commands.adoption import adopt_clips, foresee_adoptions
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.planning.adoption import WAITS, find_adoptions
from batchvid.planning.plan import make_plan
from batchvid.planning.plan_types import PlanAction
from batchvid.state.readers import read_attempts, read_jobs, replay
from batchvid.state.state_file import StateFile
from tests.builders import clip, job_in, spec, steps
from tests.planning.test_plan import manifest

IDS = ("kite", "kite_t1", "kite_t2", "boat", "boat-1", "glider")
PRINTS = ("f1:a", "f1:b")
STATES = st.dictionaries(
    st.sampled_from(IDS), st.tuples(st.sampled_from(JobState), st.sampled_from(PRINTS)), max_size=len(IDS)
)
WANTED = st.dictionaries(st.sampled_from(IDS), st.sampled_from(PRINTS), min_size=1, max_size=len(IDS))
EMULATOR = frozenset({"emulator"})


def jobs_of(states: Mapping[str, tuple[JobState, str]]) -> dict[str, Job]:
    """Jobs in these states, each with its own path."""
    return {job_id: with_clip(job_in(state, job_id, fingerprint=print_)) for job_id, (state, print_) in states.items()}


def with_clip(job: Job) -> Job:
    """The job; its clip has its path."""
    return job if job.clip is None else replace(job, clip=clip(job.spec.key))


def specs_of(wanted: Mapping[str, str]) -> list[JobSpec]:
    """The jobs of the manifest."""
    return [spec(job_id, fingerprint=print_) for job_id, print_ in wanted.items()]


def committed(jobs: Collection[Job]) -> tuple[Decimal, int, int]:
    """What all jobs add up to."""
    usd = sum((job.committed_usd for job in jobs), Decimal(0))
    return usd, sum(job.committed_attempts for job in jobs), sum(job.attempts for job in jobs)


@settings(max_examples=300, deadline=None)
@given(STATES, WANTED, st.data())
def test_each_clip_serves_one_job_and_nothing_is_bought_twice(
    states: dict[str, tuple[JobState, str]], wanted: dict[str, str], data: st.DataObject
) -> None:
    """For any jobs, any manifest and any selection of it."""
    jobs = jobs_of(states)
    only = tuple(data.draw(st.sets(st.sampled_from(sorted(wanted)))))
    asked = replace(manifest(*specs_of(wanted), only=only), is_complete=data.draw(st.booleans()))
    after = foresee_adoptions(asked, jobs, EMULATOR, {})
    found = after.adoptions
    givers = [one.job.id for one in found.adopted] + [job.id for job in found.waiting.values()]
    takers = [one.spec.id for one in found.adopted] + list(found.waiting)
    selected = {placed.spec.id for placed in asked.jobs}
    assert len(set(givers)) == len(givers)
    assert len(set(takers)) == len(takers)
    moved = {job_id for job_id in set(givers) & set(wanted) if jobs[job_id].spec.fingerprint != wanted[job_id]}
    assert set(givers) & set(wanted) == moved <= selected
    assert all(jobs[job_id].state is JobState.SUCCEEDED for job_id in moved)
    assert set(takers) <= selected
    assert all(one.job.spec.fingerprint == wanted[one.spec.id] for one in found.adopted)
    assert committed(after.jobs.values()) == committed(jobs.values())
    kept = {job_id for job_id in jobs if job_id in wanted and job_id not in takers and job_id not in moved}
    assert all(after.jobs[job_id] is jobs[job_id] for job_id in kept)
    clips = Counter(job.clip.sha256 for job in jobs.values() if job.clip)
    assert Counter(job.clip.sha256 for job in after.jobs.values() if job.clip) == clips
    assert not find_adoptions(asked, after.jobs, EMULATOR, {}).adopted

    planned = make_plan(after.manifest, after.jobs, providers({}), adoptions=found)
    for print_ in PRINTS:
        new = [one for one in selected if wanted[one] == print_ and (one not in jobs or not jobs[one].attempts)]
        given = [
            job for job in jobs.values() if job.id not in wanted and job.attempts and job.spec.fingerprint == print_
        ]
        bought = [job for job in planned.to_buy if job.spec.fingerprint == print_]
        without_moves = max(len(new) - len(given), 0)
        assert len(bought) == without_moves if not moved else len(bought) <= without_moves + len(moved)
    others = [one for one in selected if one not in jobs or not jobs[one].attempts]
    assert len(planned.to_buy) <= len(others)
    waits = (PlanAction.IN_FLIGHT, PlanAction.UNCERTAIN, PlanAction.NOT_BOUGHT)
    held = {job.spec.id for job in planned.jobs if job.action in waits}
    assert set(found.waiting) <= held
    assert all(job.state in WAITS for job in found.waiting.values()) or not asked.is_complete
    assert asked.is_complete or not found.adopted


def test_clips_whose_ids_have_other_requests_now() -> None:
    """Ids are swapped, or move along as row numbers do: the clips move with their requests. Others stay."""
    jobs = {name: with_clip(job_in(JobState.SUCCEEDED, name, fingerprint=f"f1:{name}")) for name in "123"}

    def adopted(**wanted: str) -> dict[str, str]:
        asked = manifest(*(spec(name[1:], fingerprint=f"f1:{print_}") for name, print_ in wanted.items()))
        after = foresee_adoptions(asked, jobs, EMULATOR, {})
        assert {job.spec.fingerprint for job in after.jobs.values()} == {"f1:1", "f1:2", "f1:3"}
        return {one.job.id: one.spec.id for one in after.adoptions.adopted}

    assert adopted(_1="2", _2="1", _3="3") == {"1": "2", "2": "1"}
    assert adopted(_1="new", _2="1", _3="2", _4="3") == {"1": "2", "2": "3", "3": "4"}
    assert adopted(_1="2", _2="3") == {}  # the clip of 1 would lose its id
    assert adopted(_1="new", _2="2", _3="1") == {}


def test_the_one_stored_first_is_taken() -> None:
    """Of two clips that fit."""
    first, second = (with_clip(job_in(JobState.SUCCEEDED, name)) for name in ("b", "a"))
    assert second.stored_at is not None
    later = replace(second, stored_at=second.stored_at.replace(year=second.stored_at.year + 1))
    (one,) = find_adoptions(manifest(spec("c")), {"a": later, "b": first}, EMULATOR, {}).adopted
    assert one.words == "b -> c, same request"


def test_a_rehearsal_is_adopted_by_a_rehearsal_only() -> None:
    """The emulator's clip is not a provider's, also under another id."""
    rehearsed = replace(with_clip(job_in(JobState.SUCCEEDED)), rehearsal=True, rehearsed_clip=True)
    jobs = {"kite": rehearsed}
    assert not find_adoptions(manifest(spec("glider")), jobs, EMULATOR, {}).adopted
    assert find_adoptions(manifest(spec("glider", provider="emulator")), jobs, EMULATOR, {}).adopted


def test_a_child_goes_with_its_own_parent() -> None:
    """Two takes have equal requests: the clip that was made of the first is not that of the second."""
    parents = {name: with_clip(job_in(JobState.SUCCEEDED, name)) for name in ("kite", "other")}
    child = with_clip(job_in(JobState.SUCCEEDED, "snow", fingerprint="f1:s", parent="other", parent_fingerprint="f1:0"))
    asked = manifest(
        spec("snow1", fingerprint="f1:s", parent="kite", parent_fingerprint="f1:0"),
        spec("snow2", fingerprint="f1:s", parent="glider", parent_fingerprint="f1:0"),
        spec("kite"),
        spec("glider"),
    )
    found = find_adoptions(asked, {**parents, "snow": child}, EMULATOR, {})
    assert [one.words for one in found.adopted] == [
        "other -> glider, same request",
        "snow -> snow2, same request",
    ]


@settings(max_examples=30, deadline=None)
@given(STATES, WANTED)
def test_the_state_file_tells_the_same(states: dict[str, tuple[JobState, str]], wanted: dict[str, str]) -> None:
    """Rows, log and ledger agree after an adoption, and no attempt is lost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.sqlite3"
        with StateFile(path) as state:
            for job_id, (in_state, print_) in states.items():
                state.commit(steps(job_id, in_state, fingerprint=print_))
            before, rows = state.jobs(), list(read_attempts(path))
            after = adopt_clips(state, before, manifest(*specs_of(wanted)), EMULATOR)
        found = {job.id: job for job in read_jobs(path)}
        assert found.keys() == after.jobs.keys()
        assert committed(found.values()) == committed(before.values())
        new_ids = {one.job.id: one.spec.id for one in after.adoptions.adopted}
        moved = [(new_ids.get(row.job, row.job), row.number, row.status, row.price) for row in rows]
        assert sorted((row.job, row.number, row.status, row.price) for row in read_attempts(path)) == sorted(moved)
        told = replay(path)
        assert {job_id: (job.state, job.clip, job.adopted_from) for job_id, job in told.items()} == {
            job_id: (job.state, job.clip, job.adopted_from) for job_id, job in found.items()
        }
