"""Caps at work, counted by the vendor's own books: what they let through is bought, and nothing beyond it, ever."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from batchvid import commands
from batchvid.domain.job_spec import Price
from batchvid.runner import utc_now
from batchvid.state.state_file import StateFile
from tests.builders import ACCEPTED, STORED, SUCCEEDED, life, planned, started
from tests.end_to_end.conftest import Bench
from tests.end_to_end.test_money import hasty

PRICE = 'price = { as_of = "2026-11", source = "a list", tiers = [{ usd_per_clip = 0.30 }] }'
CATALOGUE = f"""
[models.vague]
dialect = "openai-videos"
default_duration_s = 4
{PRICE}

[models.honest]
dialect = "openai-videos"
default_duration_s = 4
charged_on_failure = "no"
{PRICE}
"""
"""Two models at $0.30 a clip; of one it is known that a failed task costs nothing."""

FAILS = {"outcome": "fail", "message": "internal trouble"}
SLOW_DOWN = {"rate": True, "headers": {"Retry-After": "0"}}


def submits(numbers: set[int], deed: dict[str, Any]) -> dict[str, Any]:
    """What happens to these submits, counted from 1 over the whole run."""
    return {"match": {"step": "submit", "nth_overall": sorted(numbers)}, "do": deed}


def write(bench: Bench, of_all: str, model: str = "vague", takes: int = 12, more: str = "", **limits: object) -> None:
    """So many clips at $0.30 each under a budget."""
    (bench.folder / "batchvid.toml").write_text(CATALOGUE, "utf-8")
    clips = f"  - {{id: kite, prompt: a kite, model: {model}, takes: {takes}}}\n{more}"
    bench.write(clips, top=f"retries: 3\nbudget: {of_all}", **limits)


def ledger(bench: Bench) -> list[dict[str, str]]:
    """ledger.csv."""
    with (bench.batch / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


FAULTS: dict[str, tuple[str, list[dict[str, Any]], int, dict[str, int]]] = {
    "no fault": ("vague", [], 3, {"spent": 3}),
    "refused": ("vague", [submits({1, 3}, SLOW_DOWN)], 3, {"spent": 3, "released": 2}),
    "failed, charged or not": ("vague", [submits({1, 2}, FAILS)], 3, {"spent": 1, "maybe": 2}),
    "failed, not charged": ("honest", [submits({1, 3}, FAILS)], 5, {"spent": 3, "released": 2}),
    "uncertain, sold": ("vague", [submits({2}, {"reset_after": True})], 3, {"spent": 2, "held": 1}),
    "uncertain, not sold": ("vague", [submits({1}, {"reset_before": True})], 2, {"spent": 2, "held": 1}),
    "uncertain, and all the rest": (
        "honest",
        # what a rule does is not counted by the next one: the third failed task is the fifth submit
        [submits({1, 4}, SLOW_DOWN), submits({1, 2, 3}, FAILS), submits({3}, {"reset_after": True})],
        6,
        {"spent": 2, "held": 1, "released": 5},
    ),
}
"""Model, faults, tasks that the vendor sold, and what the ledger makes of the attempts."""


@pytest.mark.parametrize("concurrency", [1, 3, 20])
@pytest.mark.parametrize("case", FAULTS)
def test_a_dollar_buys_three_clips_at_thirty_cents(bench: Bench, case: str, concurrency: int) -> None:
    """With any concurrency, whatever fails on the way: three are paid for or held, and ninety cents are committed."""
    model, faults, sold, verdicts = FAULTS[case]
    uncertain = case.startswith("uncertain")
    write(bench, "{usd: 1.00}", model, concurrency=concurrency + uncertain)  # an uncertain one keeps its slot
    bench.emulator.set_faults(*faults)
    assert commands.run(hasty(bench)).exit_code == (5 if uncertain else 3)
    books, rows = bench.emulator.ledger(), ledger(bench)
    assert (books["purchases"], books["submits"]) == (sold, len(rows))
    assert Counter(row["verdict"] for row in rows) == verdicts
    assert sum(Decimal(row["settled_usd"]) for row in rows) == Decimal("0.90")
    assert sum(Decimal(row["committed_usd"]) for row in bench.rows()) == Decimal("0.90")


@pytest.mark.parametrize("events", [1, 3])
def test_a_crash_gives_nothing_back(bench: Bench, events: int) -> None:
    """Killed in the middle of paid calls, the next run counts what they may have bought: three are bought at most."""
    write(bench, "{usd: 1.00}", takes=5)
    bench.start(str(events), str(bench.manifest), module="tests.end_to_end.kill_after_events").communicate(timeout=60)
    for _ in range(2):
        assert bench.run().code in (3, 5)
    assert bench.emulator.ledger()["purchases"] <= 3
    assert sum(Decimal(row["settled_usd"]) for row in ledger(bench)) == Decimal("0.90")


def test_a_reached_cap_is_raised_and_the_batch_goes_on(bench: Bench) -> None:
    """Exit 3 says what to raise; run again with more it buys what that allows, and then nothing more."""
    write(bench, "{usd: 1.00}", takes=5)
    ended = bench.run()
    assert ended.code == 3
    assert "budget.usd is 1.0: 0.90 are committed, one more may cost 0.30" in ended.err
    assert bench.run().code == 3
    assert bench.emulator.ledger()["purchases"] == 3
    assert bench.run("--set", "budget.usd=1.2").code == 3
    assert bench.emulator.ledger()["purchases"] == 4
    assert bench.run("--set", "budget.usd=1.5").code == 0
    assert bench.emulator.ledger()["purchases"] == 5


def test_a_run_may_be_held_to_less(bench: Bench) -> None:
    """--max-usd and --max-clips count this run alone, retries too; the next run of the batch knows nothing of them."""
    write(bench, "{usd: 10, per_run: {clips: 4}}", takes=12)
    for options, bought in ((("--max-clips", "2"), 2), (("--max-usd", "0.65"), 4), ((), 8)):
        assert bench.run(*options).code == 3
        assert bench.emulator.ledger()["purchases"] == bought
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": FAILS})
    write(bench, "{usd: 10}", takes=12)
    assert bench.run("--set", "retries=0").code == 1
    assert bench.emulator.ledger()["purchases"] == 12
    bench.emulator.set_faults()
    assert bench.cli("retry", str(bench.manifest), "--max-clips", "3").code == 3
    assert bench.emulator.ledger()["purchases"] == 15
    assert bench.cli("run", "batch").code == 0
    assert bench.emulator.ledger()["purchases"] == 16


@pytest.mark.parametrize("amount", ["0", "-1", "much", "inf", "NaN"])
def test_no_amount_is_refused(bench: Bench, amount: str) -> None:
    """A cap that is none stops nothing by accident: exit 2, nothing is sent."""
    write(bench, "{usd: 10}")
    refused = bench.run("--max-usd", amount)
    assert refused.code == 2
    assert "--max-usd" in refused.err
    assert bench.emulator.ledger()["submits"] == 0


def test_a_day_has_its_own_cap(bench: Bench) -> None:
    """What earlier runs of the day bought counts, what was bought the day before does not."""
    write(bench, "{per_day: {usd: 0.90}}", takes=8)
    yesterday = utc_now() - timedelta(days=1)
    sent = started(at=yesterday, provider="cometapi", price=Price(usd=Decimal("0.30")))
    with StateFile(bench.batch / "state.sqlite3") as state:
        for placed in hasty(bench).manifest.jobs[:2]:
            asked = replace(planned(placed.spec), at=yesterday - timedelta(minutes=1))
            state.commit(life(asked, sent, ACCEPTED, SUCCEEDED, STORED))
    assert bench.run().code == 3
    assert bench.emulator.ledger()["purchases"] == 3
    ended = bench.run()
    assert ended.code == 3
    assert "budget.per_day.usd is 0.9: 0.90 are committed today (UTC), one more may cost 0.30" in ended.err
    assert "Raise it, or run again on another day (UTC), to go on" in ended.err
    assert bench.emulator.ledger()["purchases"] == 3


def test_a_tag_has_its_own_cap(bench: Bench) -> None:
    """Two heroes are bought and the third waits; whatever has not that tag goes on, and one that came back is used."""
    more = "  - {id: boat, prompt: a boat, model: vague, takes: 4, tags: [hero]}\n"
    write(bench, "{tags: {hero: {usd: 0.70}}}", takes=4, more=more)
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "boat", "nth_overall": [1]}, "do": SLOW_DOWN})
    outcome = commands.run(hasty(bench))
    assert outcome.exit_code == 3
    why = "budget.tags.hero.usd is 0.7: 0.60 are committed, one more may cost 0.30. Raise it and run again to go on"
    assert outcome.reason == why
    assert Counter(row["tags"] for row in ledger(bench) if row["verdict"] == "spent") == {"": 4, "hero": 2}
    assert bench.emulator.ledger()["purchases"] == 6


def test_a_providers_cap_is_used_up_too(bench: Bench) -> None:
    """A dollar at one provider buys three, also where two of its submits are refused in between."""
    write(bench, "{}", budget={"usd": 1.00})
    bench.emulator.set_faults(submits({1, 3}, SLOW_DOWN))
    assert commands.run(hasty(bench)).exit_code == 3
    assert bench.emulator.ledger()["purchases"] == 3


def test_a_bill_stays_with_the_provider_that_wrote_it(bench: Bench) -> None:
    """A clip that fails at one provider and is bought at another counts at both: the first one's cap stays used."""
    books = {"base_url": bench.emulator.base_url, "api_key_env": "TEST_KEY", "dialect": "openai-videos"}
    office = f"office: {json.dumps({**books, 'poll_every_s': 0.02, 'budget': {'clips': 1}})}"

    def ask(provider: str, more: str = "") -> str:
        write(bench, "{}", takes=1, more=f"{more}\ndefaults: {{provider: {provider}}}")
        text = bench.manifest.read_text("utf-8").replace("providers: {", f"providers: {{{office}, ")
        kept = "\n".join(line for line in text.splitlines() if not line.startswith("defaults: {model"))
        bench.manifest.write_text(kept, "utf-8")
        return str(bench.manifest)

    bench.emulator.set_faults(submits({1}, FAILS))
    assert bench.cli("run", ask("office"), "--set", "retries=0").code == 1
    assert bench.cli("retry", ask("cometapi")).code == 0
    assert [row["provider"] for row in ledger(bench)] == ["office", "cometapi"]
    boat = "  - {id: boat, prompt: a boat, model: vague, provider: office}"
    ended = bench.cli("run", ask("cometapi", boat))
    assert ended.code == 3
    assert "providers.office.budget.clips is 1: 1 are committed" in ended.err
    assert bench.emulator.ledger()["purchases"] == 2


