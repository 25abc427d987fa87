"""The vendor's own bill, from the account pages of a gateway to the caps of the next run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batchvid import commands
from batchvid.cli.main import group
from batchvid.commands.doctor import examine
from batchvid.emulator import Settings
from tests.end_to_end.conftest import ServedEmulator

SETTINGS = Settings(
    render="shared", api_key="sk-key-1", account_token="account-1", usd_per_s={"veo": 0.5}, balance_usd=1.0
)
FAILS = {"match": {"step": "submit", "prompt": "storm"}, "do": {"outcome": "fail"}}
MANIFEST = """\
batch: bill
budget: {{usd: 30}}
defaults: {{provider: house, model: veo3-fast, duration_s: 4}}
providers:
  house: {{base_url: "{url}", dialect: veo, api_key_env: TEST_KEY, balance: new-api, poll_every_s: 0.05,
           account: {{api: new-api, token_env: TEST_TOKEN}}}}
clips:
  - {{id: kite, prompt: a kite}}
  - {{id: storm, prompt: a storm}}
{more}"""


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedEmulator]:
    monkeypatch.setenv("TEST_KEY", "sk-key-1")
    monkeypatch.setenv("TEST_TOKEN", "account-1")
    with ServedEmulator(SETTINGS) as served:
        served.set_faults(FAILS)
        yield served


def written(folder: Path, url: str, more: str = "") -> Path:
    (folder / "batchvid.toml").write_text(
        '[models.veo3-fast]\nprice = { as_of = "2026-11", source = "a list", tiers = [{ usd_per_s = 0.05 }] }\n'
    )
    manifest = folder / "batch.yaml"
    manifest.write_text(MANIFEST.format(url=url, more=more), "utf-8")
    return manifest


def actuals(folder: Path, *options: str) -> Any:
    result = CliRunner().invoke(group, ["report", str(folder), "--actuals", *options])
    assert result.exit_code == 0, result.output
    return json.loads(result.output) if "--json" in options else result.output


def test_the_bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: ServedEmulator) -> None:
    """Both attempts are joined by their task ids; the failed one was refunded; the dearer one counts at once."""
    monkeypatch.chdir(tmp_path)
    manifest = written(tmp_path, emulator.base_url)
    commands.run(commands.load(manifest, out=tmp_path / "out"))
    folder = tmp_path / "out" / "bill"
    found = actuals(folder, "--json")
    by_job = {row["job"]: row for row in found["attempts"]}
    prices = {task["prompt"]: Decimal(str(task["price"])) for task in emulator.ledger()["tasks"]}
    assert found["attempts"][0]["job"] == "storm"  # maybe charged, so it comes first
    assert by_job["storm"]["maybe_charged"] is True
    assert Decimal(by_job["storm"]["billed_usd"]) == 0
    assert Decimal(by_job["kite"]["billed_usd"]) == prices["a kite"] == 2
    assert Decimal(by_job["kite"]["counted_usd"]) == Decimal("0.2")
    assert Decimal(by_job["kite"]["difference_usd"]) == Decimal("1.8")
    assert len(found["counted"]) == 1
    assert "house charged $2" in found["counted"][0]
    assert found["notes"] == []
    again = actuals(folder)
    assert "from now on" not in again
    with (folder / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        ledger = {row["job"]: row for row in csv.DictReader(file)}
    assert (ledger["kite"]["settled_usd"], ledger["kite"]["actual_usd"]) == ("2", "2")
    with (folder / "actuals.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["job"] for row in csv.DictReader(file)] == ["storm", "kite"]
    assert emulator.ledger()["purchases"] == 2


def test_a_higher_bill_closes_a_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: ServedEmulator) -> None:
    """Under a cap of $1 there was room for more, until the bill showed $2."""
    monkeypatch.chdir(tmp_path)
    manifest = written(tmp_path, emulator.base_url)
    commands.run(commands.load(manifest, out=tmp_path / "out"))
    actuals(tmp_path / "out" / "bill")
    manifest.write_text(
        MANIFEST.format(url=emulator.base_url, more="  - {id: boat, prompt: a boat}\n").replace("usd: 30", "usd: 1")
    )
    outcome = commands.run(commands.load(manifest, out=tmp_path / "out"))
    assert (outcome.exit_code, emulator.ledger()["purchases"]) == (3, 2)


def test_a_wrong_token_and_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: ServedEmulator) -> None:
    """The report says what could not be read, shows the rest, and no file or line holds the token."""
    monkeypatch.chdir(tmp_path)
    commands.run(commands.load(written(tmp_path, emulator.base_url), out=tmp_path / "out"))
    folder = tmp_path / "out" / "bill"
    monkeypatch.setenv("TEST_TOKEN", "wrong-token-9")
    (note,) = actuals(folder, "--json")["notes"]
    assert note.startswith("house: its bill could not be read: /api/task/self answers HTTP 401")
    monkeypatch.delenv("TEST_TOKEN")
    (note,) = actuals(folder, "--json")["notes"]
    assert "set TEST_TOKEN" in note
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert all(b"wrong-token-9" not in file.read_bytes() for file in files)


def test_doctor_compares_the_balance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: ServedEmulator) -> None:
    """A balance below the plan's price is a fault with a way out; enough is none."""
    monkeypatch.chdir(tmp_path)
    manifest = written(tmp_path, emulator.base_url)
    (result,) = [one for one in examine(str(manifest), out=tmp_path / "out") if one.what == "house balance"]
    assert (result.is_ok, result.found) == (True, "$1.00; the plan costs up to $0.40 there")
    toml = (tmp_path / "batchvid.toml").read_text().replace("0.05", "0.5")
    (tmp_path / "batchvid.toml").write_text(toml)
    (result,) = [one for one in examine(str(manifest), out=tmp_path / "out") if one.what == "house balance"]
    assert (result.is_ok, result.found) == (False, "$1.00; the plan costs up to $4.00 there")
