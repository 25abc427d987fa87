"""One sitting with a batch: every mistake told at once and nothing left behind; which tasks may still finish."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchvid import commands
from batchvid.dialects import DIALECTS
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.errors import ManifestError
from tests.builders import at, job_in

MISTAKES = """\
batch: ten
budget: {usd: -1}
providers:
  cometapi: {concurency: 8}
  office: {dialect: smtp, base_url: "https://gw.example", api_key_env: GW_KEY}
  second: {concurrency: 2}
defaults: {model: veo3-fast, duration_s: 8}
clips:
  - {id: a, prompt: a kite, model: veo9-fast}
  - {id: b, prompt: a kite, provider: office}
  - {id: c, prompt: a kite, aspect_ratio: "1:1"}
  - {id: d, promt: a kite}
  - {id: e, image: gone.png}
  - {id: f, prompt: "{{ field }}"}
  - {id: g, prompt: a kite, takes: 0}
  - {id: h, prompt: a skyline, model: gen3a_turbo}
  - {id: h, prompt: another}
  - {id: i, prompt: a kite, provider: nobody}
"""

TOLD = """\
m.yaml:2: budget: usd: must be more than 0
m.yaml:4: providers.cometapi: concurency: unknown key; did you mean concurrency?
m.yaml:5: providers.office: unknown dialect 'smtp'; there are veo,
m.yaml:6: providers.second: second is not built in, and a provider of your own needs dialect,
m.yaml:9: a: unknown model 'veo9-fast'; did you mean veo3-fast
m.yaml:11: c: aspect_ratio: veo3-fast: cannot do 1:1; it can do 16:9, 9:16
m.yaml:12: d: promt: unknown key; did you mean prompt?
m.yaml:13: e: image: there is no file gone.png
m.yaml:14: f: prompt: nothing is called field
m.yaml:15: g: takes: must be at least 1
m.yaml:16: h: image: gen3a_turbo: makes clips from an image only; give one
m.yaml:17: h: makes the id h again
m.yaml:18: i: unknown provider 'nobody'; there are cometapi, """


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(text: str) -> list[str]:
    """What is told of a manifest."""
    Path("m.yaml").write_text(text, "utf-8")
    with pytest.raises(ManifestError) as raised:
        commands.load("m.yaml")
    return list(raised.value.problems)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    """Of file, market and models together: each once, with its line, in the order of the file; nothing is written."""
    found, told = problems(MISTAKES), TOLD.splitlines()
    assert [problem[: len(start)] for problem, start in zip(found, told, strict=True)] == told
    assert [path.name for path in folder.iterdir()] == ["m.yaml"]


def test_what_the_market_finds_alone_is_told_too(folder: Path) -> None:
    """A manifest whose only mistakes are the market's: the provider's at loading, with its line."""
    assert problems("providers:\n  office: {dialect: smtp}\nclips: [{id: a, model: veo3-fast, prompt: p}]") == [
        f"m.yaml:2: providers.office: unknown dialect 'smtp'; there are {', '.join(DIALECTS)}; a wire format of your "
        "own is written as [dialects.smtp] in batchvid.toml"
    ]
    assert [path.name for path in folder.iterdir()] == ["m.yaml"]


@pytest.mark.parametrize("clip", ["model: veo9-fast", 'model: veo3-fast, aspect_ratio: "1:1"'])
def test_a_first_run_that_cannot_be_leaves_nothing_behind(folder: Path, clip: str) -> None:
    """What only the plan finds out is found before a folder, a state file or a request is made."""
    Path("m.yaml").write_text(f"clips: [{{id: a, prompt: p, {clip}}}]", "utf-8")
    batch = commands.load("m.yaml")
    with pytest.raises(ManifestError, match=r"m\.yaml:1: a: "):
        commands.run(batch)
    assert [path.name for path in folder.iterdir()] == ["m.yaml"]


def given_up(state: JobState, kind: FailureKind) -> Job:
    """A job that we ended there, without a word of the vendor's."""
    return advance(job_in(state), ev.GaveUp(at=at(500), kind=kind, message=""))


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (JobState.RUNNING, FailureKind.TIMEOUT),
        (JobState.RUNNING, FailureKind.UNAVAILABLE),
        (JobState.RUNNING, FailureKind.CANCELLED),
        (JobState.READY, FailureKind.EXPIRED),
        (JobState.READY, FailureKind.BAD_MEDIA),
    ],
)
def test_a_task_that_we_gave_up_on_may_still_give_its_clip(state: JobState, kind: FailureKind) -> None:
    """It is bought and the vendor did not say no: asking again costs nothing, and the state allows it."""
    job = given_up(state, kind)
    assert commands.may_still_finish(job)
    assert advance(job, ev.PollResumed(at=at(600))).state is JobState.RUNNING


@pytest.mark.parametrize(
    "job",
    [
        given_up(JobState.RUNNING, FailureKind.LOST_TASK),
        given_up(JobState.PENDING, FailureKind.INVALID),
        given_up(JobState.SUBMITTING, FailureKind.TIMEOUT),
        job_in(JobState.FAILED),
        job_in(JobState.PENDING),
        job_in(JobState.UNCERTAIN),
    ],
    ids=["unknown to the vendor", "never sent", "no task", "refused", "waiting", "uncertain"],
)
def test_nothing_more_is_to_be_heard_of_others(job: Job) -> None:
    """No task, a task that the vendor does not know, or one that failed at the vendor's: only a new purchase helps."""
    assert not commands.may_still_finish(job)
