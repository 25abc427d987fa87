"""The files of the project agree with each other: pins, Python versions, the workflow, the hooks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PINS = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
DIRECT = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]


def name_of(requirement: str) -> str:
    """The normalized name of a requirement: `PyYAML>=6` is pyyaml."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).casefold()


@pytest.mark.parametrize("requirement", DIRECT)
def test_a_direct_dependency_is_pinned(requirement: str) -> None:
    """CI and the README's commands install exact versions of what the package and its tests import."""
    assert name_of(requirement) in {name_of(line) for line in PINS if "==" in line}


def test_ci_runs_every_supported_python_on_three_systems() -> None:
    """The classifiers, the lower bound and the matrix name the same versions, and each runs `.ci/run`."""
    prefix = "Programming Language :: Python :: 3."
    supported = [line for line in PROJECT["project"]["classifiers"] if line.startswith(prefix)]
    job = WORKFLOW["jobs"]["test"]
    matrix = job["strategy"]["matrix"]
    assert [f"3.{line.removeprefix(prefix)}" for line in supported] == matrix["python"]
    assert PROJECT["project"]["requires-python"] == f">={matrix['python'][0]}"
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert job["steps"][-1]["run"] == "bash .ci/run"
    assert (ROOT / ".ci" / "run").is_file()


def test_hooks_run_tools_of_the_environment() -> None:
    """A commit needs no network: each hook is local, and its tool comes with the dev extra."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    dev = {name_of(line) for line in PROJECT["project"]["optional-dependencies"]["dev"]}
    tools = {"lint-imports": "import-linter"}
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        tool = hook["entry"].split()[0]
        assert tools.get(tool, tool) in dev


def test_the_licence_is_the_one_that_the_package_names() -> None:
    """Its file is in the repository, so that the wheel holds it."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.startswith(f"{PROJECT['project']['license']} License")
    assert "batchvid contributors" in text


def test_the_changelog_has_a_section_for_what_is_next() -> None:
    """Keep a Changelog: Unreleased first, and only its kinds of change."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0] == "[Unreleased]"
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
