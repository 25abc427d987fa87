"""The plan of jobs that work on other jobs' clips: what they wait for, what holds them back, what cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import ManifestError
from batchvid.planning.dependencies import waits_for
from batchvid.planning.plan import make_plan
from batchvid.planning.plan_types import JobPlan, PlanAction
from tests.builders import job_in, spec
from tests.planning.test_plan import PROVIDERS, manifest, plan

KITE = spec(model="kling-v1-6")
TIED = {"parent": "kite", "parent_fingerprint": "f1:0", "fingerprint": "f1:1"}
LONGER = spec("longer", model="kling-v1-6", prompt="", action="extend", **TIED)
LONGEST = replace(LONGER, id="longest", key="longest.mp4", parent="longer", parent_fingerprint="f1:1")


def done(state: JobState, of: JobSpec = KITE) -> Job:
    """The parent as it was bought."""
    job = job_in(state)
    return replace(job, spec=of, dialect=job.dialect and "kling")


def of(job_id: str, *specs: JobSpec, jobs: tuple[Job, ...] = (), only: tuple[str, ...] = ()) -> JobPlan:
    """The plan of one job."""
    found = make_plan(manifest(*specs, only=only), {job.id: job for job in jobs}, PROVIDERS)
    return next(job for job in found.jobs if job.spec.id == job_id)


def test_children_are_priced_and_say_what_they_wait_for() -> None:
    """Wherever they stand in the file; each is bought by the run that buys its parent."""
    found = plan(LONGEST, LONGER, KITE)
    assert [(job.spec.id, job.reason) for job in found.to_buy] == [
        ("longest", "not planned before; waits for longer"),
        ("longer", "not planned before; waits for kite"),
        ("kite", "not planned before"),
    ]
    assert all(job.price.usd for job in found.to_buy)


@pytest.mark.parametrize(
    ("state", "action", "waits"),
    [
        (JobState.PENDING, PlanAction.NEW, "waits for kite"),
        (JobState.SUBMITTING, PlanAction.NEW, "waits for kite, which is being bought"),
        (JobState.RUNNING, PlanAction.NEW, "waits for kite, which is running"),
        (JobState.READY, PlanAction.NEW, "waits for kite, which is being downloaded"),
        (JobState.SUCCEEDED, PlanAction.NEW, ""),
        (JobState.FAILED, PlanAction.HELD, "waits for kite, which failed"),
        (JobState.UNCERTAIN, PlanAction.HELD, "waits for kite, which is uncertain"),
    ],
)
def test_a_child_hangs_on_where_its_parent_stands(state: JobState, action: PlanAction, waits: str) -> None:
    """It is bought by this run, or held where the run does not bring the parent's clip; so is a child's child."""
    parent = done(state)
    child = of("longer", KITE, LONGER, LONGEST, jobs=(parent,))
    assert (child.action, child.reason.partition("; ")[2]) == (action, waits)
    assert of("longest", KITE, LONGER, LONGEST, jobs=(parent,)).action is action
    assert bool(waits_for(LONGER, parent)) == (state is not JobState.SUCCEEDED)


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.SUCCEEDED])
def test_a_child_is_not_bought_of_a_clip_that_the_manifest_no_longer_means(state: JobState) -> None:
    """While the parent is stored, or made, as it was before it changed, its new children are held."""
    old = done(state, replace(KITE, fingerprint="f1:old"))
    assert of("longer", KITE, LONGER, jobs=(old,)).action is PlanAction.HELD


def test_regenerating_a_changed_parent_brings_its_children() -> None:
    """Bought again as it is now, the parent makes the very clip that the child waits for."""
    old = done(JobState.SUCCEEDED, replace(KITE, fingerprint="f1:old"))
    found = plan(KITE, LONGER, jobs=(old,), rebuy=lambda one, _: one.id == "kite")
    assert [(job.spec.id, job.action) for job in found.to_buy] == [
        ("kite", PlanAction.WAITING),
        ("longer", PlanAction.NEW),
    ]


@pytest.mark.parametrize(
    ("jobs", "action"),
    [
        ((), PlanAction.HELD),
        ((done(JobState.PENDING),), PlanAction.HELD),
        ((done(JobState.RUNNING),), PlanAction.NEW),
        ((done(JobState.SUCCEEDED),), PlanAction.NEW),
    ],
)
def test_only_a_child_counts_on_what_is_stored_or_paid_for(jobs: tuple[Job, ...], action: PlanAction) -> None:
    """`--only longer` buys no parent: without its clip the child is held, and counts for nothing in the price."""
    found = make_plan(manifest(KITE, LONGER, only=("longer",)), {job.id: job for job in jobs}, PROVIDERS)
    (child,) = found.jobs
    assert child.action is action
    assert len(found.to_buy) == (action is PlanAction.NEW)
    assert found.to_plan == (child,)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED])
def test_what_is_at_rest_stays_so_without_its_parent(state: JobState) -> None:
    """A child that is to be bought again is not opened for nothing while its parent has no clip."""
    child = replace(job_in(state, "longer"), spec=LONGER)
    found = plan(KITE, LONGER, jobs=(done(JobState.UNCERTAIN), child), rebuy=lambda one, _: one.id == "longer")
    kept = found.jobs[1]
    assert kept.action is (PlanAction.STORED if state is JobState.SUCCEEDED else PlanAction.FAILED)
    assert kept.reason.endswith("to be bought again; waits for kite, which is uncertain")
    assert found.to_plan == ()


@pytest.mark.parametrize(
    ("child", "told"),
    [
        (LONGER.with_request(model="veo3-fast", prompt="p"), "action: veo3-fast: cannot extend"),
        (LONGER.with_request(action="", prompt="p"), "parent: kling-v1-6: Kling's text2video does not support it"),
        (LONGER.with_request(model="sora-2", action="remix", prompt="p"), "its video_id is required"),
        (LONGER.with_request(options={"video_id": "8"}), "options: kling-v1-6: video_id is not allowed together"),
    ],
)
def test_what_no_wire_can_do_with_this_parent_is_refused(child: JobSpec, told: str) -> None:
    """With the place and the manifest's own word; ids of another wire format are no ids here."""
    with pytest.raises(ManifestError, match=r"^kites\.yaml:11: longer: ") as refused:
        plan(KITE, child)
    assert told in str(refused.value)


def test_a_parent_counts_by_the_wire_that_it_was_bought_on() -> None:
    """A stored clip keeps the wire format of its purchase, whatever the catalogue says of its model by now."""
    with pytest.raises(ManifestError, match="its task_id is required"):
        plan(KITE, LONGER, jobs=(replace(done(JobState.SUCCEEDED), dialect="gateway"),))


def test_a_parents_own_mistake_is_told_once() -> None:
    """A child of a parent that no one can buy is not blamed for its parent's model."""
    with pytest.raises(ManifestError) as refused:
        plan(KITE.with_request(model="kling-99"), LONGER)
    (problem,) = refused.value.problems
    assert problem.startswith("kites.yaml:10: kite: unknown model 'kling-99'")
