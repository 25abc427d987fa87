"""Servers of the user's own, as their sources have them: one clip and one failure each, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchvid import commands
from tests.end_to_end.conftest import PICTURES, Bench
from tests.end_to_end.model_servers import LiteLLM, ModelServer, SGLang, VllmOmni, serving
from tests.faults import all_formats
from tests.videos import make_video

PICTURE = PICTURES / "harbour.jpg"
QUICK: Mapping[str, Any] = {
    "concurrency": 20, "submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02,
}  # fmt: skip
GOOD = "model: Wan-AI/Wan2.2-T2V-A14B, duration_s: 2, resolution: 64x48"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real clip."""
    return make_video(tmp_path_factory.mktemp("clip") / "a.mp4", "index first").read_bytes()


def write(bench: Bench, server: ModelServer, dialect: str, clips: Mapping[str, str], **row: Any) -> None:
    """A manifest of these clips at the server."""
    provider = {"dialect": dialect, "base_url": f"{server.base_url}/v1", **QUICK, **row}
    lines = "\n".join(f"  - {{id: {name}, prompt: 'a {name} kite', {fields}}}" for name, fields in clips.items())
    top = f"providers: {json.dumps({'own': provider})}\ndefaults: {{provider: own}}\ndownloads: {{wait_s: 0.2}}"
    bench.manifest.write_text(f"{top}\nclips:\n{lines}\n", "utf-8")


def ends(bench: Bench) -> dict[str, str]:
    """How each job ended."""
    return {row["id"]: row["state"] for row in bench.rows()}


def paid(server: ModelServer) -> list[dict[str, Any]]:
    """The bodies of the paid calls."""
    return [call.body for call in server.calls if call.method == "POST"]


@pytest.mark.parametrize(
    ("kind", "dialect"),
    [
        (SGLang, "sglang"), (SGLang, "openai-videos"), (VllmOmni, "vllm-omni"), (VllmOmni, "openai-videos"),
    ],
)  # fmt: skip
def test_one_clip_and_one_failure(bench: Bench, clip: bytes, kind: type[ModelServer], dialect: str) -> None:
    """Without a key and with a picture of any size. The failure ends the job with the server's own reason, once."""
    clips = {"good": f"{GOOD}, image: '{PICTURE}', options: {{num_inference_steps: 4, fps: 8}}", "bad": GOOD}
    with serving(kind(clip)) as server:
        write(bench, server, dialect, clips)
        ended = bench.run()
    assert ended.code == 1, ended.out + ended.err
    assert ends(bench) == {"good": "succeeded", "bad": "failed"}
    failed = next(row for row in bench.rows() if row["id"] == "bad")
    reason = "CUDA out of memory" if kind is SGLang else "the engine refused the request"
    assert reason in failed["message"]
    assert len(paid(server)) == 2
    good = next(body for body in paid(server) if "good" in body["prompt"])
    assert good["input_reference"] == PICTURE.read_bytes()
    assert (good["seconds"], good["size"], good["num_inference_steps"]) == ("2", "64x48", "4")
    assert not any("variant" in call.path or "authorization" in call.headers for call in server.calls)
    assert not any(call.method == "DELETE" for call in server.calls)


def test_the_knobs_of_a_diffusion_model_have_their_manifest_keys(bench: Bench, clip: bytes) -> None:
    """`seed` and `negative_prompt` are fields there, and a picture may be a link that the server fetches."""
    link = "https://example.com/kite.png"
    fields = f"{GOOD}, seed: 7, negative_prompt: rain, image: '{link}'"
    for kind, dialect, place in ((SGLang, "sglang", "reference_url"), (VllmOmni, "vllm-omni", "image_reference")):
        with serving(kind(clip)) as server:
            write(bench, server, dialect, {f"good-{dialect}": fields})
            assert bench.run("--new-batch").code == 0
        sent = paid(server)[0]
        assert (sent["seed"], sent["negative_prompt"], link in sent[place]) == ("7", "rain", True)


