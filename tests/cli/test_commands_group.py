"""The top of the command line: versions, help, and names that are nearly right."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from batchvid.cli.main import group
from batchvid.version import __version__


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version(option: str) -> None:
    """Both spellings that people know."""
    assert CliRunner().invoke(group, [option]).output == f"batchvid, version {__version__}\n"


def test_help_is_a_command_too() -> None:
    """With and without the name of a command."""
    runner = CliRunner()
    assert "Commands:" in runner.invoke(group, ["help"]).output
    assert runner.invoke(group, ["help", "run"]).output.startswith("Usage: batchvid run [OPTIONS] [TARGET]")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["rn"], "there is no command 'rn'; did you mean run?"),
        (["statsu"], "did you mean status?"),
        (["xyzzy"], "batchvid help lists the commands"),
        (["clips.yaml"], "write batchvid plan clips.yaml"),
        (["help", "rnu"], "did you mean run?"),
    ],
)
def test_a_misspelled_command_gets_the_right_one(typed: list[str], words: str) -> None:
    """Nothing runs; the message ends with what to write."""
    result = CliRunner().invoke(group, typed)
    assert result.exit_code == 2
    assert words in result.output
