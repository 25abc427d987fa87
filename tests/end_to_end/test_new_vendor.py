"""A vendor that exists nowhere, added with at most 30 lines of TOML: from its page to a stored clip."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import MakeClip
from tests.end_to_end.conftest import KEY, PICTURES, Bench
from tests.end_to_end.odd_vendor import Fernwerk, served

FILE = PICTURES / "harbour.jpg"
DEFINITION = """
[providers.fernwerk]
dialect = "fernwerk"
base_url = "{base_url}"
api_key_env = "TEST_KEY"
poll_every_s = 0.05

[dialects.fernwerk]
submit = "POST /studio/v4/renders"
ok = {{ at = "/verdict", is = 0 }}
id = "/ticket/no"
poll = "POST /studio/v4/lookup"
poll_body = {{ no = "{{id:int}}" }}
status = "/ticket/stage"
words = {{ queued = 1, running = 2, succeeded = 3, failed = 8, moderated = 9, unseen = "40" }}
follow_up = "GET /studio/v4/shelf?no={{id}}"
clips = "/parcel/reels/*/href"
progress = "/ticket/done"
progress_max = 1
error_code = "/verdict"
error_message = ["/remark", "/ticket/remark"]
refusals = {{ invalid = "11", auth = "12", balance = "13", concurrency = "14" }}
values.aspect_ratio = {{ "16:9" = "wide", "9:16" = "tall", "1:1" = "square" }}

[dialects.fernwerk.body]
engine = "{{model}}"
script = {{ text = "{{prompt}}", avoid = "{{negative_prompt}}" }}
runtime = "{{duration_s}}s"
frame = "{{aspect_ratio}}"
stills = [{{ slot = "opening", bytes = "{{image:base64}}", mime = "{{image:type}}" }}]
"""
MANIFEST = f"""
budget: {{clips: 10, allow_unpriced: true}}
defaults: {{provider: fernwerk, model: loom-2, duration_s: 4, aspect_ratio: "16:9"}}
clips:
  - {{id: kite, prompt: a paper kite, negative_prompt: rain}}
  - {{id: harbour, prompt: the tide comes in, image: {FILE}}}
"""


@pytest.fixture
def studio(bench: Bench, clips: MakeClip) -> Iterator[Fernwerk]:
    with served(clips(seconds=4).read_bytes(), KEY) as fernwerk:
        write(bench, DEFINITION.format(base_url=fernwerk.base_url))
        bench.manifest.write_text(MANIFEST, "utf-8")
        yield fernwerk


def write(bench: Bench, text: str) -> Path:
    file = bench.folder / "batchvid.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_vendor_that_exists_nowhere(bench: Bench, studio: Fernwerk) -> None:
    """Thirty lines of TOML are enough for `dialect check`, `doctor`, `plan`, `run`, and its clips are stored."""
    lines = [line for line in DEFINITION.splitlines() if line.strip()]
    assert len(lines) <= 30

    checked = bench.run_cli(["dialect", "check", "batchvid.toml"])
    assert checked.code == 0, checked.err
    assert "fernwerk" in checked.out

    doctor = bench.cli("doctor", str(bench.manifest))
    assert "fernwerk fernwerk" in doctor.out
    assert doctor.code == 0, doctor.out
    assert "fernwerk key test: accepted; a wrong key gets HTTP 200 with 12" in doctor.out, doctor.out
    assert studio.renders == []

    plan = bench.cli("plan", str(bench.manifest))
    assert plan.code == 0, plan.err
    assert "2 clips" in plan.out

    ended = bench.run()
    assert ended.code == 0, ended.out + ended.err
    assert [row["state"] for row in bench.rows()] == ["succeeded", "succeeded"]
    assert sorted(path.name for path in bench.batch.rglob("*.mp4")) == ["harbour.mp4", "kite.mp4"]
    first, second = sorted(studio.renders, key=lambda body: "stills" in body)
    assert first == {
        "engine": "loom-2",
        "script": {"text": "a paper kite", "avoid": "rain"},
        "runtime": "4s",
        "frame": "wide",
    }
    assert second["stills"][0]["slot"] == "opening"
    assert second["stills"][0]["mime"] == "image/jpeg"


def test_its_refusals_and_its_ends(bench: Bench, studio: Fernwerk) -> None:
    """A named verdict is a refusal that is tried again; a torn reel and a withheld one are failures of their kind."""
    studio.refusals = [14]
    studio.torn = {"kite": 9, "tide": 8}
    ended = bench.run()
    assert ended.code == 1, ended.out + ended.err
    kinds = {row["id"]: row["failure_kind"] for row in bench.rows()}
    assert kinds["kite"] == "moderation_output"
    assert "the reel tore" in json.dumps(bench.rows())


def test_what_the_definition_does_not_name_is_uncertain(bench: Bench, studio: Fernwerk) -> None:
    """A verdict that the page does not explain proves nothing: the clip is not bought again."""
    studio.refusals = [77]
    bench.manifest.write_text(MANIFEST.partition("  - {id: harbour")[0], "utf-8")
    assert bench.run().code != 0
    assert [row["state"] for row in bench.rows()] == ["uncertain"]
    assert bench.run().code != 0
    assert studio.renders == []


def test_a_batch_by_its_name_finds_the_definition(bench: Bench, studio: Fernwerk) -> None:
    """`run --collect-only` and `cancel` know the wire format of the last run when the file with it is gone."""
    studio.torn = {"kite": 2, "tide": 2}  # never ends
    process = bench.start("run", str(bench.manifest))
    try:
        while len(studio.polls) < 2:
            assert process.poll() is None, process.communicate()
    finally:
        process.kill()
        process.communicate()
    (bench.folder / "batchvid.toml").unlink()
    bench.manifest.unlink()
    studio.torn = {}
    collected = bench.cli("run", str(bench.batch), "--collect-only")
    assert collected.code == 0, collected.out + collected.err
    assert len(studio.renders) == 2
    assert [row["state"] for row in bench.rows()] == ["succeeded", "succeeded"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('id = "/ticket/no"', 'idd = "/ticket/no"', "batchvid.toml:11: idd: unknown key; did you mean id?"),
        ('"{prompt}"', '"{promt}"', "unknown variable {promt}; did you mean prompt?"),
        ("failed = 8", "failed = 3", "'3' has two meanings"),
        ('invalid = "11"', "invalid = 500", "500 is no evidence that nothing was made"),
        ('no = "{id:int}"', "no = 1", "poll: must hold {id}, the task's id"),
    ],
)
def test_a_definition_is_checked_with_file_and_line(
    bench: Bench, studio: Fernwerk, old: str, new: str, problem: str
) -> None:
    """Every command that reads the file names the line and what is allowed; nothing is bought."""
    text = DEFINITION.format(base_url=studio.base_url)
    assert old in text
    changed = text.replace(old, new)
    write(bench, changed)
    assert tomllib.loads(changed)
    for ended in (bench.run(), bench.run_cli(["dialect", "check", "batchvid.toml"])):
        assert ended.code == 2
        assert problem in ended.err, ended.err
    assert studio.renders == []
