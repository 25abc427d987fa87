"""The plan for a script and for a spreadsheet: every row joins back to its table, and nothing secret is in it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from batchvid import commands
from batchvid.planning.plan_types import Plan
from batchvid.report.plan_report import COLUMNS, job_values, plan_facts, plan_table
from tests.docs.texts import ROOT

TABLE = "name,=size,note\ncup,S,plain\nbowl,L,no\npot,M,+49\n"
MANIFEST = """\
batch: shop
budget: {clips: 5}
defaults: {model: veo3-fast, duration_s: 8}
clips:
  - id: "{{ name }}"
    rows: shop.csv
    where: note != "no"
    prompt: "=A {{ name }}"
    video: https://cdn.example/a.mp4?Signature=s1gned-and-worth-m0ney
    action: edit
    model: videos/own
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of a table with a row that is left out."""
    monkeypatch.chdir(tmp_path)
    Path("shop.csv").write_text(TABLE, "utf-8")
    Path("m.yaml").write_text(MANIFEST, "utf-8")
    return commands.plan(commands.load("m.yaml"))


def test_each_row_of_the_table_joins_back_to_the_sheet(plan: Plan) -> None:
    """File, row, line and every input column stand beside what is bought; a byte order mark is for Excel."""
    text = plan_table(plan)
    assert text.startswith("\ufefffile,sheet,row,line,var.name,var.=size,var.note,id,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(row["file"], row["row"], row["line"], row["var.name"], row["id"]) for row in rows] == [
        ("shop.csv", "1", "2", "cup", "cup"),
        ("shop.csv", "3", "4", "pot", "pot"),
    ]
    assert {row["action"] for row in rows} == {"new"}
    assert rows[1]["price_usd"] == ""
    assert (rows[1]["prompt"], rows[1]["var.note"]) == ("'=A pot", "'+49")  # never a formula


def test_json_has_the_counts_and_the_rows(plan: Plan) -> None:
    """It is one object of plain values."""
    facts = json.loads(json.dumps(plan_facts(plan, batch="shop", folder="outputs/shop")))
    assert facts["to_buy"] | {"usd": ""} == {
        "clips": 2, "seconds": 16, "unknown_lengths": 0, "usd": "", "unknown_prices": 2, "allowed_by_caps": 2,
    }  # fmt: skip
    assert facts["caps"] == [{"key": "budget.clips", "limit": "5", "used": "0", "planned": 2, "allowed": 2}]
    (entry,) = facts["entries"]
    assert (entry["read"], entry["kept"], entry["left_out"]) == (3, 2, 1)
    assert [(job["row"], job["prompt"]) for job in facts["jobs"]] == [(1, "=A cup"), (3, "=A pot")]


def test_no_signature_of_a_link_is_shown(plan: Plan) -> None:
    for text in (plan_table(plan), json.dumps(plan_facts(plan, batch="", folder=""))):
        assert "https://cdn.example/a.mp4?..." in text
        assert "s1gned" not in text


def test_the_columns_are_the_keys_of_a_job(plan: Plan) -> None:
    """Also of a plan without a job."""
    assert tuple(job_values(plan.jobs[0])) == COLUMNS
    assert plan_table(Plan(())).startswith("\ufefffile,sheet,row,line,id,")


def test_the_page_documents_every_key_and_column(plan: Plan) -> None:
    page = (ROOT / "docs" / "reference" / "plan-output.md").read_text("utf-8")
    facts = plan_facts(plan, batch="shop", folder="outputs/shop")
    parts = [facts, facts["to_buy"], facts["caps"][0], facts["entries"][0], job_values(plan.jobs[0])]
    assert [name for part in parts for name in part if f"`{name}`" not in page] == []
