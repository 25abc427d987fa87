"""What a person does about uncertain jobs: lists them, asks the provider, binds them, gives them up with a word."""

from __future__ import annotations

import csv
import io

import pytest

from tests.end_to_end.conftest import Bench, Result

KITES = "  - {id: kite, prompt: 'a kite {{ n }}', matrix: {n: [1, 2, 3]}}"
BOAT = "  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}"
LOST = {"match": {"step": "submit"}, "do": {"status": 503, "after": True, "headers": {"x-request-id": "trace-77"}}}


@pytest.fixture
def three(bench: Bench) -> Bench:
    """Three paid calls without a verdict, at a provider that cannot be asked."""
    bench.write(KITES)
    bench.emulator.set_faults(LOST)
    assert bench.run().code == 5
    return bench


def typed(bench: Bench, word: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    """`batchvid resolve --all --abandon`, with this typed."""
    monkeypatch.setattr("sys.stdin", io.StringIO(word))
    return bench.cli("resolve", "--all", "--abandon", "--batch", "batch")


def test_the_list_says_what_a_console_may_know_them_by(three: Bench) -> None:
    """Time, provider, model, prompt and the vendor's trace id, for each of the three; no id that was not sent."""
    listed = three.cli("resolve", "--batch", "batch")
    assert listed.code == 0
    assert listed.out.count("request id trace-77") == 3
    assert "our id" not in listed.out
    assert "uncertain: kite_1 (cometapi veo3-fast, sent 20" in listed.out
    assert "  prompt: a kite 1\n" in listed.out
    assert three.cli("resolve", "kite_1", "--batch", "batch").out.count("uncertain:") == 1


def test_the_list_as_csv(three: Bench) -> None:
    """The same as a table to take along, with the price that is held for each."""
    rows = list(csv.DictReader(io.StringIO(three.cli("resolve", "--csv", "--batch", "batch").out)))
    columns = "sent_at job provider model prompt price_usd external_id request_id message looked_up candidates"
    assert " ".join(rows[0]) == columns
    assert [(row["job"], row["request_id"], row["price_usd"]) for row in rows] == [
        (f"kite_{n}", "trace-77", "0.200") for n in (1, 2, 3)
    ]
    assert {row["external_id"] for row in rows} == {""}  # a Veo call carries no id of ours


def test_all_are_given_up_only_with_the_typed_word(three: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Number and money must be typed as they are shown; anything else, or nothing, changes nothing."""
    for word in ("", "y\n", "yes\n", "abandon 2 for $0.40\n", "abandon 3 for $0.20\n"):
        refused = typed(three, word, monkeypatch)
        assert refused.code == 2
        assert "nothing was abandoned" in refused.err
        assert three.status()["states"]["uncertain"] == 3
    settled = typed(three, "abandon 3 for $0.60\n", monkeypatch)
    assert settled.code == 0
    assert "Type  abandon 3 for $0.60  to continue" in settled.out
    assert three.status()["states"]["pending"] == 3
    three.emulator.set_faults()
    assert three.run().code == 0
    assert three.emulator.ledger()["purchases"] == 6


def test_they_come_first(three: Bench) -> None:
    """In status, in the report and in the line of the sum: uncertain jobs before all others."""
    three.emulator.set_faults()
    three.write("  - {id: boat, prompt: a boat}\n" + KITES)
    ended = three.run("--only", "boat")
    assert ended.out.splitlines()[-1].startswith("3 uncertain, 1 succeeded; report:")
    assert [row["state"] for row in three.rows()] == ["uncertain"] * 3 + ["succeeded"]
    assert three.cli("status", "batch").out.splitlines()[1].startswith("uncertain: kite_1")


def test_asking_now(bench: Bench) -> None:
    """`--ask` looks for the tasks of lost submits, polls and buys nothing else; the next run collects what it found."""
    bench.write(BOAT + "\n  - {id: kite, prompt: a kite}")
    bench.emulator.set_faults(
        {"match": {"step": "submit"}, "do": "reset_after"}, {"match": {"step": "poll"}, "do": {"status": 503}}
    )
    assert bench.run().code == 5
    bench.emulator.set_faults()
    asked = bench.cli("resolve", "--ask", "--batch", "batch")
    assert "boat is found again at cometapi" in asked.out
    assert asked.out.count("uncertain: kite") == 1
    states = bench.status()["states"]
    assert (states["running"], states["uncertain"]) == (1, 1)
    assert bench.run().code == 5
    assert bench.status()["states"]["succeeded"] == 1
    assert bench.emulator.ledger()["purchases"] == 2


def test_without_a_key_nobody_is_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An uncertain job alone needs no key: a run continues without a lookup; a lookup reports what is missing."""
    bench.write(BOAT)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": "reset_before"})
    assert bench.run().code == 5
    polls = bench.emulator.ledger()["polls"]
    monkeypatch.delenv("TEST_KEY")
    assert bench.run().code == 5
    asked = bench.cli("resolve", "--ask", "--batch", "batch")
    assert asked.code == 2
    assert "set TEST_KEY" in asked.err
    assert bench.emulator.ledger()["polls"] == polls


def test_nothing_waits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch without uncertain jobs: reported, whatever the options."""
    bench.write(BOAT)
    assert bench.run().code == 0
    assert bench.cli("resolve", "--batch", "batch").out == "no job is uncertain\n"
    assert bench.cli("resolve", "--ask", "--batch", "batch").out == "no job is uncertain\n"
    assert typed(bench, "abandon 0 for $0.00\n", monkeypatch).out == "no job is uncertain\n"


def test_what_cannot_be_meant_is_refused(three: Bench) -> None:
    """Exit 2, and every job is as it was."""
    for args in (
        ("--all",),
        ("kite_1", "--all", "--abandon"),
        ("--abandon",),
        ("--task-id", "t"),
        ("kite_1", "--task-id", "t", "--abandon"),
        ("--all", "--abandon", "--ask"),
    ):
        assert three.cli("resolve", *args, "--batch", "batch").code == 2, args
    assert three.status()["states"]["uncertain"] == 3