def test_the_plan_says_what_a_cap_will_not_let_through(bench: Bench) -> None:
    """Before anything is bought, with what is committed already; a dry run with --max-clips says that, too."""
    write(bench, "{usd: 1.00, clips: 50}")
    output = bench.cli("plan", str(bench.manifest)).out
    assert "budget.usd is 1.0: 0 are committed, and the plan takes 3.60 more: not all of it will be bought" in output
    assert "budget.clips 50 allows 12 of 12 clips" in output
    assert "budget.clips is 50" not in output
    assert "--max-clips is 2" in bench.run("--dry-run", "--max-clips", "2").out
    ended = bench.run()
    assert ended.code == 3
    assert "the plan takes 3.60 more" in ended.out
    output = bench.cli("plan", str(bench.manifest)).out
    assert "budget.usd is 1.0: 0.90 are committed, and the plan takes 2.70 more" in output


def test_the_status_tells_what_the_money_went_to(bench: Bench) -> None:
    """Spent, held and maybe charged, for people and for scripts; released attempts are for scripts only."""
    write(bench, "{usd: 10}", takes=4)
    faults = [submits({1}, SLOW_DOWN), submits({1}, {"reset_after": True}), submits({1}, FAILS)]
    bench.emulator.set_faults(*faults)
    assert bench.run("--set", "retries=0").code == 5
    output = bench.cli("status", "batch").out
    assert "2 spent: $0.60; 1 held for uncertain submits: $0.30; 1 maybe charged for what gave no clip: $0.30" in output
    assert "2 spent: $0.60; 1 held for uncertain" in bench.cli("report", "batch").out
    books = bench.status()["ledger"]
    assert books["maybe"] == {"attempts": 1, "usd": "0.30", "unpriced": 0}
    assert (books["released"]["attempts"], books["reserved"]["attempts"]) == (1, 0)
