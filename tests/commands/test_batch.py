"""One Batch: its manifest is expanded when the jobs are needed, once, and read from the file once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchvid import commands
from batchvid.commands import Batch
from batchvid.commands.batch import LazyManifest
from batchvid.commands.edit_sheet import write_refused
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState
from batchvid.errors import ManifestError
from batchvid.manifest import Manifest
from batchvid.state.state_file import StateFile, record_offline
from tests.builders import ACCEPTED, at, planned, started

CLIPS = """\
clips:
  - {id: kite, prompt: a rude kite, model: veo3-fast, tags: [air]}
  - {id: boat, prompt: a boat, model: veo3-fast}
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest of two clips in an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.yaml"
    path.write_text(CLIPS, "utf-8")
    return path


_opened: list[str] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and str(arguments[0]).endswith("m.yaml"):
        _opened.append(str(arguments[0]))


@pytest.fixture(scope="module")
def _audited() -> None:
    sys.addaudithook(_hook)  # cannot be removed again


@pytest.fixture
def opened(_audited: None) -> Iterator[list[str]]:
    """The times that the manifest's file was opened."""
    _opened.clear()
    yield _opened
    _opened.clear()


def counted(batch: Batch) -> tuple[Batch, list[None]]:
    """The batch, and one item for each expansion of its manifest."""
    expansions: list[None] = []
    source = commands.open_batch(batch.path)

    def expand() -> Manifest:
        expansions.append(None)
        return source.manifest

    return replace(
        batch, lazy_manifest=LazyManifest(expand, folder=batch.folder, selection=batch.selection)
    ), expansions


def refuse(batch: Batch, job_id: str) -> None:
    """As after a run in which a content filter refused that job."""
    (spec,) = [placed.spec for placed in batch.manifest.jobs if placed.spec.id == job_id]
    events = [
        planned(spec),
        started(),
        ACCEPTED,
        ev.TaskFailed(at=at(9), kind=FailureKind.MODERATION_INPUT, message=""),
    ]
    with StateFile(batch.state_path) as state:
        jobs = record_offline(state, {}, [(job_id, event) for event in events])
    write_refused(batch.folder, jobs.values())


def test_a_batch_is_known_before_its_jobs(manifest: Path) -> None:
    """Name, folder and settings need no expansion; the jobs are expanded once, however often they are used."""
    batch, expansions = counted(commands.open_batch(manifest))
    assert (batch.name, batch.folder, batch.settings.budget.usd) == ("m", manifest.parent / "outputs" / "m", None)
    assert expansions == []
    assert batch.manifest is batch.manifest
    assert commands.plan(batch).counts.total() == 2
    assert len(expansions) == 1


def test_an_open_batch_raises_only_for_its_jobs(manifest: Path) -> None:
    """A missing image is found with the jobs, a wrong budget before; `load` finds both."""
    manifest.write_text(CLIPS.replace("prompt: a boat", "prompt: a boat, image: gone.png"), "utf-8")
    batch = commands.open_batch(manifest)
    with pytest.raises(ManifestError, match=r"m\.yaml:3: boat: image: there is no file gone\.png"):
        _ = batch.manifest
    with pytest.raises(ManifestError, match=r"gone\.png"):
        commands.load(manifest)
    manifest.write_text("budget: {usd: -1}\n" + manifest.read_text("utf-8"), "utf-8")
    with pytest.raises(ManifestError) as raised:
        commands.open_batch(manifest)
    assert [problem.split(":")[1] for problem in raised.value.problems] == ["1", "4"]


def test_a_first_run_expands_once(manifest: Path) -> None:
    """It is checked before the folder is made, and the same plan is then run."""
    batch, expansions = counted(commands.open_batch(manifest))
    assert commands.run(batch, buy=False).exit_code == 0
    assert len(expansions) == 1


def test_a_run_does_not_keep_jobs_that_it_expanded_itself(manifest: Path) -> None:
    """A long run holds its jobs in the state they are in; those of the manifest would be held a second time."""
    batch, expansions = counted(commands.open_batch(manifest))
    assert batch.lazy_manifest.for_one_use() == batch.manifest
    assert len(expansions) == 2
    assert batch.lazy_manifest.for_one_use() is batch.manifest
    assert len(expansions) == 2


@pytest.mark.parametrize("only", [(), ("kite",), ("boat", "tag:air")])
def test_edits_read_the_manifest_once(manifest: Path, opened: list[str], only: tuple[str, ...]) -> None:
    """The file is read when the batch is loaded, and not again for the edits and the jobs that they change."""
    refuse(commands.load(manifest), "kite")
    opened.clear()
    batch = commands.load(manifest, only=only)
    sheet = batch.paths.edit_these
    sheet.write_text(sheet.read_text("utf-8").replace("a rude kite", "a polite kite"), "utf-8")
    batch = commands.edit(batch, sheet)
    prompts = {placed.spec.id: placed.spec.request.prompt for placed in batch.manifest.jobs}
    assert prompts["kite"] == "a polite kite"
    assert set(prompts) == ({"kite"} if only == ("kite",) else {"kite", "boat"})
    assert batch.manifest.all_ids == {"kite", "boat"}
    assert len(opened) == 1
    assert batch.lazy_manifest.unedited.jobs[0].spec.request.prompt == "a rude kite"


def test_a_pattern_that_fits_no_job(manifest: Path) -> None:
    """The ids or tags that there are stand beside it; a mistake in the manifest comes first."""
    with pytest.raises(ManifestError) as raised:
        commands.load(manifest, only=["kit", "tag:water"])
    assert list(raised.value.problems) == [
        "--only kit: picks nothing; the ids are: kite, boat",
        "--only tag:water: picks nothing; the tags are: air",
    ]


def test_a_refused_job_is_failed(manifest: Path) -> None:
    """The plan shows it; a run reads the same manifest."""
    batch = commands.load(manifest)
    refuse(batch, "kite")
    assert [job.action.value for job in commands.plan(batch).jobs] == [JobState.FAILED.value, "new"]
