"""The doctor: reports what is wrong and how to fix it, sends one free request, and shows no key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from batchvid.cli.main import group
from batchvid.commands.doctor import examine
from batchvid.commands.provider_checks import MODEL, NO_PATH, TASK_ID, WRONG_KEY
from batchvid.dialects import DIALECTS
from tests.builders import generation
from tests.runner.servers import closed_port

KEY = "sk-do-not-show-me-0123"
MANIFEST = """
providers:
  office: {{dialect: openai-videos, base_url: "{url}", api_key_env: OFFICE_KEY}}
clips:
  - {{id: boat, prompt: a boat, model: openai-videos/house, provider: office}}
"""


Answer = Callable[[str, str], tuple[int, str]]
"""Status and body for a path and the key of the request."""


def video_api(path: str, key: str) -> tuple[int, str]:
    """A server of the wire format that tests keys."""
    if key != KEY:
        return 401, '{"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}'
    if path.startswith("/v1/videos/"):
        return 404, '{"error": {"message": "Video not found", "code": "task_not_exist"}}'
    return 404, f'{{"error": {{"message": "Invalid URL (GET {path})", "type": "invalid_request_error"}}}}'


def keyless_api(path: str, _key: str) -> tuple[int, str]:
    """The same, and any key will do; its models are listed."""
    return (200, '{"data": []}') if path == "/v1/models" else video_api(path, KEY)


@contextmanager
def office(answer: Answer = video_api, *, late_s: float = 0) -> Iterator[tuple[str, list[str]]]:
    """A server whose clock is so late, and what it was asked; doctor runs a loop of its own beside it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            asked.append(f"GET {self.path} {key}")
            status, body = answer(self.path, key)
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC) - timedelta(seconds=late_s), usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_POST(self) -> None:
            asked.append("POST")
            self.send_error(500)

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


def write(folder: Path, url: str) -> str:
    """Write the manifest; return its name."""
    (folder / "m.yaml").write_text(MANIFEST.format(url=url))
    return "m.yaml"


def findings(folder: Path, url: str) -> dict[str, tuple[str, str]]:
    """What was found and how to fix it, by what was checked."""
    return {found.what: (found.found, found.fix) for found in examine(write(folder, url), out="outputs")}


def test_all_is_ok(folder: Path) -> None:
    """Nothing to fix, four free questions, exit code 0, and no key in the output."""
    with office() as (url, asked):
        (folder / "m.yaml").write_text(MANIFEST.format(url=url))
        result = CliRunner().invoke(group, ["doctor", "m.yaml"])
    assert (result.exit_code, "FAIL" in result.output) == (0, False)
    assert "ok    manifest: 1 clips to buy" in result.output
    assert "ok    office key: OFFICE_KEY is set" in result.output
    assert KEY not in result.output
    assert "ok    office openai-videos: " in result.output
    assert "ok    office key test: accepted; a wrong key gets HTTP 401" in result.output
    assert asked == [
        f"GET /v1/videos/{TASK_ID} {KEY}",
        f"GET /v1{NO_PATH} {KEY}",
        f"GET /v1/videos/{TASK_ID} {WRONG_KEY}",
        f"GET /v1/models {KEY}",
    ]
    assert "?     office models: could not be checked: " in result.output
    assert "?     office submit: not checked: every submit may be paid" in result.output
    assert not (folder / "outputs").exists()


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (200, ""),
        (404, ""),
        (429, ""),
        (401, ""),
        (301, "base_url redirects to another address: use the address of the API"),
        (503, "the provider has a problem: try later"),
    ],
)
def test_what_a_status_tells(folder: Path, status: int, fix: str) -> None:
    """Any answer shows that it is there; a redirect or a server error shows what is wrong."""
    with office(lambda _path, _key: (status, "{}")) as (url, _):
        assert findings(folder, url)["office reachable"] == (f"answers HTTP {status}", fix)


def test_a_wrong_key_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's words are shown; the route could not be checked with it."""
    monkeypatch.setenv("OFFICE_KEY", "sk-another-key-0123456789")
    with office() as (url, asked):
        found = {one.what: one for one in examine(write(folder, url), out="outputs")}
    assert found["office key test"].found.startswith("refused: HTTP 401: invalid_api_key")
    assert found["office key test"].fix == "the key in OFFICE_KEY is refused: copy it again, or create a new one"
    assert found["office openai-videos"].is_open
    assert "POST" not in asked


