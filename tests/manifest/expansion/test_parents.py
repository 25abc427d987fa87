"""Jobs that work on other jobs' clips: found by name, tied by fingerprint, refused where they cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.job_spec import JobSpec
from batchvid.errors import ManifestError
from batchvid.manifest import load
from tests.manifest.conftest import Mistakes, Specs, Write

KITE = "{id: kite, model: kling-v1-6, prompt: a kite}"
LONGER = "{id: longer, model: kling-v1-6, action: extend, parent: kite}"


def entries(*lines: str, top: str = "") -> str:
    return "\n".join([top, "clips:", *(f"  - {line}" for line in lines)])


def test_a_parent_is_found_wherever_it_stands(specs: Specs) -> None:
    """By its id, above or below; a child of a child as well; it needs no prompt of its own."""
    found = specs(entries(LONGER, KITE, "{id: longest, model: m, action: extend, parent: longer}"))
    assert {one.id: one.parent for one in found.values()} == {"longer": "kite", "kite": "", "longest": "longer"}
    assert found["longer"].parent_fingerprint == found["kite"].fingerprint
    assert found["longest"].parent_fingerprint == found["longer"].fingerprint


def test_a_template_names_one_parent_a_job(specs: Specs) -> None:
    """Each cell of a matrix may work on the clip of its own cell."""
    axis = "matrix: {field: [red poppies, wheat]}"
    found = specs(
        entries(
            f"{{id: kite, model: m, prompt: '{{{{ field }}}}', {axis}}}",
            f"{{id: longer, model: m, action: extend, parent: 'kite_{{{{ field }}}}', {axis}}}",
        )
    )
    assert found["longer_red-poppies"].parent == "kite_red-poppies"
    assert found["longer_wheat"].parent == "kite_wheat"


def test_a_row_names_its_parent_as_the_other_entry_names_itself(specs: Specs, write: Write) -> None:
    """What `id` makes of a cell is found by the same cell, though the id is a safe name of it."""
    write("products.csv", "name\nCrème brûlée\nTea / cold\n")
    rows = "model: m, rows: products.csv"
    found = specs(
        entries(
            f"{{id: '{{{{ name }}}}', prompt: p, {rows}}}",
            f"{{id: 'longer {{{{ name }}}}', action: extend, parent: '{{{{ name }}}}', {rows}}}",
        )
    )
    assert [one.parent for one in found.values() if one.request.action] == ["Creme-brulee", "Tea-cold"]


def test_an_entry_with_one_job_is_enough(specs: Specs) -> None:
    """A bare entry id stands for its one job, whatever a matrix has added to that."""
    found = specs(entries("{id: kite, model: m, prompt: p, matrix: {field: [wheat]}}", LONGER))
    assert found["longer"].parent == "kite_wheat"


def test_a_matrix_may_run_over_parents(specs: Specs) -> None:
    """`parent` is a field like others: an axis of that name sets it."""
    works = "{id: longer, model: m, action: extend, matrix: {parent: [kite, boat]}}"
    found = specs(entries(KITE, "{id: boat, model: m, prompt: p}", works))
    assert {one.parent for one in found.values() if one.request.action} == {"kite", "boat"}


def test_a_changed_parent_changes_its_children_and_their_children(specs: Specs) -> None:
    """Whatever is paid for in a parent moves the fingerprints below it, and no others; its id alone moves none."""

    def prints(kite: str, name: str = "kite") -> dict[str, str]:
        below = [LONGER.replace("parent: kite", f"parent: {name}"), "{id: longest, model: m, parent: longer}"]
        found = specs(entries(kite, "{id: boat, model: m, prompt: p}", *below))
        return {one.id: one.fingerprint for one in found.values()}

    before, after = prints(KITE), prints(KITE.replace("a kite", "a red kite"))
    assert {name for name in before if before[name] != after[name]} == {"kite", "longer", "longest"}
    renamed = prints(KITE.replace("id: kite", "id: dragon"), "dragon")
    assert (before["longer"], before["longest"]) == (renamed["longer"], renamed["longest"])


def test_a_clip_without_a_parent_keeps_its_fingerprint(specs: Specs) -> None:
    """The fingerprint of everything that was planned before there were parents is what it was."""
    (kite,) = specs(entries(KITE)).values()
    assert kite.fingerprint == "f1:980bf6c7572a5e1443327150ee2954f2"


def test_only_may_pick_a_child_alone(specs: Specs) -> None:
    """The child still knows whose clip it works on, and of which fingerprint that is."""
    whole = specs(entries(KITE, LONGER))
    (longer,) = specs(entries(KITE, LONGER), only=["longer"]).values()
    assert longer == whole["longer"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([KITE, LONGER.replace("parent: kite", "parent: kitte")], "there is no job kitte; did you mean kite?"),
        ([KITE, LONGER.replace("parent: kite", "parent: zzz")], "there is no job zzz; batchvid plan --all shows"),
        (
            [KITE.replace("}", ", takes: 5}"), LONGER],
            "kite makes 5 clips; name one of them: kite_t1, kite_t2, kite_t3, ...",
        ),
        ([KITE.replace("}", ", provider: office}"), LONGER], "kite is made at office and this clip at cometapi"),
        ([LONGER.replace("parent: kite", "parent: longer")], "longer would be made from its own clip"),
        ([LONGER.replace("}", ', video: "https://a.example/a.mp4"}'), KITE], "and so does video; keep one of them"),
        ([KITE, LONGER.replace("parent: kite", 'parent: "{{ nothing }}"')], "is empty once it is filled in"),
        ([KITE, LONGER.replace("parent: kite", "parent: [kite]")], "must be a text"),
    ],
)
def test_what_is_no_parent_is_told_with_its_line(mistakes: Mistakes, lines: list[str], told: str) -> None:
    """One problem, at the line that says the parent, with what to do."""
    (problem,) = mistakes(entries(*lines, top='vars: {nothing: ""}'), provider_of=lambda _model: "cometapi")
    line = 3 + next(number for number, text in enumerate(lines) if "parent" in text)
    assert problem.startswith(f"m.yaml:{line}: longer: parent: ")
    assert told in problem


def test_a_fallback_where_the_parents_task_is_unknown(mistakes: Mistakes) -> None:
    """It could never be bought: the clip to work on is known to the provider that made it, and to no other."""
    stranger = LONGER.replace("}", ", fallback: [kling-v2-6, {model: kling-v1-6, provider: office}]}")
    (problem,) = mistakes(entries(KITE, stranger), provider_of=lambda _model: "cometapi")
    told = "fallback: office does not know the task of kite; name models of cometapi only"
    assert problem == f"m.yaml:4: longer: {told}"


def test_a_ring_is_told_once_with_all_its_jobs(mistakes: Mistakes) -> None:
    """Whoever hangs on a ring is not blamed for it."""
    ring = [f"{{id: {me}, model: m, action: extend, parent: {other}}}" for me, other in ("ab", "bc", "cb")]
    (problem,) = mistakes(entries(*ring))
    assert problem == "m.yaml:4: b: parent: b would be made from its own clip, by way of b and c"


def test_the_row_of_a_wrong_parent_is_named(mistakes: Mistakes, write: Write) -> None:
    """A long table says which line of it is wrong."""
    write("works.csv", "of\nkite\nkitte\n")
    works = "{id: 'longer-{{ of }}', model: m, action: extend, parent: '{{ of }}', rows: works.csv}"
    (problem,) = mistakes(entries(KITE, works))
    assert "there is no job kitte" in problem
    assert "(works.csv:row 2 (line 3))" in problem


def test_no_parent_is_missed_because_of_its_own_mistake(mistakes: Mistakes) -> None:
    """A parent that could not be made is told itself; its children are not told that it is not there."""
    (problem,) = mistakes(entries("{id: kite, model: m, prompt: p, duration_s: -1}", LONGER))
    assert "duration_s" in problem


def tree(parents: Mapping[int, int], order: list[int]) -> str:
    said = {
        one: f"{{id: j{one}, model: m, action: extend, parent: j{parents[one]}}}"
        if one in parents
        else f"{{id: j{one}, model: m, prompt: p{one}}}"
        for one in order
    }
    return entries(*(said[one] for one in order))


@given(data=st.data(), size=st.integers(1, 8))
def test_any_forest_is_tied_and_any_ring_is_refused(
    data: st.DataObject, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Jobs in any order, each with at most one parent: tied all the way up, or refused exactly if there is a ring."""
    parents = data.draw(st.dictionaries(st.integers(0, size - 1), st.integers(0, size - 1)))
    order = data.draw(st.permutations(range(size)))
    path: Path = tmp_path_factory.getbasetemp() / "forest.yaml"
    path.write_text(tree(parents, list(order)), "utf-8")
    if any(_is_in_a_ring(parents, one) for one in parents):
        with pytest.raises(ManifestError, match="its own clip"):
            load(path)
        return
    found: dict[str, JobSpec] = {job.spec.id: job.spec for job in load(path).jobs}
    assert list(found) == [f"j{one}" for one in order]
    for one in order:
        spec = found[f"j{one}"]
        assert spec.parent == (f"j{parents[one]}" if one in parents else "")
        assert spec.parent_fingerprint == (found[spec.parent].fingerprint if spec.parent else "")


def _is_in_a_ring(parents: Mapping[int, int], start: int) -> bool:
    at = start
    for _ in parents:
        at = parents.get(at, -1)
        if at == start:
            return True
    return False
