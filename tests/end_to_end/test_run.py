"""Whole runs through the command line against the emulator: limits, failures, retries, budgets, faults on the way."""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, PICTURES, Bench


def _kites(count: int) -> str:
    return f"  - {{id: k, prompt: 'kite {{{{ n }}}}.', matrix: {{n: {list(range(count))}}}}}"


def test_every_dialect_ends_stored_with_the_asked_duration_and_geometry(bench: Bench) -> None:
    """Text and image jobs of all four wire formats end as playable clips of the asked length and shape."""
    picture = PICTURES / "harbour.jpg"
    bench.write(f"""
  - {{id: veo-t, prompt: a kite, aspect_ratio: 9:16}}
  - {{id: veo-i, prompt: a kite, image: '{picture}', end_image: '{PICTURES / "harbour-dusk.jpg"}'}}
  - {{id: sora-t, model: sora-2, prompt: a crane, duration_s: 8}}
  - {{id: sora-i, model: sora-2, prompt: a crane, image: '{picture}'}}
  - {{id: kling-t, model: kling-v2-6, duration_s: 5, prompt: a boat, aspect_ratio: 1:1}}
  - {{id: kling-i, model: kling-v2-6, duration_s: 10, prompt: a boat, image: '{picture}'}}
  - {{id: runway-i, model: gen3a_turbo, duration_s: 5, prompt: a skyline, image: '{picture}'}}""")
    assert bench.run("--allow-retired").code == 0  # Sora's sunset may have come
    rows = {row["id"]: row for row in bench.rows()}
    shapes = {name: round(int(row["width"]) / int(row["height"]), 2) for name, row in rows.items()}
    assert shapes == {
        "veo-t": 0.56, "veo-i": 1.78, "sora-t": 1.78, "sora-i": 1.78, "kling-t": 1.0, "kling-i": 1.78, "runway-i": 1.78,
    }  # fmt: skip
    seconds = {name: float(row["clip_s"]) for name, row in rows.items()}
    assert seconds == pytest.approx(
        {"veo-t": 4, "veo-i": 4, "sora-t": 8, "sora-i": 4, "kling-t": 5, "kling-i": 10, "runway-i": 5}, abs=0.2
    )
    assert bench.emulator.ledger()["key_leaks"] == 0
    sidecar = json.loads((bench.batch / (rows["veo-t"]["path"] + ".json")).read_text("utf-8"))
    assert sidecar["clip"]["sha256"] == rows["veo-t"]["sha256"]


def test_a_second_run_sends_nothing(bench: Bench) -> None:
    """What is stored stays stored: no submit, no poll, no download."""
    bench.write(_kites(3))
    assert bench.run().code == 0
    before = bench.emulator.ledger()
    assert bench.run().code == 0
    after = bench.emulator.ledger()
    assert [before[name] for name in ("submits", "polls", "downloads")] == [
        after[name] for name in ("submits", "polls", "downloads")
    ]


def test_concurrency_is_never_exceeded(bench: Bench) -> None:
    """With concurrency 3 and 500 jobs, the emulator never has more than three tasks in flight."""
    bench.write(_kites(500), concurrency=3)
    assert bench.run().code == 0
    ledger = bench.emulator.ledger()
    assert ledger["purchases"] == 500
    assert ledger["in_flight_max"] == 3


def test_a_models_own_concurrency_narrows_the_providers(bench: Bench) -> None:
    """`models: {NAME: {concurrency}}` holds beside the provider's own limit."""
    bench.write(
        _kites(12) + "\n  - {id: b, model: kling-v2-6, duration_s: 5, prompt: 'b {{ n }}', matrix: {n: [1, 2, 3, 4]}}",
        concurrency=6,
        models={"veo3-fast": {"concurrency": 2}},
    )
    assert bench.run().code == 0
    families = bench.emulator.ledger()["families"]
    assert families["veo"]["in_flight_max"] == 2
    assert families["kling"]["in_flight_max"] == 4


def test_polls_stay_under_their_rate(bench: Bench) -> None:
    """However many tasks are in flight, the emulator never sees more polls a second than allowed."""
    bench.write(_kites(30), polls_per_s=20)
    assert bench.run().code == 0
    assert bench.emulator.ledger()["max_polls_per_s"] <= 20


