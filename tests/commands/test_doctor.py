"""The doctor: reports what is wrong and how to fix it, sends one free request, and shows no key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from batchvid.cli.main import group
from batchvid.commands.doctor import examine

KEY = "sk-do-not-show-me-0123"
MANIFEST = """
providers:
  office: {{dialect: openai-videos, base_url: "{url}", api_key_env: OFFICE_KEY}}
clips:
  - {{id: boat, prompt: a boat, model: openai-videos/house, provider: office}}
"""


@contextmanager
def office(status: int = 200, *, late_s: float = 0) -> Iterator[tuple[str, list[str]]]:
    """A server whose clock is so late, and what it was asked; doctor runs a loop of its own beside it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('Authorization', '-')}")
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC) - timedelta(seconds=late_s), usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Nothing: the tests' own output stays readable."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with the key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFICE_KEY", KEY)
    return tmp_path


def findings(folder: Path, url: str) -> dict[str, tuple[str, str]]:
    """What was found and how to fix it, by what was checked."""
    (folder / "m.yaml").write_text(MANIFEST.format(url=url))
    return {found.what: (found.found, found.fix) for found in examine("m.yaml", out="outputs")}


def test_all_is_ok(folder: Path) -> None:
    """Nothing to fix, one free question with the key, exit code 0, and no key in the output."""
    with office() as (url, asked):
        (folder / "m.yaml").write_text(MANIFEST.format(url=url))
        result = CliRunner().invoke(group, ["doctor", "m.yaml"])
    assert (result.exit_code, "FAIL" in result.output) == (0, False)
    assert "ok    manifest: 1 clips to buy" in result.output
    assert "ok    office key: OFFICE_KEY is set" in result.output
    assert KEY not in result.output
    assert asked == [f"/v1/models Bearer {KEY}"]
    assert not (folder / "outputs").exists()


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (200, ""),
        (404, ""),
        (429, ""),
        (401, "the key in OFFICE_KEY is refused: copy it again, or create a new one"),
        (301, "base_url redirects to another address: use the address of the API"),
        (503, "the provider has a problem: try later"),
    ],
)
def test_what_an_answer_tells(folder: Path, status: int, fix: str) -> None:
    """Any answer shows that it is there; some show what is wrong."""
    with office(status) as (url, _):
        assert findings(folder, url)["office reachable"] == (f"answers HTTP {status}", fix)


@pytest.mark.parametrize(("late_s", "said"), [(0, "agrees"), (-3600, "behind office"), (3600, "ahead of office")])
def test_the_clock_is_held_against_theirs(folder: Path, late_s: float, said: str) -> None:
    """Signed links and deadlines need a clock that is right to about a minute."""
    with office(late_s=late_s) as (url, _):
        found, fix = findings(folder, url)["clock"]
    assert said in found
    assert bool(fix) == bool(late_s)


def test_nobody_there(folder: Path) -> None:
    """A provider that does not answer is told, and so is a missing key; the exit code is 1."""
    with office() as (url, _):
        pass
    found = findings(folder, url)
    assert found["office reachable"][1] == "check the address, your network and its firewall"
    result = CliRunner().invoke(group, ["doctor", "m.yaml"], env={"OFFICE_KEY": ""})
    assert result.exit_code == 1
    assert "FAIL  office key: provider office needs a key: set OFFICE_KEY" in result.output


def test_an_address_that_repeats_the_path(folder: Path) -> None:
    """Many a base URL is copied with its /v1, which the wire formats add themselves."""
    with office() as (url, _):
        assert findings(folder, f"{url}/v1")["office address"][1].startswith("remove /v1 and everything after it")
        assert findings(folder, url)["office address"] == (url, "")


def test_a_key_that_others_may_read(folder: Path) -> None:
    """A .env is for its owner alone; the command that fixes it is shown."""
    env = folder / ".env"
    env.write_text("OTHER=1\n")
    env.chmod(0o644)
    with office() as (url, _):
        assert findings(folder, url)[".env"] == (f"{env} can be read by others", f"chmod 600 {env}")
        env.chmod(0o600)
        assert findings(folder, url)[".env"] == (f"{env} can be read only by you", "")


def test_a_broken_manifest_does_not_end_the_examination(folder: Path) -> None:
    """It is one more thing to fix; what does not hang on it is looked at all the same."""
    (folder / "batchvid.toml").write_text('[providers.cometapi]\nbase_url = "http://127.0.0.1:9"\n')
    (folder / "m.yaml").write_text("clips: []\n")
    found = {finding.what: finding for finding in examine("m.yaml")}
    assert found["manifest"].fix == "batchvid validate m.yaml shows them"
    assert found["outputs"].is_ok
    assert not found["cometapi reachable"].is_ok
    assert found["cometapi address"].is_ok


def test_the_emulator_needs_nothing(folder: Path) -> None:
    """A demo is well without key, network and address."""
    (folder / "m.yaml").write_text("clips: [{id: a, prompt: p, model: veo3-fast, provider: emulator}]\n")
    found = {finding.what: finding.found for finding in examine("m.yaml")}
    assert found["emulator"] == "is started by the run and needs nothing"


def test_where_nothing_can_be_written(folder: Path) -> None:
    """The nearest folder that is there already is tried, and left as it was."""
    (folder / "m.yaml").write_text("clips: [{id: a, prompt: p, model: veo3-fast, provider: emulator}]\n")
    found = {finding.what: finding for finding in examine("m.yaml", out="/proc/self/outputs")}
    assert found["outputs"].found.startswith("/proc/self: ")
    assert found["outputs"].fix


def test_more_clips_than_the_disk_holds(folder: Path) -> None:
    """Room for all that is to be bought is looked for before the first is paid for."""
    axis = ", ".join(map(str, range(1000)))
    entry = f"{{id: a, prompt: p, model: veo3-fast, provider: emulator, takes: 100, matrix: {{n: [{axis}]}}}}"
    (folder / "m.yaml").write_text(f"clips: [{entry}]\n")
    found = {finding.what: finding for finding in examine("m.yaml")}
    assert found["disk"].found.endswith("3000.0 GB may be needed")
    assert found["disk"].fix == "free space, or choose another --out"


def test_the_provider_of_a_fallback_is_looked_at_too(folder: Path) -> None:
    """A run asks for its key before anything is bought, and so does the doctor."""
    with office() as (url, _):
        text = MANIFEST.format(url=url).replace(
            "provider: office}", "provider: office, fallback: {model: openai-videos/house, provider: spare}}"
        )
        spare = f'  spare: {{dialect: openai-videos, base_url: "{url}", api_key_env: SPARE_KEY}}\nclips:'
        (folder / "m.yaml").write_text(text.replace("clips:", spare), "utf-8")
        found = {one.what: one for one in examine("m.yaml")}
    assert found["office key"].is_ok
    assert found["spare key"].fix == "export SPARE_KEY=..., or put it into .env"
