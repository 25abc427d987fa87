"""`probe`: what a server speaks, found by free calls over real sockets. The replies are those of wire-notes 14."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from batchvid.catalog import providers
from batchvid.cli.main import group
from batchvid.commands.probe import ProbeResult, probe_server
from batchvid.dialects import DIALECTS
from batchvid.dialects.recognition import COMETAPI, TASK_ID
from batchvid.domain.clip_request import ClipRequest
from batchvid.domain.wire import GenerationRequest
from batchvid.emulator import Settings
from batchvid.errors import UsageError, WireError
from tests.end_to_end.conftest import ServedEmulator
from tests.exchanges import load

KEY = "sk-do-not-show-me-0123"
Reply = tuple[int, Any]
Answer = Callable[[str, str], Reply]
"""Status and body of the reply to a path and a key."""

NO_ROUTE = {"detail": "Not Found"}  # Starlette's words
INVALID_URL = {
    "error": {"message": "Invalid URL (GET /v1/x)", "type": "invalid_request_error", "param": "", "code": ""}
}
NAMED: dict[str, dict[str, object]] = {
    "sglang": {"owned_by": "sglang"},
    "vllm-omni": {"owned_by": "vllm"},
    "openrouter": {"canonical_slug": "wan"},
    "llmgateway": {"family": "wan"},
}
"""What the lists of models of servers say that are polled alike."""
PRICES = (200, {"data": [{"id": "veo3-fast", "endpoints": '{"veo": {"path": "/v1/videos"}}'}]})
NO_TASK = {"code": "task_not_exist", "message": "task_not_exist", "data": None}


@contextmanager
def server(answer: Answer) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """A server on loopback, and the calls that it got: method, path, key."""
    asked: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_call(self) -> None:
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            asked.append((self.command, self.path, key))
            status, body = answer(self.path.partition("?")[0], key)
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response_only(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_OPTIONS = do_DELETE = handle_call  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Nothing: the tests' own output stays readable."""

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}", asked
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


def routes(replies: Mapping[str, Reply], otherwise: Reply) -> Answer:
    """A server with these paths; the longest that fits replies, `ID` stands for any task."""

    def answer(path: str, _key: str) -> Reply:
        return next((reply for known, reply in replies.items() if path == known.replace("ID", TASK_ID)), otherwise)

    return answer


def models(*ids: str, **fields: object) -> Reply:
    """A list of models."""
    return 200, {"object": "list", "data": [{"id": name, "object": "model", **fields} for name in ids]}