def test_polls_stay_under_their_rate_from_run_to_run(bench: Bench) -> None:
    """A run right after another waits for its turn to poll, as if they were one."""
    bench.write("  - {id: kite, prompt: a kite}", polls_per_s=0.7)
    assert bench.run("--set", "providers.cometapi.polls_per_s=1000").code == 0
    assert bench.run("--regenerate", "kite").code == 0
    ledger = bench.emulator.ledger()
    assert (ledger["polls"], ledger["max_polls_per_s"]) == (2, 1)


class TestSlowTasks:
    """Tasks that take a while."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="seconds:0.1", render="shared", api_key=KEY)

    def test_clip_entries_take_turns(self, bench: Bench) -> None:
        """A small entry does not wait behind a large one: the first slots go to both."""
        bench.write(_kites(20) + "\n  - {id: z, prompt: 'zebra {{ n }}', matrix: {n: [1, 2]}}", concurrency=4)
        assert bench.run().code == 0
        first = sorted(bench.emulator.ledger()["tasks"], key=lambda task: task["created_at"])[:4]
        assert sum("zebra" in task["prompt"] for task in first) == 2


@pytest.mark.pitfall("raise_for_status loses the vendor's message")
def test_failed_jobs_keep_the_vendors_reason_and_retry_buys_exactly_those(bench: Bench) -> None:
    """Of 100 jobs 15 fail with the vendor's words; retry buys these 15 again and nothing else."""
    bench.write(
        f"  - {{id: good, prompt: 'kite {{{{ n }}}}', matrix: {{n: {list(range(85))}}}}}\n"
        f"  - {{id: bad, prompt: 'storm {{{{ n }}}}', matrix: {{n: {list(range(15))}}}}}"
    )
    reason = "the renderer ran out of patience"
    bench.emulator.set_faults(
        {"match": {"step": "submit", "prompt": "storm"}, "do": {"outcome": "fail", "message": reason}}
    )
    assert bench.run().code == 1
    failed = [row for row in bench.rows() if row["state"] == "failed"]
    assert len(failed) == 15
    assert all(reason in row["message"] for row in failed)
    assert bench.run().code == 1
    assert bench.emulator.ledger()["purchases"] == 100
    bench.emulator.set_faults()
    assert bench.cli("retry", str(bench.manifest)).code == 0
    assert bench.emulator.ledger()["purchases"] == 115
    rows = bench.rows()
    assert {row["state"] for row in rows} == {"succeeded"}
    assert sorted(row["attempts"] for row in rows) == ["1"] * 85 + ["2"] * 15


def test_a_wrong_key_stops_the_provider_and_fails_no_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 6; the jobs stay pending and are bought once the key is right. The key is nowhere to be read."""
    monkeypatch.setenv("TEST_KEY", "sk-wrong-key")
    bench.write(_kites(5), concurrency=1)
    stopped = bench.run()
    assert stopped.code == 6
    assert {row["state"] for row in bench.rows()} == {"pending"}
    assert bench.emulator.ledger()["submits"] == 1
    monkeypatch.setenv("TEST_KEY", KEY)
    assert bench.run().code == 0
    for path in [p for p in bench.batch.rglob("*") if p.is_file()]:
        assert KEY.encode() not in path.read_bytes()
        assert b"sk-wrong-key" not in path.read_bytes()


@pytest.mark.pitfall("a 429 can mean rate, concurrency or balance")
def test_an_empty_account_stops_the_provider(bench: Bench) -> None:
    """A 429 that means balance is not waited out: exit 6, nothing bought."""
    bench.write("  - {id: b, model: kling-v2-6, duration_s: 5, prompt: a boat}")
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"balance": True}})
    assert bench.run().code == 6
    assert bench.emulator.ledger()["purchases"] == 0


@pytest.mark.pitfall("a 429 can mean rate, concurrency or balance")
def test_a_refusal_for_rate_is_waited_out(bench: Bench) -> None:
    """A 429 that means slow down costs nothing but time: the job is bought once, and nothing failed."""
    bench.write(_kites(2))
    rule = {"match": {"step": "submit", "times": 1}, "do": {"rate": True, "headers": {"Retry-After": "0"}}}
    bench.emulator.set_faults(rule)
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 2


def test_a_provider_that_says_it_cannot_is_not_asked_for_ever(bench: Bench) -> None:
    """A model that a gateway does not have is "unavailable" each time: five are enough, and nothing is bought."""
    bench.write(_kites(1))
    words = {"error": {"message": "No available channel for model veo3-fast", "code": "model_not_found"}}
    refused = {"status": 503, "json": words, "headers": {"Retry-After": "0"}}
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": refused})
    assert bench.run().code == 1
    ledger = bench.emulator.ledger()
    assert (ledger["submits"], ledger["purchases"]) == (5, 0)
    (row,) = bench.rows()
    assert (row["failure_kind"], row["attempts"]) == ("unavailable", "5")
    assert Decimal(row["committed_usd"]) == 0


def test_an_invalid_job_fails_alone(bench: Bench) -> None:
    """A clear refusal of one job fails that job with the vendor's words; the others go on."""
    bench.write(_kites(3) + "\n  - {id: odd, prompt: odd one}")
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "odd"}, "do": {"invalid": True}})
    assert bench.run().code == 1
    assert [row["failure_kind"] for row in bench.rows()] == ["", "", "", "invalid"]
    assert bench.emulator.ledger()["purchases"] == 3


