"""What a person does with a batch at a vendor of a definition: cancels, relocates, resolves, tests the definition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.builders import MakeClip
from tests.end_to_end.conftest import KEY, Bench
from tests.end_to_end.interrupted import leave_running
from tests.end_to_end.odd_vendor import Fernwerk, served
from tests.end_to_end.test_new_vendor import DEFINITION, MANIFEST, write

CANCEL = """cancel = "PUT /studio/v4/tear"
cancel_body = {{ no = "{{id:int}}" }}
cancel_until = "running"
"""
KITE = MANIFEST.partition("  - {id: harbour")[0]
TICKET = 7_700_001


@pytest.fixture
def studio(bench: Bench, clips: MakeClip) -> Iterator[Fernwerk]:
    with served(clips(seconds=4).read_bytes(), KEY) as fernwerk:
        text = DEFINITION.replace("[dialects.fernwerk.body]", f"{CANCEL}[dialects.fernwerk.body]")
        write(bench, text.format(base_url=fernwerk.base_url))
        bench.manifest.write_text(KITE, "utf-8")
        yield fernwerk


def forget_files(bench: Bench) -> None:
    """Nothing is left but the batch."""
    (bench.folder / "batchvid.toml").unlink()
    bench.manifest.unlink()


@pytest.mark.parametrize("refuses", [False, True])
def test_cancel(bench: Bench, studio: Fernwerk, refuses: bool) -> None:
    """The batch's name is enough. A refusal with HTTP 200 is no cancellation: the task may be billed."""
    leave_running(bench)
    forget_files(bench)
    studio.refuses_to_cancel = refuses
    ended = bench.cli("cancel", "batch")
    assert ended.code == 0, ended.err
    assert studio.cancelled == ([] if refuses else [TICKET])
    assert ("fernwerk did not cancel it" in ended.out) is refuses, ended.out
    assert len(studio.renders) == 1


def test_relocate(bench: Bench, studio: Fernwerk) -> None:
    """The new address must know the task; then its clip is collected there, and nothing is bought."""
    leave_running(bench)
    forget_files(bench)
    with served(studio.clip, KEY) as moved:
        where = ("relocate", "batch", "--from", studio.base_url, "--to", moved.base_url)
        refused = bench.cli(*where)
        assert refused.code != 0
        moved.renders = studio.renders
        ended = bench.cli(*where)
        assert ended.code == 0, ended.err
        assert f"{moved.base_url} knows task {TICKET}" in ended.out
        collected = bench.cli("run", "batch", "--collect-only")
        assert collected.code == 0, collected.out + collected.err
        assert moved.polls[TICKET] > 1
    assert [row["state"] for row in bench.rows()] == ["succeeded"]
    assert len(studio.renders) == 1


def test_resolve(bench: Bench, studio: Fernwerk) -> None:
    """A ticket from the vendor's console is bound to the uncertain job, and its clip is stored."""
    studio.refusals = [77]
    assert bench.run().code == 5
    forget_files(bench)
    studio.renders.append({"script": {"text": "a paper kite"}})
    ended = bench.cli("resolve", "kite", "--task-id", str(TICKET), "--batch", "batch")
    assert ended.code == 0, ended.err
    assert bench.cli("run", "batch", "--collect-only").code == 0
    assert [(row["state"], row["task_id"]) for row in bench.rows()] == [("succeeded", str(TICKET))]
    assert len(studio.renders) == 1