def test_a_key_that_nothing_proves_is_not_called_right(folder: Path) -> None:
    """A server that takes any key: neither the route nor the list of models tells a wrong one apart."""
    with office(keyless_api) as (url, _):
        write(folder, url)
        result = CliRunner().invoke(group, ["doctor", "m.yaml"])
    assert (result.exit_code, "FAIL" in result.output) == (0, False)
    assert "?     office key test: key could not be checked: a wrong key gets the same reply" in result.output


def test_the_list_of_models_may_prove_the_key(folder: Path) -> None:
    """Where polls need no key, the models may."""

    def answer(path: str, key: str) -> tuple[int, str]:
        return video_api(path, key) if path == "/v1/models" else video_api(path, KEY)

    with office(answer) as (url, _):
        assert findings(folder, url)["office key test"] == ("accepted by /v1/models; a wrong key gets HTTP 401", "")


@pytest.mark.parametrize(
    "answer",
    [
        lambda path, _key: video_api(path.replace("/v1/videos", "/v2/videos"), KEY),
        lambda _path, _key: (404, '{"detail": "Not Found"}'),
        lambda _path, _key: (404, "404 page not found"),
        lambda _path, _key: (200, "<html>welcome</html>"),
        lambda _path, _key: (200, '{"status": "ok"}'),
    ],
)
def test_a_wrong_path_or_dialect_is_not_ok(folder: Path, answer: Answer) -> None:
    """Every path gets the same reply, or none is of the wire format: the address where it is expected is shown."""
    with office(answer) as (url, asked):
        found, fix = findings(folder, url)["office openai-videos"]
    assert f"{url}/v1/videos" in found
    assert fix == f"check base_url, prefix and dialect: openai-videos is expected at {url}/v1/videos"
    assert "POST" not in asked


def test_a_route_that_only_takes_submits_is_there(folder: Path) -> None:
    """FastAPI says `Not Found` for an unknown task and an unknown path; GET on the submit route tells them apart."""

    def answer(path: str, _key: str) -> tuple[int, str]:
        return (405, '{"detail": "Method Not Allowed"}') if path == "/v1/videos" else (404, '{"detail": "Not Found"}')

    with office(answer) as (url, _):
        assert findings(folder, url)["office openai-videos"][1] == ""


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
    """Many a base URL is copied with its /v1, which the wire formats add themselves: it counts once."""
    with office() as (url, asked):
        for end in ("", "/v1", "/v1/videos/"):
            found = findings(folder, url + end)
            assert found["office address"] == (url, "")
            assert found["office openai-videos"][1] == ""
        assert not any("/v1/v1" in one for one in asked)


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


KEYLESS = """
providers: {{office: {{dialect: openai-videos, base_url: "{url}/v1"}}}}
clips:
  - {{id: boat, prompt: a boat, model: {model}, provider: office}}
"""


def listing_api(path: str, key: str) -> tuple[int, str]:
    """A server without keys that lists two models."""
    if path == "/v1/models":
        return 200, '{"object": "list", "data": [{"id": "Wan-AI/Wan2.2-T2V-A14B"}, {"id": "hailuo:02"}]}'
    return video_api(path, KEY) if not key else (400, "{}")


@pytest.mark.parametrize(
    ("model", "mark", "found"),
    [
        ("Wan-AI/Wan2.2-T2V-A14B", "ok  ", "lists Wan-AI/Wan2.2-T2V-A14B"),
        ("Wan-AI/Wan2.2-T2V", "?   ", "/v1/models; did you mean Wan-AI/Wan2.2-T2V-A14B?"),
        ("house", "?   ", "/v1/models; it lists Wan-AI/Wan2.2-T2V-A14B, hailuo:02"),
    ],
)
def test_a_server_of_ones_own_without_a_key(folder: Path, model: str, mark: str, found: str) -> None:
    """No key is missed and none is sent; its list of models is compared, and what was not checked is said."""
    with office(listing_api) as (url, asked):
        (folder / "m.yaml").write_text(KEYLESS.format(url=url, model=model))
        result = CliRunner().invoke(group, ["doctor", "m.yaml"])
    assert result.exit_code == 0, result.output
    assert "ok    office key: none is named in api_key_env: calls go without one\n" in result.output
    assert "ok    office openai-videos: " in result.output
    assert "key test" not in result.output
    line = next(line for line in result.output.splitlines() if "office models: " in line)
    assert line.startswith(mark)
    assert line.endswith(found)
    assert {one.split(" ")[2] for one in asked} == {""}


