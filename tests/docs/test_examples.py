"""Every example of the documentation works as it is written."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import shutil
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import batchvid
from batchvid import commands
from batchvid.emulator import Settings
from batchvid.planning.availability import Availability
from batchvid.planning.plan_types import Plan, PlanAction
from tests.docs.command_pages import every_command
from tests.docs.texts import HAND_WRITTEN, ROOT, Block, blocks, command_lines, spans
from tests.manifest.workbooks import xlsx

PLANS = {
    "everything": 6 + 2 + 2 + 1,
    "a clip made from a clip": 2 + 2 + 1,
    "tutorial": 4,
    "spreadsheet": 2,
    "cells of rows": 2 + 1,
    "sheets": 3 + 2,
    "budget": 1,
    "bill of an own gateway": 1,
    "gemini": 2,
    "vertex": 1,
    "own server manifest": 1,
    "sglang manifest": 1,
    "openrouter": 1,
    "pictures": 5,
    "equal names": 3,
    "pictures of a table": 3,
}
"""How many new jobs each manifest example plans."""
LANGUAGES = {"sh", "bash", "yaml", "toml", "json", "csv", "python", "text", "mermaid"}
OTHER_OPTIONS = {"--plots", "--json", "--help"}
"""Of `python -m benchmarks` and of click."""


def plan_of(example: Block, folder: Path) -> Plan:
    """The plan of an example that is saved beside the sample files."""
    shutil.copytree(ROOT / "manifests" / "pictures", folder / "pictures")
    shutil.copy(ROOT / "manifests" / "products.csv", folder)
    table: list[list[Any]] = [
        ["Spring campaign"],
        [],
        ["Title", "Product SKU", "Text"],
        ["Kites", 101, "a red kite"],
        [None, 102, "a blue kite"],
    ]
    (folder / "plan.xlsx").write_bytes(xlsx({"Notes": [["x"]], "Clips": [*table, ["Boats", 103, "a boat"]]}))
    (folder / "m.yaml").write_text(example.text, "utf-8")
    return commands.plan(commands.load(folder / "m.yaml", out=folder))


def manifest_examples() -> list[Block]:
    return [block for block in blocks("yaml") if block.page != "README.md"]


def test_every_block_is_in_a_known_language() -> None:
    """So that none escapes the tests below."""
    assert [str(block) for block in blocks() if block.language not in LANGUAGES] == []
    assert Counter(block.name for block in manifest_examples()) == Counter(dict.fromkeys(PLANS, 1))


@pytest.mark.parametrize("example", manifest_examples(), ids=str)
def test_a_manifest_example_plans(example: Block, tmp_path: Path) -> None:
    assert plan_of(example, tmp_path).counts == {PlanAction.NEW: PLANS[example.name]}


def test_the_example_of_parents_waits_as_the_text_says(tmp_path: Path) -> None:
    (example,) = (block for block in manifest_examples() if block.name == "a clip made from a clip")
    waits = {job.spec.id: job.reason.partition("; ")[2] for job in plan_of(example, tmp_path).to_buy}
    assert waits == {
        "kite_wheat": "",
        "kite_poppy": "",
        "longer-wheat": "waits for kite_wheat",
        "longer-poppy": "waits for kite_poppy",
        "longest": "waits for longer-wheat",
    }


@pytest.mark.parametrize("example", blocks("toml"), ids=str)
def test_a_catalogue_example_counts(example: Block, tmp_path: Path) -> None:
    """Saved beside a manifest, it brings its models and its providers; prices of a manifest's provider wait for it."""
    (tmp_path / "batchvid.toml").write_text(example.text, "utf-8")
    rows = tomllib.loads(example.text)
    named = {name for name, row in rows["providers"].items() if row.keys() != {"models"}}
    assert named <= Availability(tmp_path).providers.keys()
    if "house-model" not in example.text:
        return
    manifest = "clips: [{id: a, prompt: p, model: house-model, provider: office, resolution: 1280x720}]"
    (tmp_path / "m.yaml").write_text(manifest, "utf-8")
    (job,) = commands.plan(commands.load(tmp_path / "m.yaml", out=tmp_path)).to_buy
    assert (job.duration_s, job.price.basis) == (6, "estimate: our contract, 2026-11")


@pytest.mark.parametrize("example", blocks("json"), ids=str)
def test_an_example_of_fault_rules_is_accepted(example: Block) -> None:
    assert Settings(faults=json.loads(example.text)).faults


@pytest.mark.parametrize("example", blocks("bash"), ids=str)
@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_a_shell_script_parses(example: Block) -> None:
    subprocess.run(["bash", "-n"], input=example.text, text=True, check=True)


@pytest.mark.parametrize("example", blocks("python"), ids=str)
def test_a_python_example_runs(
    example: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a copy of the samples; a coroutine that it defines is run, too."""
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(example.text, names)
    for value in names.values():
        if inspect.iscoroutinefunction(value):
            asyncio.run(value())
    out = capsys.readouterr().out
    assert out
    if "outcome" in names:
        assert out.splitlines()[-1].startswith("0 ")


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_sample_manifest_plans_as_it_is(path: Path, tmp_path: Path) -> None:
    assert commands.plan(commands.load(path, out=tmp_path)).to_buy


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_in_the_text_exists(page: Path) -> None:
    """Each `batchvid COMMAND --option` in a block or in inline code is one that click knows."""
    code = [line for block in blocks("sh", "bash", "text") if block.page == page.relative_to(ROOT).as_posix()
            for line in command_lines(block.text)]  # fmt: skip
    unknown = []
    for line in [*code, *spans(page)]:
        for name, rest in re.findall(r"\bbatchvid ([a-z]\S*)((?: [^|;&]*)?)", line):
            command = every_command().get(name) or every_command().get(f"{name} {rest.strip().partition(' ')[0]}")
            known = {flag for param in command.params for flag in param.opts} if command else set()
            unknown += [line] if command is None or not _options(rest) <= known | {"--help"} else []
    assert unknown == []


def test_every_option_in_the_text_exists() -> None:
    """Also where inline code names an option alone."""
    known = {flag for command in every_command().values() for param in command.params for flag in param.opts}
    alone = {
        option for page in HAND_WRITTEN for span in spans(page) if span.startswith("--") for option in _options(span)
    }
    assert alone - known - OTHER_OPTIONS == set()


def _options(text: str) -> set[str]:
    return {word.partition("=")[0] for word in text.split() if word.startswith("--")}


def test_every_function_of_the_python_page_is_public() -> None:
    listed = re.findall(r"^\| `(\w+)\(", (ROOT / "docs" / "how-to" / "python.md").read_text("utf-8"), re.MULTILINE)
    assert set(listed) | {"Batch", "SpendingLimits"} == set(batchvid.__all__)
