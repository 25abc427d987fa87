"""Edits of refused prompts: a sheet that nobody touched changes nothing, whatever stands in it; a touched one does."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from batchvid import manifest
from batchvid.commands import prompt_edits
from batchvid.commands.cell_rewrites import is_rewritten, lost_letters
from batchvid.commands.edit_reading import read_edits
from batchvid.commands.edit_sheet import write_refused
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.errors import ManifestError
from batchvid.manifest.expansion.text_checks import find_error
from batchvid.paths import BatchPaths
from batchvid.report.csv_table import FORMULA_STARTS
from tests.builders import at, job_in
from tests.sample_pictures import encoded, noise

often = settings(deadline=None, max_examples=80, database=None)
PROMPTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(lambda text: text.strip())
ODD = PROMPTS | st.sampled_from(
    ["=1+1", "'=1+1", "'quoted'", "-", "@home", 'say "no"', "a;b,c\td", "line\nline\r\nline"]
)


def own(folder: Path) -> manifest.Manifest:
    """A manifest with one clip, called kite."""
    (folder / "m.yaml").write_text("clips: [{id: kite, prompt: a paper kite, model: veo3-fast}]", "utf-8")
    return manifest.load(folder / "m.yaml")


def refused(prompt: str) -> Job:
    """The kite, refused for these words."""
    job = job_in(JobState.RUNNING, prompt=prompt)
    return advance(job, ev.TaskFailed(at=at(9), kind=FailureKind.MODERATION_INPUT, message="no"))


@often
@given(prompt=ODD)
def test_an_untouched_sheet_changes_nothing(prompt: str) -> None:
    """What was written is read as it was, however it looks to a spreadsheet."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_refused(folder, [refused(prompt)])
        with pytest.raises(ManifestError, match="nothing differs"):
            read_edits(BatchPaths(folder).edit_these, {"kite": refused(prompt)}, own(folder), {})


def has_no_guard(text: str) -> bool:
    """A quote before a formula is ours: nobody can type one and mean it. A CR is written as a line feed."""
    return not (text.startswith("'") and text[1:].replace("\r", "\n").startswith(FORMULA_STARTS))


@often
@given(before=ODD.filter(has_no_guard), after=ODD.filter(has_no_guard))
def test_what_was_typed_survives_until_it_is_brought_back(before: str, after: str) -> None:
    """A sheet with other words, written over by a run in between, still brings them back; no formula is a prompt."""
    assume(not find_error(after.strip()))
    assume(not is_rewritten(" ".join(before.split()), " ".join(after.split())) or before.split() == after.split())
    assume(not lost_letters(before, after))
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_refused(folder, [refused(after)])
        sheet = BatchPaths(folder).edit_these
        write_refused(folder, [refused(before)])
        if before.split() == after.split():
            return
        found = read_edits(sheet, {"kite": refused(before)}, own(folder), {}).edits
        assert (found["kite"].prompt or "").split() == after.split()


def test_edits_of_edits_add_up(tmp_path: Path) -> None:
    """A second edit lies over the first; one that was made for other words of the manifest takes its place."""
    prompt_edits.save(tmp_path, {"kite": prompt_edits.Edit(of="f1:a", prompt="one", negative_prompt="rain")})
    prompt_edits.save(
        tmp_path, {"kite": prompt_edits.Edit(of="f1:a", prompt="two"), "boat": prompt_edits.Edit(of="f1:b", image="")}
    )
    assert prompt_edits.load_saved(tmp_path) == {
        "kite": prompt_edits.Edit(of="f1:a", prompt="two", negative_prompt="rain"),
        "boat": prompt_edits.Edit(of="f1:b", image=""),
    }
    prompt_edits.save(tmp_path, {"kite": prompt_edits.Edit(of="f1:c", prompt="three")})
    assert prompt_edits.load_saved(tmp_path)["kite"] == prompt_edits.Edit(of="f1:c", prompt="three")


def test_an_edit_moves_the_fingerprint_and_nothing_else(tmp_path: Path) -> None:
    """The same edit makes the same fingerprint, another one another; id and file stay."""
    base = own(tmp_path)
    (before,) = base.jobs

    def after(prompt: str) -> manifest.PlacedJob:
        edit = prompt_edits.Edit(of=before.spec.fingerprint, prompt=prompt)
        return prompt_edits.apply_edits(base, {"kite": edit, "nobody": edit}).jobs[0]

    assert after("a blue kite") == after("a blue kite")
    prints = {before.spec.fingerprint, after("a blue kite").spec.fingerprint, after("a red kite").spec.fingerprint}
    assert len(prints) == 3
    assert (after("a blue kite").spec.id, after("a blue kite").spec.key) == (before.spec.id, before.spec.key)
    assert after("a blue kite").place == before.place


def test_an_edited_image_that_is_gone_is_told(tmp_path: Path) -> None:
    """With the place in the manifest, as for every other image."""
    base = own(tmp_path)
    edit = prompt_edits.Edit(of=base.jobs[0].spec.fingerprint, image="gone.jpg")
    with pytest.raises(ManifestError, match=r"m\.yaml:1: kite: kite: edited image: there is no file gone\.jpg"):
        prompt_edits.apply_edits(base, {"kite": edit})


def test_no_refusal_no_sheet(tmp_path: Path) -> None:
    """It is taken away with the last of them; what is not refused stands in no row."""
    write_refused(tmp_path, [refused("rude"), job_in(JobState.SUCCEEDED, "boat")])
    assert (BatchPaths(tmp_path).edit_these).read_text("utf-8").count("\n") == 2
    write_refused(tmp_path, [job_in(JobState.SUCCEEDED)])
    assert not (BatchPaths(tmp_path).edit_these).exists()


def test_an_edited_image_lies_below_the_manifest(tmp_path: Path) -> None:
    """A sheet that came back from somebody names no file of this machine, unless images_from lists its folder."""
    (tmp_path / "job").mkdir()
    (tmp_path / "out.png").write_bytes(encoded(noise()))
    base = own(tmp_path / "job")
    edit = prompt_edits.Edit(of=base.jobs[0].spec.fingerprint, image="../out.png")
    with pytest.raises(
        ManifestError, match=r"edited image: \.\./out\.png is .*out\.png, outside the manifest's folder"
    ):
        prompt_edits.apply_edits(base, {"kite": edit})
    path = tmp_path / "job" / "m.yaml"
    path.write_text(f"images_from: ..\n{path.read_text('utf-8')}", "utf-8")
    (job,) = prompt_edits.apply_edits(manifest.load(path), {"kite": edit}).jobs
    assert job.spec.request.images[0].source == str(tmp_path / "out.png")