def test_a_clip_that_sglang_uploaded(bench: Bench, clip: bytes) -> None:
    """The link of the reply is fetched; the content route, which refuses then, is not asked."""
    with serving(SGLang(clip, uploads_to="/bucket/clip.mp4")) as server:
        write(bench, server, "sglang", {"good": GOOD})
        assert bench.run().code == 0
    assert not any(call.path.endswith("/content") for call in server.calls)


def test_a_failure_of_the_request_is_no_failure_of_the_server(bench: Bench, clip: bytes) -> None:
    """vLLM-Omni tells by the HTTP status of the poll: under a 4xx the same request would fail again."""
    with serving(VllmOmni(clip, failure=422)) as server:
        write(bench, server, "vllm-omni", {"bad": GOOD})
        assert bench.run().code == 1
    assert [row["failure_kind"] for row in bench.rows()] == ["invalid"]
    assert sum(call.method == "GET" for call in server.calls) == 3


def test_vllm_omni_aborts_what_takes_too_long(bench: Bench, clip: bytes) -> None:
    """`cancel: running` in its row: a task that is overdue is stopped there."""

    class Slow(VllmOmni):
        def advance(self, _task_id: str) -> str:
            return "in_progress"

    with serving(Slow(clip)) as server:
        write(bench, server, "vllm-omni", {"good": GOOD}, cancel="running", timeout_s=0.2)
        bench.run()
    assert len(server.aborted) == 1
    assert "was cancelled at own" in bench.rows()[0]["message"]


@pytest.mark.parametrize("dialect", ["sglang", "vllm-omni"])
def test_a_server_that_was_restarted(bench: Bench, clip: bytes, dialect: str) -> None:
    """Its tasks are lost; nothing is made again unless the user asks for it."""

    class Restarted(SGLang if dialect == "sglang" else VllmOmni):  # type: ignore[misc]
        def retrieve(self, task_id: str) -> tuple[int, Any]:
            if len(paid(self)) == 1:
                self.restart()
            reply: tuple[int, Any] = super().retrieve(task_id)
            return reply

    with serving(Restarted(clip)) as server:
        write(bench, server, dialect, {"good": GOOD})
        batch = commands.load(bench.manifest, out=bench.folder / "outputs")
        forgetful = {name: replace(row, grace_s=0) for name, row in batch.providers.items()}
        all_formats.run(replace(batch, providers=forgetful))
        assert [row["failure_kind"] for row in bench.rows()] == ["lost_task"]
        assert "Video not found" in bench.rows()[0]["message"]
        assert len(paid(server)) == 1
        again = bench.cli("retry", str(bench.manifest), "--kind", "lost_task")
    assert again.code == 0, again.out + again.err
    assert (len(paid(server)), ends(bench)) == (2, {"good": "succeeded"})


@pytest.mark.parametrize("dialect", ["litellm", "openai-videos"])
def test_a_litellm_proxy(
    bench: Bench, clip: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dialect: str
) -> None:
    """Ids with `=` come back encoded, its words are known, and it is told not to repeat a paid call."""
    monkeypatch.setenv("PROXY_KEY", "sk-1234")
    with serving(LiteLLM(clip)) as server:
        write(bench, server, dialect, {"good": GOOD, "bad": GOOD}, api_key_env="PROXY_KEY")
        ended = bench.run()
    assert ended.code == 1, ended.out + ended.err
    assert ends(bench) == {"good": "succeeded", "bad": "failed"}
    assert isinstance(server, LiteLLM)
    assert server.bought == len(paid(server)) == 2
    assert "Veo could not generate videos" in next(row["message"] for row in bench.rows() if row["id"] == "bad")
    polled = {call.steps[2] for call in server.calls if call.method == "GET"}
    assert polled == set(server.jobs)
    assert all(task_id.endswith("=") for task_id in polled)


def test_a_litellm_proxy_whose_vendor_fails(bench: Bench, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One paid call is one call at the vendor, however it ends: the job waits for a person."""
    monkeypatch.setenv("PROXY_KEY", "sk-1234")
    with serving(LiteLLM(clip, fails_first=True)) as server:
        write(bench, server, "litellm", {"good": GOOD}, api_key_env="PROXY_KEY")
        assert bench.run().code == 5
    assert isinstance(server, LiteLLM)
    assert (server.bought, ends(bench)) == (1, {"good": "uncertain"})
