"""The command line's streams hide secrets, may be closed, and an unexpected error is one line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from batchvid.cli.main import group, main
from batchvid.cli.output import RedactedStream
from batchvid.known_keys import known_keys
from tests.end_to_end.conftest import environment

KEY = "sk-shown-nowhere-0123456789"


def test_a_stream_hides_a_key() -> None:
    """What is written to it, however."""
    known_keys.add(KEY)
    out = io.StringIO()
    stream = RedactedStream(out)
    stream.write(f"key {KEY}\n")
    stream.writelines([f"{KEY}\n", "fine\n"])
    assert out.getvalue() == "key ***\n***\nfine\n"


def test_an_unexpected_error_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the file with the traceback, which holds no secret; the exit code is 70."""

    @click.command()
    def boom() -> None:
        raise ZeroDivisionError(f"with {KEY} at https://cdn.example/a?Signature=abcdef")

    known_keys.add(KEY)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    group.add_command(boom, "boom")
    try:
        with pytest.raises(SystemExit) as end:
            main(["boom"])
    finally:
        del group.commands["boom"]
    shown = capsys.readouterr().err
    (saved,) = tmp_path.iterdir()
    assert end.value.code == 70
    assert shown.count("\n") == 1
    assert f"ZeroDivisionError: with *** at https://cdn.example/a?...; the full text is in {saved}" in shown
    assert "Traceback" in saved.read_text("utf-8")
    assert KEY not in saved.read_text("utf-8")
    assert "abcdef" not in saved.read_text("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    """A command works without them, and no file that it opens gets the number of a standard stream."""
    script = f'exec "{sys.executable}" -m batchvid schema {closed}'
    done = subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, env=environment(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="there is no such file here")
def test_a_manifest_from_a_pipe(tmp_path: Path) -> None:
    """It is read once, from the pipe."""
    manifest = b"batch: piped\ndefaults: {model: veo3-fast, provider: emulator}\nclips: [{id: k, prompt: a kite}]\n"
    command = [sys.executable, "-m", "batchvid", "plan", "/dev/stdin"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), input=manifest, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"to buy: 1 clips" in done.stdout


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become nobody in particular")
def test_a_user_without_a_passwd_entry() -> None:
    """As in a container that runs with any number: no HOME, and no name for the user."""
    code = "import os; from batchvid.catalog import remote_listing; os.environ.clear(); os.setuid(54321)\n"
    code += "print(remote_listing.cache_file())"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert "batchvid-cache-54321" in done.stdout, done.stderr
