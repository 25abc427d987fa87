"""The plan for people: readable in 80 columns, one filled-in example of each clip entry, whole prompts on demand."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batchvid.cli.main import group

LONG = "A slow pan over the harbour at dawn, red boats on the water, gulls above, soft light, film grain, 35 mm"
MANIFEST = f"""\
batch: shop
budget: {{clips: 3, per_day: {{usd: 1}}}}
defaults: {{model: veo3-fast, duration_s: 8, aspect_ratio: 16:9}}
clips:
  - id: "{{{{ name }}}}"
    rows: shop.csv
    where: size != "L"
    prompt: "{{{{ name }}}}: {LONG}"
  - {{id: last, prompt: "one\\nline"}}
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with a row that is left out, and a clip without a table."""
    monkeypatch.chdir(tmp_path)
    Path("shop.csv").write_text("name,size\ncup,S\nbowl,L\npot,M\n", "utf-8")
    Path("m.yaml").write_text(MANIFEST, "utf-8")


def plan(*options: str) -> Result:
    return CliRunner().invoke(group, ["plan", "m.yaml", *options], catch_exceptions=False)


def test_each_entry_has_an_example_and_its_counts() -> None:
    """Its id, terms and prompt as they are bought; a text that is cut ends with … and the note says how to see it."""
    lines = plan().output.splitlines()
    at = lines.index("entry {{ name }}: 3 rows read, 2 kept, 1 left out by where; 2 clips to buy, such as")
    assert lines[at + 1 : at + 7] == [
        "  left out: shop.csv:row 2 (line 3)",
        "  cup: veo3-fast, 8 s, 16:9, $0.40",
        f"    prompt: cup: {LONG}"[:79] + "…",
        "entry last: 1 clip to buy",
        "  last: veo3-fast, 8 s, 16:9, $0.40",
        r"    prompt: one\nline",
    ]
    assert lines[at + 7] == ("long texts end with …; batchvid plan --prompts shows every job with its whole prompt")


def test_the_caps_say_how_many_clips_they_allow() -> None:
    assert (
        "caps: budget.clips 3 allows 3 of 3 clips; budget.per_day.usd 1 allows 2 of 3 clips; --max-clips 1 allows 1 of "
        "3 clips; together they allow 1\n"
    ) in plan("--max-clips", "1").output


def test_prompts_shows_every_job_whole() -> None:
    """With its row; no text is cut."""
    assert plan("--prompts").output.splitlines() == [
        "  cup (new): veo3-fast, 8 s, 16:9, $0.40",
        f"    prompt: cup: {LONG}",
        "    row: shop.csv:row 1 (line 2)",
        "  pot (new): veo3-fast, 8 s, 16:9, $0.40",
        f"    prompt: pot: {LONG}",
        "    row: shop.csv:row 3 (line 4)",
        "  last (new): veo3-fast, 8 s, 16:9, $0.40",
        r"    prompt: one\nline",
        "entry {{ name }}: 3 rows read, 2 kept, 1 left out by where",
        "  left out: shop.csv:row 2 (line 3)",
        "to buy: 3 clips, $1.20",
    ]


@pytest.mark.parametrize("option", [("--prompts",), ("--csv", "-"), ("--json",), ()])
def test_every_form_of_the_plan_shows_the_warnings(option: tuple[str, ...]) -> None:
    """Who reviews the prompts must see what is odd in them."""
    Path("shop.csv").write_text("name,size\na ${CITY} cup,S\n", "utf-8")
    assert "prompt: contains ${CITY}" in plan(*option).output


def test_json_is_one_object_and_csv_is_one_table() -> None:
    assert json.loads(plan("--json").output)["to_buy"]["clips"] == 3
    text = plan("--csv", "-").stdout
    assert [row["id"] for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))] == ["cup", "pot", "last"]
    assert "to buy: 3 clips" in plan("--csv", "review.csv").output
    assert Path("review.csv").read_text("utf-8") == text
    assert plan("--json", "--prompts").exit_code == 2


def test_many_entries_have_few_examples() -> None:
    clips = "\n".join(f"  - {{id: clip{number}, prompt: a kite}}" for number in range(20))
    Path("m.yaml").write_text(f"defaults: {{model: veo3-fast, duration_s: 8}}\nclips:\n{clips}\n", "utf-8")
    output = plan().output
    assert output.count("    prompt: a kite") == 8
    assert "... and 12 more clip entries (--prompts shows every job)" in output


@pytest.mark.parametrize("option", ["--csv", "--save-plan"])
def test_the_users_own_files_are_not_overwritten(option: str) -> None:
    """Only an earlier plan is replaced: a slip must not cost the sheet."""
    before = Path("shop.csv").read_text("utf-8")
    refused = plan(option, "shop.csv")
    assert (refused.exit_code, "shop.csv exists and is no plan" in refused.output) == (2, True)
    assert Path("shop.csv").read_text("utf-8") == before
    assert [plan(option, "new").exit_code for _ in range(2)] == [0, 0]
