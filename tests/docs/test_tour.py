"""The README's tour and the tutorial, pasted line by line into a shell, against emulators and without a key."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from tests.docs import tour
from tests.docs.texts import ROOT, blocks, command_lines
from tests.end_to_end.conftest import ServedEmulator

README = (ROOT / "README.md").read_text("utf-8")
INSTALL = (
    r"python3 -m venv --without-pip \.venv && python3 -m pip --python \.venv/bin/python install -q -c constraints\.txt "
)

pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("bash"), reason="the tour is for a POSIX shell")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the sample manifests and an environment in .venv, as the install line leaves it."""
    tour.copy_manifests(tmp_path)
    venv.create(tmp_path / ".venv", with_pip=False)
    program = tmp_path / ".venv" / "bin" / "batchvid"
    program.write_text(
        f"#!{tmp_path}/.venv/bin/python\nfrom batchvid.cli.main import entry\n\nentry()\n",
        "utf-8",
    )
    program.chmod(0o755)
    return tmp_path


def paste(folder: Path, lines: list[str], **variables: str) -> list[tuple[str, int, str]]:
    """Give the lines to one shell; each line with its exit code and its output."""
    packages = [str(ROOT), *(path for path in sys.path if path.endswith("-packages"))]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(packages),
        **variables,
    }
    script = "".join(f"{line}\ncode=$?; echo; echo '@@@' $code\n" for line in lines)
    done = subprocess.run(["bash"], input=script, cwd=folder, env=environment, capture_output=True, text=True)
    parts = re.split(r"\n?@@@ (\d+)\n", done.stdout)
    assert len(parts) == 2 * len(lines) + 1, done.stderr
    codes = [int(code) for code in parts[1::2]]
    assert not any(codes), (list(zip(lines, codes, strict=True)), done.stderr)
    return list(zip(lines, codes, parts[::2][:-1], strict=True))


@pytest.mark.timeout(300)
def test_the_tour_of_the_readme(clone: Path) -> None:
    """Every command exits with 0, `plan` prints what the README shows, and each clip is bought once."""
    install, *lines = tour.command_lines()
    assert re.fullmatch(INSTALL + r"\. && (\.venv/bin/batchvid run \S+)", install)
    first = install.rpartition(" && ")[2]
    with ServedEmulator(Settings(life="polls:2")) as emulator:
        (clone / "catalogue.toml").write_text(
            f'[providers.cometapi]\nbase_url = "{emulator.base_url}"\npoll_every_s = 0.2\npolls_per_s = 50\n', "utf-8"
        )
        ran = paste(clone, [first, *lines], BATCHVID_CATALOG=str(clone / "catalogue.toml"))
        assert emulator.ledger()["purchases"] == 6
    (plan,) = (output for line, _, output in ran if line.startswith("batchvid plan "))
    plan = plan.replace(emulator.base_url, "https://api.cometapi.com")  # the only line that differs
    assert f"```text\n{tour.trimmed(plan)}\n```" in README
    for batch, clips in (("demo", 11), ("rehearsal", 6), ("kites", 6)):
        assert len(list((clone / "outputs" / batch / "clips").rglob("*.mp4"))) == clips


def test_the_tutorial(clone: Path) -> None:
    """Its commands exit with 0 and make the four clips of the first manifest."""
    lines = [line for block in blocks("sh") if block.page == "docs/tutorial.md" for line in command_lines(block.text)]
    paste(clone, [". .venv/bin/activate", *lines])
    assert len(list((clone / "outputs" / "first" / "clips").rglob("*.mp4"))) == 4


def test_the_manifest_and_the_table_of_the_readme_are_the_sample_files() -> None:
    for language, name in (("yaml", "kites.yaml"), ("csv", "kites.csv")):
        (block,) = (block for block in blocks(language) if block.page == "README.md")
        assert block.text == (ROOT / "manifests" / name).read_text("utf-8")


def test_the_commands_that_ci_runs_are_single_lines() -> None:
    """One runs the demo, the other one the tests."""
    demo, suite = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert re.fullmatch(INSTALL + r"\. && \.venv/bin/batchvid run manifests/demo\.yaml", demo)
    assert re.fullmatch(INSTALL + r"-e '\.\[dev\]' && \.venv/bin/python -m pytest", suite)


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= 200
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