@pytest.mark.parametrize(
    "deed", [{"status": 500}, {"status": 503}, {"status": 524}, {"reset_after": True}, {"reset_before": True},
             {"html": True, "after": True}, {"empty": True, "after": True}],
    ids=lambda deed: "-".join(f"{k}" if v is True else f"{v}" for k, v in deed.items()),
)  # fmt: skip
@pytest.mark.pitfall("a submit that ends in a 5xx is sent again")
def test_a_submit_without_a_verdict_is_uncertain_and_never_repeated(bench: Bench, deed: dict[str, object]) -> None:
    """A 5xx, a reset or a reply that cannot be read may hide a purchase: exit 5, one submit, whatever happens after."""
    bench.write(_kites(1))
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": deed})
    assert bench.run().code == 5
    bench.emulator.set_faults()
    assert bench.run().code == 5
    assert bench.emulator.ledger()["submits"] == 1
    assert [row["state"] for row in bench.rows()] == ["uncertain"]


@pytest.mark.parametrize(
    "deed", [{"unavailable": True}, {"rate": True}, {"html": True}, {"empty": True}, {"truncate_json": True},
             {"reset_before": True}, {"error_200": True}],
    ids=lambda deed: next(iter(deed)),
)  # fmt: skip
def test_a_poll_that_fails_twice_loses_nothing(bench: Bench, deed: dict[str, object]) -> None:
    """A poll without an answer says nothing about the task: it is asked again, and the clip comes home."""
    bench.write("  - {id: b, model: kling-v2-6, duration_s: 5, prompt: a boat}\n" + _kites(1))
    bench.emulator.set_faults({"match": {"step": "poll", "nth": [1, 2]}, "do": deed})
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 2


@pytest.mark.parametrize("deed", ["expired", "truncate", "json_200", "html_200", "zero", "wrong_type", "valid_once"])
def test_a_download_that_fails_once_is_mended(bench: Bench, deed: str) -> None:
    """A dead link, a cut body, a page instead of a clip: a fresh link or the rest is fetched, the clip is whole."""
    bench.write("  - {id: b, model: kling-v2-6, duration_s: 5, prompt: a boat}")
    bench.emulator.set_faults({"match": {"step": "download", "times": 1}, "do": {deed: True}})
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1
    assert [row["clip_s"] for row in bench.rows()] == ["5"]


def test_a_result_that_is_never_a_clip_ends_failed_and_keeps_the_evidence(bench: Bench) -> None:
    """After one more try of the same bytes the job fails as bad media; the task id stays, nothing is bought again."""
    bench.write("  - {id: b, model: kling-v2-6, duration_s: 5, prompt: a boat}")
    bench.emulator.set_faults({"match": {"step": "download"}, "do": {"status": 200, "body": "#EXTM3U"}})
    assert bench.run().code == 1
    (row,) = bench.rows()
    assert (row["failure_kind"], row["attempts"]) == ("bad_media", "1")
    assert row["task_id"]


def test_a_task_past_its_deadline_is_asked_for_again_before_it_is_bought_again(bench: Bench) -> None:
    """Overdue is not failed for the vendor: retry polls the old task first and buys nothing."""
    bench.write(_kites(1), timeout_s=0.2)
    bench.emulator.set_faults({"match": {"step": "poll"}, "do": {"unavailable": True}})
    assert bench.run().code == 1
    assert [row["failure_kind"] for row in bench.rows()] == ["timeout"]
    bench.emulator.set_faults()
    assert bench.cli("retry", str(bench.manifest)).code == 0
    assert bench.emulator.ledger()["purchases"] == 1