def test_a_server_that_wants_a_key_although_none_is_named(folder: Path) -> None:
    """The line to write is shown."""
    with office() as (url, _):
        (folder / "m.yaml").write_text(KEYLESS.format(url=url, model="house"))
        found = {one.what: one for one in examine("m.yaml")}
    assert found["office openai-videos"].fix == (
        "the server wants a key: write api_key_env: NAME for providers.office, and set NAME"
    )


def test_an_own_provider_is_checked_without_a_manifest(folder: Path) -> None:
    """Also one without a key: it is in the user's file."""
    with office(listing_api) as (url, _):
        (folder / "batchvid.toml").write_text(
            f'[providers.office]\ndialect = "openai-videos"\nbase_url = "{url}"\n'
            '[providers.cometapi]\nbase_url = "http://127.0.0.1:9"\n'
        )
        found = {one.what: one for one in examine(None)}
    assert found["office openai-videos"].is_ok
    assert found["office models"].found == "lists Wan-AI/Wan2.2-T2V-A14B, hailuo:02"


def network(url: str, rows: str) -> str:
    """A manifest whose provider has these lines too."""
    return KEYLESS.format(url=url, model="house").replace(f'"{url}/v1"', f'"{url}/v1", {rows}')


def test_a_wrong_ca_file_is_reported_before_anything_is_sent(folder: Path) -> None:
    """With the file, and what to correct."""
    with office() as (url, asked):
        (folder / "m.yaml").write_text(network(url, "ca_file: ca.pem"))
        found = {one.what: one for one in examine("m.yaml")}
    assert found["office way"].found == f"provider office: ca_file: there is no file {folder / 'ca.pem'}"
    assert found["office way"].fix == "correct ca_file, proxy or proxy_env of providers.office"
    assert not asked


def test_a_proxy_is_named_and_used(folder: Path) -> None:
    """A proxy that is not there means that nothing was sent."""
    with office() as (url, asked):
        (folder / "m.yaml").write_text(network(url, f"proxy: http://127.0.0.1:{closed_port()}"))
        found = {one.what: one for one in examine("m.yaml")}
    assert found["office proxy"].found.startswith("http://127.0.0.1:")
    assert f"no connection to {url} through its proxy" in found["office reachable"].found
    assert not asked


def test_each_variable_of_a_token_is_named(folder: Path) -> None:
    """The line that sets them is shown."""
    with office() as (url, _):
        auth = "auth: {type: jwt, access_env: GW_ACCESS, secret_env: GW_SECRET}"
        (folder / "m.yaml").write_text(network(url, auth))
        found = {one.what: one for one in examine("m.yaml")}
    assert found["office key"].fix == "export GW_ACCESS=... GW_SECRET=..., or put it into .env"


@pytest.mark.parametrize(
    ("fields", "mark", "found"),
    [
        ("callback_signature: openrouter", "?   ", "cannot be checked: write callback_secret_env: NAME"),
        ("callback_signature: openrouter, callback_secret_env: NO_HOOK", "?   ", "cannot be checked: set NO_HOOK"),
        ("callback_signature: openrouter, callback_secret_env: OFFICE_KEY", "ok  ", "are checked (openrouter)"),
    ],
)
def test_what_callbacks_need_is_named(folder: Path, fields: str, mark: str, found: str) -> None:
    """It is no fault: a callback only has a task polled."""
    with office() as (url, _):
        (folder / "m.yaml").write_text(network(url, fields))
        result = CliRunner().invoke(group, ["doctor", "m.yaml"])
    line = next(line for line in result.output.splitlines() if "office callbacks: " in line)
    assert line.startswith(mark)
    assert found in line


@pytest.mark.parametrize("dialect", ["fal", "replicate"])
def test_the_model_of_its_calls_has_an_owner(dialect: str) -> None:
    """Ids of these vendors are OWNER/NAME, and fal's paths begin with both: without it doctor asks no path of fal."""
    asked = generation(model=MODEL)
    assert DIALECTS[dialect].submit(asked).path.count(MODEL) == 1