SERVERS: dict[str, tuple[Answer, dict[str, str]]] = {
    "vLLM-Omni": (
        routes(
            {
                "/v1/videos/ID": (404, {"error": {"message": "Video not found", "type": "NotFoundError", "code": 404}}),
                "/v1/videos": (200, {"object": "list", "data": [], "has_more": False}),
                "/v1/models": models("Wan-AI/Wan2.2-T2V-A14B-Diffusers", owned_by="vllm"),
            },
            (404, {"error": {"message": "Not Found", "type": "NotFoundError", "code": 404}}),
        ),
        {"vllm-omni": "certain", "openai-videos": "possible"},
    ),
    "SGLang": (
        routes(
            {
                "/v1/videos/ID": (404, {"detail": "Video not found"}),
                "/v1/videos": (200, {"data": [], "object": "list"}),
                "/v1/models": models("Wan-AI/Wan2.1-T2V-1.3B-Diffusers", owned_by="sglang"),
            },
            (404, NO_ROUTE),
        ),
        {"sglang": "certain", "openai-videos": "possible"},
    ),
    "FastVideo": (
        routes(
            {
                "/v1/videos/ID": (404, {"detail": "Video not found"}),
                "/v1/videos": (200, {"data": [], "object": "list"}),
                "/v1/models": models("FastWan2.1-T2V-1.3B", owned_by="fastvideo"),
            },
            (404, NO_ROUTE),
        ),
        {"openai-videos": "certain"},
    ),
    "OpenRouter": (
        routes(
            {
                "/v1/videos/ID": (404, {"error": {"message": "Video job not found", "code": 404}}),
                "/v1/models": models("google/veo-3.1", canonical_slug="google/veo-3.1"),
            },
            (404, "<html>not here</html>"),
        ),
        {"openrouter": "likely", "openai-videos": "possible"},
    ),
    "LLMGateway": (
        routes(
            {
                "/v1/videos/ID": (404, {"error": {"message": "Video not found", "code": "not_found"}}),
                "/v1/models": models("veo-3.1-generate-preview", family="google", providers=[]),
            },
            (404, "404 Not Found"),
        ),
        {"llmgateway": "likely", "openai-videos": "possible"},
    ),
    "a small server": (routes({"/v1/videos/ID": (404, {"detail": "Video not found"})}, (404, NO_ROUTE)), {
        "openai-videos": "likely"
    }),
    "one that says the same of tasks and paths": (
        routes({"/v1/videos": (405, {"detail": "Method Not Allowed"})}, (404, NO_ROUTE)),
        {"openai-videos": "possible"},
    ),
    "LiteLLM": (
        routes(
            {
                "/v1/videos/ID": (500, {"error": {"message": "litellm.APIConnectionError: openai", "code": "500"}}),
                "/v1/models": models("sora-2", owned_by="openai"),
            },
            (404, NO_ROUTE),
        ),
        {"litellm": "likely", "openai-videos": "possible"},
    ),
    "new-api": (
        routes(
            {
                "/v1/videos/ID": (400, NO_TASK),
                "/v1/video/generations/ID": (400, NO_TASK),
                "/kling/v1/videos/text2video/ID": (400, NO_TASK),
                "/v1/models": models("veo-3.1", owned_by="custom", supported_endpoint_types=["openai-video"]),
            },
            (404, INVALID_URL),
        ),
        {"newapi": "certain", "kling": "certain", "gateway": "likely", "openai-videos": "possible"},
    ),
    "a relay with a mode": (routes({"/v1/videos/ID": (400, NO_TASK)}, (404, INVALID_URL)), {
        "gateway": "likely", "openai-videos": "possible"
    }),
    "xAI": (
        routes({"/v1/videos/ID": (404, {"code": "not-found", "error": "no such request"})}, (404, "")),
        {"xai": "likely", "openai-videos": "possible"},
    ),
    "Runway": (routes({"/v1/tasks/ID": (404, {"error": "Not found"})}, (404, "<html>nothing</html>")), {
        "runway": "certain"
    }),
    "some task API": (routes({"/v1/tasks/ID": (404, {"detail": "Task not found"})}, (404, NO_ROUTE)), {
        "runway": "possible"
    }),
    "Kling": (
        routes(
            {"/v1/videos/text2video/ID": (404, {"code": 1203, "message": "The requested resource does not exist"})},
            (404, "404 page not found"),
        ),
        {"kling": "certain"},
    ),
    "one-api": (routes({"/v1/models": models("gpt-4o", owned_by="openai")}, (404, INVALID_URL)), {}),
    "LocalAI": (
        routes({"/v1/models": models("wan")}, (404, {"error": {"code": 404, "message": "Resource not found"}})), {}
    ),
    "a web page for everything": (lambda _path, _key: (200, "<html>Welcome</html>"), {}),
    "a finished task for everything": (
        lambda path, _key: (200, {"id": path.rpartition("/")[2], "status": "completed", "video_url": None}), {}
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(result: ProbeResult) -> dict[str, str]:
    """How sure each dialect is."""
    return {one.dialect: str(one.sureness) for one in result.formats}


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(group, ["probe", *arguments])


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_recognized(name: str) -> None:
    """By what it says of an unknown task, beside a path that it cannot have. Only GET is sent, and no key."""
    answer, expected = SERVERS[name]
    with server(answer) as (url, asked):
        result = probe_server(f"{url}/v1/")
    assert found(result) == expected
    assert result.base_url == url
    assert {method for method, _, _ in asked} == {"GET"}
    assert {key for _, _, key in asked} == {""}
    assert len(asked) == result.calls <= 3 * len(DIALECTS)
    assert all(one.evidence for one in result.formats)
    assert bool(result.problem) == (not expected)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_recorded_replies_to_unknown_tasks_are_recognized(dialect: str) -> None:
    """Whatever a vendor calls an unknown task: the dialect is among those that fit, at the path where it belongs.

    Where dialects differ only in their submit, CometAPI's price list decides; xAI has a prefix of its own there.
    """
    recordings = [one for one in load(dialect, "poll") if one.means.get("status", {}).get("phase") == "unseen"]
    if dialect == "vertex-veo":
        pytest.skip("it is polled by POST, and a probe sends none")
    polled = DIALECTS[dialect].poll(GenerationRequest(request=ClipRequest(model="probe", prompt="probe")), "ID").path
    path = polled.partition("?")[0]
    for recording in recordings:
        reply = recording.response.status, recording.response.body.decode()
        prefix = "/grok" if dialect == "xai" and recording.response.status == 400 else ""
        replies = {f"{prefix}{path}": reply, **({"/api/models": PRICES} if dialect in COMETAPI else {})}
        if dialect in NAMED:
            replies["/v1/models"] = models("wan", **NAMED[dialect])
        with server(routes(replies, (404, NO_ROUTE))) as (url, _):
            assert dialect in found(probe_server(url)), recording.case
    assert recordings


NOT_FOUND = {"vertex-veo", "gemini-veo"}
"""Vertex AI is polled by POST, and a probe sends none; Google's operations stand below the name of their model."""


def test_every_wire_format_of_the_emulator_is_found(folder: Path) -> None:
    """All at one address: each is listed with its prefix, and the lines make a manifest that holds."""
    with ServedEmulator(Settings(), marked=True) as emulator:
        result = run(emulator.base_url)
        ledger = emulator.ledger()
    assert result.exit_code == 0
    assert "This is batchvid's emulator" in result.output
    assert (ledger["submits"], ledger["key_leaks"]) == (0, 0)
    pasted = result.output.partition("\n\nproviders:")[2]
    providers = yaml.safe_load(f"providers:{pasted}")["providers"]
    assert {row["dialect"] for row in providers.values()} == set(DIALECTS) - NOT_FOUND
    clips = "clips: [{id: a, prompt: a kite, model: house-model, provider: own-openai-videos}]\n"
    (folder / "m.yaml").write_text(f"providers:{pasted}\n{clips}")
    assert CliRunner().invoke(group, ["validate", "m.yaml"]).exit_code == 0


OWN_PREFIX = {"kling", "runway", "xai", "gateway", "newapi", "wavespeed", "atlas", "kie", "vidu"}
"""What the emulator has below a prefix."""


@pytest.mark.parametrize(
    ("path", "dialects"),
    [
        ("/v1/videos", {"veo", "openai-videos", "seedance", "videos"}),
        ("/kling/v1", {"kling"}),
        ("/kling-new", {"kling-new"}),
        ("/runwayml", {"runway"}),
        ("/grok/v1/videos/", {"xai"}),
        ("/gateway", {"gateway", "newapi"}),
        ("/ark/api/v3", {"ark"}),
        ("/minimax", {"minimax", "minimax-v1"}),
    ],
)
def test_one_path_of_the_emulator(path: str, dialects: set[str]) -> None:
    """An address with a path: only what is served there."""
    with ServedEmulator(Settings(), marked=True) as emulator:
        result = probe_server(emulator.base_url + path)
    elsewhere = {name for name, prefix in providers({})["emulator"].routes.items() if prefix}
    assert dialects <= set(found(result)) <= dialects | elsewhere
    assert {one.dialect for one in result.formats if not one.prefix} == dialects
    assert all(one.sureness == "certain" for one in result.formats if one.dialect in dialects)


def test_the_documented_root_of_dashscope() -> None:
    """Its `/v1` is cut off, as that of others, and comes back as the prefix."""
    with ServedEmulator(Settings(), marked=True) as emulator:
        result = probe_server(emulator.base_url + "/dashscope/api/v1")
    assert [(one.dialect, one.prefix) for one in result.formats] == [("dashscope", "/v1")]
    assert "    prefix: /v1" in result.lines()


def test_a_relay_like_cometapi(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator plays a real provider: its price list and prefixes tell, and the key is sent."""
    monkeypatch.setenv("GW_KEY", KEY)
    with ServedEmulator(Settings(api_key=KEY, mark_replies=False)) as emulator:
        result = probe_server(emulator.base_url, key_env="GW_KEY")
    assert {"veo", "openai-videos", "seedance", "videos", "kling", "runway", "xai"} <= set(found(result))
    assert not result.is_emulator
    assert result.problem == ""
    assert "    api_key_env: GW_KEY" in result.lines()
    assert {one.dialect: one.prefix for one in result.formats}["kling"] == "/kling"


def test_a_server_that_wants_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a right one it tells nothing: the option is named, and no key is ever shown."""

    def answer(path: str, key: str) -> Reply:
        if key != KEY:
            return 401, {"error": {"message": f"Incorrect API key provided: {key}", "code": "invalid_api_key"}}
        return SERVERS["SGLang"][0](path, key)

    with server(answer) as (url, asked):
        without = run(url)
        monkeypatch.setenv("GW_KEY", "sk-wrong-0123456789")
        wrong = run(url, "--key-env", "GW_KEY")
        monkeypatch.setenv("GW_KEY", KEY)
        right = run(url, "--key-env", "GW_KEY")
    assert (without.exit_code, wrong.exit_code, right.exit_code) == (1, 1, 0)
    assert "--key-env NAME" in without.output
    assert "the key in GW_KEY is refused" in wrong.output
    assert "certain: sglang" in right.output
    assert "api_key_env: GW_KEY" in right.output
    for result in (without, wrong, right):
        assert KEY not in result.output
        assert "sk-wrong" not in result.output
    assert {key for _, _, key in asked} == {"", "sk-wrong-0123456789", KEY}


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the call nor the key goes on."""
    monkeypatch.setenv("GW_KEY", KEY)
    with server(lambda _path, _key: (301, "")) as (url, asked):
        result = run(url, "--key-env", "GW_KEY")
    assert result.exit_code == 1
    assert "redirects to another one" in result.output
    assert not any("elsewhere" in path for _, path, _ in asked)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gw.example.com/v1"], "URL: must begin with https:// or http://: write https://gw.example.com/v1"),
        (["https://user:pw@gw.example.com"], "URL: must be an address without a user name"),
        (["http://127.0.0.1:9", "--key-env", KEY], "--key-env: must be the NAME of an environment variable"),
        (["http://127.0.0.1:9", "--key-env", "NO_SUCH_KEY"], "needs a key: set NO_SUCH_KEY"),
        (["http://gw.example.com", "--key-env", "GW_KEY"], "the key would be sent unencrypted: use https://"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_sent(arguments: list[str], said: str) -> None:
    """As for a manifest's provider: the line to write, and never the key itself."""
    result = run(*arguments)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)
    assert KEY not in str(result.exception)


def test_a_server_that_is_not_there() -> None:
    """One call, and its error."""
    with server(lambda _path, _key: (404, "")) as (url, _):
        pass
    with pytest.raises(WireError, match="no connection to http://127"):
        probe_server(url)


def test_what_the_server_lists_is_shown() -> None:
    """Its model ids can be written as they are; a long list is cut."""
    with server(routes({"/v1/models": models(*(f"m/{n}" for n in range(12)))}, (404, NO_ROUTE))) as (url, _):
        result = run(url)
    assert result.exit_code == 1
    assert "models: m/0, m/1, " in result.output
    assert "m/9 and 2 more" in result.output
    assert "no wire format fits" in result.output


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((403, "<html>Access denied</html>"), "refuses every call with HTTP 403"),
        ((403, {"error": {"message": "forbidden", "code": "invalid_api_key"}}), "--key-env NAME"),
        ((503, "down"), "answers HTTP 503: try later"),
        ((429, {"error": {"message": "slow down"}}), "answers HTTP 429: try later"),
    ],
)
def test_a_server_that_answers_everything_alike(reply: Reply, said: str) -> None:
    """Such replies prove nothing, and no format is named."""
    with server(lambda _path, _key: reply) as (url, _):
        result = probe_server(url)
    assert result.formats == ()
    assert said in result.problem
