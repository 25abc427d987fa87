"""What hits every call stops the provider; what hits some jobs stays with them. Nothing of it is bought."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import Bench

TWO_ENTRIES = "  - {id: kite, prompt: a kite, takes: 6}\n  - {id: boat, prompt: a boat, takes: 6}"
ONE_ENTRY = "  - {id: kite, prompt: a kite, takes: 6}"
NO_ROUTE = {"status": 400, "json": {"error": {"message": "Invalid parameter seconds (call 17)", "code": "bad_param"}}}


@pytest.mark.parametrize(("concurrency", "calls"), [(1, 3), (5, 6), (20, 12)])
def test_one_reply_for_every_call_stops_the_provider(bench: Bench, concurrency: int, calls: int) -> None:
    """Two equal refusals and a probe: exit 6, every job pending, one line with method, URL, status and words."""
    bench.write(TWO_ENTRIES, concurrency=concurrency)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": NO_ROUTE})
    ended = bench.run()
    assert ended.code == 6
    line = f"POST {bench.emulator.base_url}/v1/videos: HTTP 400: bad_param: Invalid parameter seconds (call 17)"
    assert sum(line in text and "cometapi is stopped" in text for text in ended.out.splitlines()) == 1
    assert f"cometapi was stopped: {line}. Its jobs stay pending: fix that and run again" in ended.err
    ledger = bench.emulator.ledger()
    assert (ledger["submits"] <= calls, ledger["purchases"]) == (True, 0)
    assert bench.status()["states"]["pending"] == 12
    bench.emulator.set_faults()
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 12


@pytest.mark.parametrize("concurrency", [1, 20])
def test_takes_of_a_single_entry_are_enough_if_there_is_no_other(bench: Bench, concurrency: int) -> None:
    """The probe is one more take; all stay pending."""
    bench.write(ONE_ENTRY, concurrency=concurrency)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": NO_ROUTE})
    assert bench.run().code == 6
    assert bench.status()["states"]["pending"] == 6


def test_a_probe_that_is_accepted_leaves_the_refusals_with_their_jobs(bench: Bench) -> None:
    """Two entries are wrong and the third is not: it is the probe, is stored, and the others failed as invalid."""
    bench.write(
        "  - {id: kite, prompt: wrong kite, takes: 3}\n  - {id: crane, prompt: wrong crane, takes: 3}\n"
        "  - {id: boat, prompt: a boat, takes: 3}",
        concurrency=1,
    )
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "wrong"}, "do": NO_ROUTE})
    ended = bench.run()
    assert ended.code == 1
    states = bench.status()["states"]
    assert (states["failed"], states["succeeded"], states["pending"]) == (6, 3, 0)
    assert {row["failure_kind"] for row in bench.rows() if row["state"] == "failed"} == {"invalid"}
    assert bench.emulator.ledger()["purchases"] == 3


def test_two_jobs_alone_fail_as_jobs(bench: Bench) -> None:
    """With no job left for a probe nobody can tell: they fail with the vendor's words."""
    bench.write("  - {id: kite, prompt: a kite, takes: 2}", concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": NO_ROUTE})
    assert bench.run().code == 1
    rows = bench.rows()
    assert [(row["state"], row["failure_kind"]) for row in rows] == [("failed", "invalid")] * 2
    assert all("HTTP 400: bad_param" in row["message"] for row in rows)


def test_a_content_filter_stops_nobody(bench: Bench) -> None:
    """Equal refusals by moderation are of the jobs, however many: each is tried once."""
    bench.write(TWO_ENTRIES, concurrency=1)
    refused = {"status": 400, "json": {"error": {"message": "blocked", "code": "moderation_blocked"}}}
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": refused})
    assert bench.run().code == 1
    assert bench.status()["states"]["failed"] == 12
    assert bench.emulator.ledger()["submits"] == 12


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"status": 403, "body": "error code: 1010"}, "HTTP 403"),
        ({"status": 404, "json": {"detail": "Not Found"}}, "HTTP 404"),
        ({"status": 404, "body": "404 page not found"}, "HTTP 404"),
        ({"status": 401, "json": {"error": {"message": "No connected db.", "type": "no_db_connection"}}}, "HTTP 401"),
    ],
)
def test_a_reply_from_in_front_of_the_api_stops_the_provider_at_once(
    bench: Bench, reply: dict[str, object], words: str
) -> None:
    """A bot filter, a wrong path, a refused key: one call, every job pending, the URL and the status are named."""
    bench.write(TWO_ENTRIES, concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": reply})
    ended = bench.run()
    assert ended.code == 6
    assert f"POST {bench.emulator.base_url}/v1/videos" in ended.err
    assert words in ended.err
    assert bench.emulator.ledger()["submits"] == 1
    assert bench.status()["states"]["pending"] == 12


def test_a_captive_portal_leaves_one_job_uncertain(bench: Bench) -> None:
    """HTML under 200 is no proof of anything: that job stays uncertain, the others pending; no second call."""
    bench.write(TWO_ENTRIES, concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"status": 200, "html": True}})
    ended = bench.run()
    assert ended.code == 5
    assert "cometapi was stopped: POST " in ended.err
    assert bench.emulator.ledger()["submits"] == 1
    states = bench.status()["states"]
    assert (states["uncertain"], states["pending"]) == (1, 11)
