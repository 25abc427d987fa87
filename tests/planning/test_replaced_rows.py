"""What a changed row becomes: the words of the plan, and nothing else."""

from __future__ import annotations

from batchvid.catalog import providers
from batchvid.domain.jobs import Job, JobState
from batchvid.planning.plan import make_plan
from batchvid.planning.replaced_rows import describe_replaced
from tests.builders import job_in, spec
from tests.planning.test_plan import manifest


def mug(colour: str, state: JobState = JobState.SUCCEEDED, **more: str) -> Job:
    """A job of a row, sent before."""
    variables = {"colour": colour, "size": "L", **more}
    return job_in(state, f"mug-{colour}", prompt=f"a {colour} mug", fingerprint=f"f1:{colour}", variables=variables)


def test_a_corrected_cell_is_shown_as_what_it_replaces() -> None:
    """The id follows the cell, so the row is a new job: the plan says of which, and that its clip stays."""
    red, blue = mug("red"), mug("blue").spec
    words = describe_replaced([blue], [red])
    assert words == {"mug-blue": 'replaces mug-red: prompt: "a red mug" -> "a blue mug"; its clip stays'}
    planned = make_plan(manifest(blue), {red.id: red}, providers({}))
    (new,) = planned.to_buy
    assert new.reason == f"not planned before; {words['mug-blue']}"
    assert make_plan(manifest(blue), {}, providers({})).to_buy[0].reason == "not planned before"


def test_a_job_without_a_clip_is_named_with_its_state() -> None:
    """There is no clip that could stay."""
    words = describe_replaced([mug("blue").spec], [mug("red", JobState.FAILED)])
    assert words["mug-blue"].endswith("; it is failed")


def test_where_several_fit_nothing_is_claimed() -> None:
    """Two rows went and two came: which follows which is not known."""
    assert describe_replaced([mug("blue").spec, mug("grey").spec], [mug("red"), mug("pink")]) == {}


def test_two_changed_values_make_another_row() -> None:
    """Few values differ where a cell is corrected; a row with two other values is another one."""
    assert describe_replaced([mug("blue", size="S").spec], [mug("red")]) == {}
    assert describe_replaced([spec("boat")], [job_in(JobState.SUCCEEDED)]) == {}
