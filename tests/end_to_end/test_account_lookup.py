"""A lost submit at CometAPI: looked for in the account's list of tasks, which has no prompts."""

from __future__ import annotations

import json

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench

TOKEN = "access-token-7"
KITE = "  - {id: kite, prompt: a kite}"
TAKES = "  - {id: kite, prompt: a kite, takes: 2}"


@pytest.fixture
def settings() -> Settings:
    return Settings(life="polls:1", render="shared", api_key=KEY, account_token=TOKEN)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_ACCESS_TOKEN", TOKEN)


def lose(bench: Bench, deed: str, **match: object) -> None:
    bench.emulator.set_faults({"match": {"step": "submit", **match}, "do": deed})


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    "clip",
    [
        "model: veo3-fast, duration_s: 4",
        "model: sora-2, duration_s: 4",
        "model: kling-v2-6, duration_s: 5",
        "model: grok-imagine-video, duration_s: 4",
        "model: doubao-seedance-1-0-pro, duration_s: 5",
    ],
)
def test_the_only_task_is_found(bench: Bench, clip: str) -> None:
    """It was made and its reply was lost: found by model and time, Kling's by our id; bought once."""
    bench.write(f"  - {{id: kite, prompt: a kite, {clip}}}")
    lose(bench, "reset_after")
    result = bench.run()
    assert result.code == 0, result
    assert "is found again at cometapi: task" in result.out
    assert bench.emulator.ledger()["purchases"] == 1
    assert bench.rows()[0]["task_id"] == bench.emulator.ledger()["tasks"][0]["task_id"]


@pytest.mark.usefixtures("token")
def test_what_was_not_made_is_held(bench: Bench) -> None:
    """The list knows no such task, which is no proof. The clip of the other job is not taken."""
    bench.write("  - {id: boat, prompt: a boat}\n" + KITE, concurrency=1)
    lose(bench, "reset_before", prompt="a kite")
    for _ in range(2):
        assert bench.run().code == 5
    ledger = bench.emulator.ledger()
    assert (ledger["submits"], ledger["purchases"]) == (2, 1)
    (held,) = bench.status()["uncertain"]
    assert held["looked_up"].startswith("cometapi does not know it in the account's list of tasks (asked ")
    assert "tasks there that no job owns" not in bench.cli("resolve", "--batch", "batch").out


@pytest.mark.usefixtures("token")
def test_two_lost_submits_of_a_model_are_left_to_a_person(bench: Bench) -> None:
    """Nobody can tell whose task is whose: `resolve` shows both to both."""
    bench.write(TAKES)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"reset_after": True, "delay_s": 1.0}})
    for _ in range(2):
        assert bench.run().code == 5
    waiting = bench.status()["uncertain"]
    assert {job["looked_up"] for job in waiting} == {"cometapi has a task like it, but another job may own it"}
    listed = bench.cli("resolve", "--batch", "batch").out
    ids = [task["task_id"] for task in bench.emulator.ledger()["tasks"]]
    assert len(ids) == 2
    assert [listed.count(f"{one} (veo3-fast, created 20") for one in ids] == [2, 2]


@pytest.mark.usefixtures("token")
def test_a_failed_task_of_an_earlier_attempt_is_not_taken(bench: Bench) -> None:
    """The first attempt's task failed and the second submit never arrived: the list's only task is the first one."""
    bench.write(KITE, top="retries: 1")
    bench.emulator.set_faults(
        {"match": {"step": "submit", "nth": [1]}, "do": {"outcome": "fail"}},
        {"match": {"step": "submit", "nth": [2]}, "do": "reset_before"},
    )
    for _ in range(2):
        assert bench.run().code == 5
    assert (bench.emulator.ledger()["submits"], bench.emulator.ledger()["purchases"]) == (2, 1)
    assert "does not know it in the account's list" in bench.status()["uncertain"][0]["looked_up"]
    assert "tasks there that no job owns" not in bench.cli("resolve", "--batch", "batch").out


def test_without_a_token_nobody_is_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held, and its line names what to set; with the token the next run finds it."""
    monkeypatch.delenv("COMETAPI_ACCESS_TOKEN", raising=False)
    bench.write(KITE)
    lose(bench, "reset_after")
    for _ in range(2):
        assert bench.run().code == 5
        (held,) = bench.status()["uncertain"]
        assert held["looked_up"] == "not looked up: set COMETAPI_ACCESS_TOKEN, and the next run does"
    assert bench.emulator.ledger()["polls"] == 0
    monkeypatch.setenv("COMETAPI_ACCESS_TOKEN", TOKEN)
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_a_wrong_token_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider goes on: only the list is refused. No file shows the token."""
    monkeypatch.setenv("COMETAPI_ACCESS_TOKEN", "wrong-token-9")
    bench.write("  - {id: boat, prompt: a boat}\n" + KITE)
    lose(bench, "reset_after", prompt="a kite")
    assert bench.run().code == 5
    assert bench.status()["states"]["succeeded"] == 1
    said = bench.status()["uncertain"][0]["looked_up"]
    assert said.startswith("lookup at cometapi failed: /api/task/self answers HTTP 401")
    assert said.endswith("check the token in COMETAPI_ACCESS_TOKEN")
    assert all(b"wrong-token-9" not in one.read_bytes() for one in bench.batch.rglob("*") if one.is_file())


@pytest.mark.usefixtures("token")
def test_a_gateway_of_ones_own(bench: Bench) -> None:
    """A new-api server, with its account in the manifest; the account stands at another address here."""
    own = {
        "dialect": "newapi",
        "base_url": f"{bench.emulator.base_url}/gateway",
        "api_key_env": "TEST_KEY",
        "poll_every_s": 0.02,
    }
    account = {"api": "new-api", "token_env": "COMETAPI_ACCESS_TOKEN", "user": "7"}
    account["url"] = bench.emulator.base_url
    clip = {"id": "kite", "provider": "own", "model": "newapi/kling-v2-6", "prompt": "a kite", "duration_s": 5}
    rows = {"own": {**own, "lookup": "account", "account": account}}
    bench.manifest.write_text(json.dumps({"providers": rows, "clips": [clip]}), "utf-8")
    lose(bench, "reset_after")
    result = bench.run()
    assert result.code == 0, result
    assert bench.emulator.ledger()["purchases"] == 1


@pytest.mark.usefixtures("token")
def test_the_task_of_another_batch_is_not_taken(bench: Bench) -> None:
    """Two batches share an account: the list's only task is the other batch's, whose job has the same name."""
    bench.write(KITE, top="batch: other")
    assert bench.run().code == 0
    bench.write(KITE)
    lose(bench, "reset_before")
    assert bench.run().code == 5
    assert bench.emulator.ledger()["purchases"] == 1
    assert "does not know it in the account's list" in bench.status()["uncertain"][0]["looked_up"]