@pytest.mark.pitfall("a status word has another case or spelling")
def test_an_unknown_status_word_keeps_the_job_alive_and_is_told_once(bench: Bench) -> None:
    """A foreign word is neither a success nor a failure: the job runs on, the word is in the log."""
    bench.write(_kites(1), timeout_s=0.3)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "unknown_word"}})
    ended = bench.run()
    assert ended.code == 1
    assert ended.out.count("an undocumented status") == 1


def test_moderation_is_told_apart(bench: Bench) -> None:
    """A refused prompt and a silent failure are named for what they are, and are not bought again by themselves."""
    bench.write("  - {id: rude, prompt: rude}\n  - {id: mute, prompt: mute}", top="retries: 3")
    bench.emulator.set_faults(
        {"match": {"step": "submit", "prompt": "rude"}, "do": {"outcome": "moderation"}},
        {"match": {"step": "submit", "prompt": "mute"}, "do": {"outcome": "fail_silent"}},
    )
    assert bench.run().code == 1
    kinds = {row["id"]: row["failure_kind"] for row in bench.rows()}
    assert kinds["rude"].startswith("moderation")
    assert kinds["mute"] == "moderation_suspected"
    assert bench.emulator.ledger()["purchases"] == 2


@pytest.mark.parametrize(("cap", "bought"), [("usd: 0.7", 3), ("clips: 2", 2), ("seconds: 17", 4)])
def test_a_cap_is_never_crossed_and_the_run_goes_on_once_it_is_raised(bench: Bench, cap: str, bought: int) -> None:
    """Exit 3 with the cap kept, also when many submits are under way together; raised, the rest is bought."""
    bench.write(_kites(6), top=f"budget: {{{cap}}}")
    assert bench.run().code == 3
    assert bench.emulator.ledger()["purchases"] == bought
    name = cap.partition(":")[0]
    assert bench.run("--set", f"budget.{name}=1000").code == 0
    assert bench.emulator.ledger()["purchases"] == 6
    assert sum(Decimal(row["committed_usd"]) for row in bench.rows()) == Decimal("1.2")


def test_a_changed_row_is_kept_until_regenerate_says_otherwise(bench: Bench) -> None:
    """A changed prompt alone buys nothing; --regenerate changed buys that clip, and the old one is moved aside."""
    bench.write("  - {id: a, prompt: a kite}\n  - {id: b, prompt: a boat}")
    assert bench.run().code == 0
    bench.write("  - {id: a, prompt: a red kite}\n  - {id: b, prompt: a boat}")
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 2
    assert "changed: 1" in bench.cli("plan", str(bench.manifest)).out
    assert bench.run("--regenerate", "changed").code == 0
    assert bench.emulator.ledger()["purchases"] == 3
    assert len(list(bench.batch.glob("replaced/**/*.mp4"))) == 1
    assert bench.rows()[0]["prompt"] == "a red kite"


def test_only_runs_only_those(bench: Bench) -> None:
    """--only buys what it names and ends with 0 when these are stored; the rest is bought later."""
    bench.write("  - {id: a, prompt: a kite, tags: [hero]}\n  - {id: b, prompt: a boat}")
    assert bench.run("--only", "tag:hero").code == 0
    assert bench.emulator.ledger()["purchases"] == 1
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 2


def test_an_image_edited_before_it_was_bought_is_planned_anew(bench: Bench) -> None:
    """A waiting job takes the picture as it is when it is bought, with a fingerprint of those very bytes."""
    image = bench.folder / "first.jpg"
    image.write_bytes((PICTURES / "harbour.jpg").read_bytes())
    bench.write("  - {id: x, prompt: first}\n  - {id: a, prompt: a kite, image: first.jpg}", top="budget: {clips: 1}")
    assert bench.run().code == 3
    image.write_bytes((PICTURES / "harbour-dusk.jpg").read_bytes())
    assert bench.run("--set", "budget.clips=5").code == 0
    sidecar = json.loads((bench.batch / "clips" / "a" / "a.mp4.json").read_text("utf-8"))
    assert sidecar["images"][0]["sha256"] == sha256(image.read_bytes()).hexdigest()