def test_dialect_test(bench: Bench, studio: Fernwerk) -> None:
    """Recordings that agree pass; one that does not is named with its file and what differs; nothing is sent."""
    folder = bench.folder / "recordings"
    folder.mkdir()
    order = {"model": "loom-2", "prompt": "a kite", "duration_s": 4}
    request = {
        "method": "POST",
        "path": "/studio/v4/renders",
        "json": {"engine": "loom-2", "script": {"text": "a kite"}, "runtime": "4s"},
    }
    bought = {"status": 200, "json": {"verdict": 0, "ticket": {"no": TICKET}}}
    recordings: dict[str, Any] = {
        "submit": {"step": "submit", "order": order, "request": request, "response": bought,
                   "means": {"accepted": {"task_id": str(TICKET)}}},
        "coins": {"step": "submit", "note": "no coins", "response": {"status": 200, "json": {"verdict": 13}},
                  "means": {"rejected": {"kind": "balance"}}},
        "poll": {"step": "poll", "task_id": str(TICKET),
                 "request": {"method": "POST", "path": "/studio/v4/lookup", "json": {"no": TICKET}}, "order": order,
                 "response": {"status": 200, "json": {"verdict": 0, "ticket": {"no": TICKET, "stage": 2, "done": 0.5}}},
                 "means": {"status": {"phase": "running", "progress": 0.5}}},
    }  # fmt: skip
    for name, recording in recordings.items():
        (folder / f"{name}.json").write_text(json.dumps(recording), "utf-8")
    command = ("dialect", "test", "batchvid.toml", "--exchanges", "recordings")
    agreed = bench.run_cli(command)
    assert (agreed.code, agreed.out.strip()) == (0, "3 exchanges, all as recorded"), agreed.out
    recordings["coins"]["means"] = {"rejected": {"kind": "rate"}}
    recordings["submit"]["request"]["json"]["runtime"] = 4
    for name, recording in recordings.items():
        (folder / f"{name}.json").write_text(json.dumps(recording), "utf-8")
    differing = bench.run_cli(command)
    assert differing.code == 1
    assert "3 exchanges, 2 with differences" in differing.out
    for words in ("coins.json: ", "balance", "submit.json: ", "runtime"):
        assert words in differing.out, differing.out
    assert studio.renders == []


def test_two_files_of_one_name(bench: Bench, studio: Fernwerk) -> None:
    """Two providers whose files define one name differently are refused at the second's line; equal ones are not."""
    text = (bench.folder / "batchvid.toml").read_text("utf-8").partition("[dialects.fernwerk]")[2]
    text = text.replace("[dialects.fernwerk.body]", "[body]")
    other = bench.folder / "other"
    other.mkdir()
    (bench.folder / "atelier.toml").write_text(text, "utf-8")
    (other / "atelier.toml").write_text(text, "utf-8")
    rows = [f'  {name}: {{dialect: {file}, base_url: "{studio.base_url}"}}'
            for name, file in (("one", "atelier.toml"), ("two", "other/atelier.toml"))]  # fmt: skip
    manifest = KITE.replace("provider: fernwerk", "provider: two")
    bench.manifest.write_text("\n".join(["providers:", *rows, manifest]), "utf-8")
    assert bench.cli("plan", str(bench.manifest)).code == 0
    (other / "atelier.toml").write_text(text.replace("running = 2", "running = 22"), "utf-8")
    refused = bench.cli("plan", str(bench.manifest))
    assert refused.code == 2
    assert "batch.yaml:3: providers.two: " in refused.err
    assert "defines the wire format atelier differently: rename one of the two" in refused.err


def test_a_mistyped_recording_and_a_file_nested_too_deep(bench: Bench, studio: Fernwerk) -> None:
    """Both are named with their place, as any other mistake of a file."""
    folder = bench.folder / "recordings"
    folder.mkdir()
    (folder / "a.json").write_text('{"stepp": "submit"}', "utf-8")
    ended = bench.run_cli(("dialect", "test", "batchvid.toml", "--exchanges", "recordings"))
    assert (ended.code, "a.json: stepp: unknown key; did you mean step?" in ended.err) == (2, True), ended.err
    (bench.folder / "deep.toml").write_text("id = 1\nbody = " + "{a=" * 3000 + "1" + "}" * 3000, "utf-8")
    ended = bench.run_cli(("dialect", "check", "deep.toml"))
    assert (ended.code, "deep.toml:2: is nested too deep" in ended.err) == (2, True), ended.err
