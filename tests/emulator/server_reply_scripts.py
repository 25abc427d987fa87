"""Reply scripts of the recordings of servers with OpenAI's video routes: SGLang's, vLLM-Omni's, the proxies'."""

from __future__ import annotations

from typing import Any

from tests.emulator.helpers import Answer, Vendor, picture
from tests.emulator.script_player import (
    LINK,
    Act,
    ReplyScript,
    bare,
    ended,
    locked_out,
    queued,
    ready,
    refused,
    refused_poll,
    running,
    sends,
    sent,
    task_of,
    unknown,
)


def continues(of: str, path: str = "", *, inside: str = "", **fields: Any) -> Act:
    """A submit that names a finished clip: as `previous_job_id`, or inside of an object."""

    async def act(v: Vendor) -> Answer:
        task = task_of(await sends(of)(v))
        for _ in range(3):
            await v.call("GET", f"/{of}/v1/videos/{task}")
        parent = {inside: {"id": task}} if inside else {"previous_job_id": task}
        return await sends(of, path, **parent, **fields)(v)

    return act


SGLANG = {
    "sglang/poll-failed": ended("sglang", "fail"),
    "sglang/poll-queued": queued("sglang"),
    "sglang/poll-ready": ready("sglang"),
    "sglang/poll-ready-cloud": ready("sglang", sglang_cloud=True),
    "sglang/poll-running": running("sglang"),
    "sglang/poll-throttled": refused_poll("sglang", "rate"),
    "sglang/poll-unseen": unknown("sglang"),
    "sglang/submit-refused-key": locked_out("sglang", "submit"),
    "sglang/submit-refused-no-prompt": sent("sglang", prompt=""),
    "sglang/submit-refused-seconds": sent("sglang", seconds="five"),
    "sglang/submit-server-error": bare("sglang", "submit", 500, "Internal Server Error"),
    "sglang/submit-throttled": refused("sglang", "rate"),
}
VLLM_OMNI = {
    "vllm-omni/poll-failed-422": ended("vllm-omni", "fail", code="422", message="num_frames must be 4n+1"),
    "vllm-omni/poll-failed-500": ended("vllm-omni", "fail"),
    "vllm-omni/poll-queued": queued("vllm-omni"),
    "vllm-omni/poll-ready": ready("vllm-omni"),
    "vllm-omni/poll-running": running("vllm-omni"),
    "vllm-omni/poll-throttled": refused_poll("vllm-omni", "rate"),
    "vllm-omni/poll-unseen": unknown("vllm-omni"),
    "vllm-omni/submit-not-initialized-503": refused("vllm-omni", "unavailable"),
    "vllm-omni/submit-refused-key": locked_out("vllm-omni", "submit"),
    "vllm-omni/submit-refused-seconds": sent("vllm-omni", seconds="0"),
    "vllm-omni/submit-refused-two-kinds": sent(
        "vllm-omni", input_reference=picture(64, 48), image_reference=f'{{"image_url": "{LINK}"}}'
    ),
    "vllm-omni/submit-throttled": refused("vllm-omni", "rate"),
}
LITELLM = {
    "litellm/poll-cancelled": ended("litellm", "cancelled"),
    "litellm/poll-connection-error": refused_poll("litellm", "unavailable"),
    "litellm/poll-failed": ended("litellm", "moderation"),
    "litellm/poll-queued": queued("litellm"),
    "litellm/poll-ready": ready("litellm"),
    "litellm/poll-running": running("litellm"),
    "litellm/poll-running-processing": running("litellm", litellm_running="processing"),
    "litellm/poll-unseen": unknown("litellm"),
    "litellm/submit-connection-error": refused("litellm", "unavailable"),
    "litellm/submit-edit": ReplyScript(
        of="litellm", act=continues("litellm", "/litellm/v1/videos/edits", inside="video"), settings={"life": "instant"}
    ),
    "litellm/submit-extend": ReplyScript(
        of="litellm",
        act=continues("litellm", "/litellm/v1/videos/extensions", inside="video"),
        settings={"life": "instant"},
    ),
    "litellm/submit-refused-invalid": refused("litellm", "invalid"),
    "litellm/submit-refused-key": locked_out("litellm", "submit"),
    "litellm/submit-refused-policy": refused("litellm", "moderation"),
    "litellm/submit-throttled": refused("litellm", "rate"),
}
LLMGATEWAY = {
    "llmgateway/poll-canceled": ended("llmgateway", "cancelled"),
    "llmgateway/poll-expired": ended("llmgateway", "expired"),
    "llmgateway/poll-failed": ended("llmgateway", "fail"),
    "llmgateway/poll-queued": queued("llmgateway"),
    "llmgateway/poll-ready": ready("llmgateway"),
    "llmgateway/poll-running": running("llmgateway"),
    "llmgateway/poll-throttled": refused_poll("llmgateway", "rate"),
    "llmgateway/poll-unseen": unknown("llmgateway"),
    "llmgateway/submit-refused-credits": refused("llmgateway", "balance"),
    "llmgateway/submit-refused-key": locked_out("llmgateway", "submit"),
    "llmgateway/submit-refused-size": refused("llmgateway", "invalid"),
    "llmgateway/submit-throttled": refused("llmgateway", "rate"),
    "llmgateway/submit-upstream-502": refused("llmgateway", "unavailable"),
}
OPENROUTER = {
    "openrouter/poll-cancelled": ended("openrouter", "cancelled"),
    "openrouter/poll-expired": ended("openrouter", "expired"),
    "openrouter/poll-failed": ended("openrouter", "fail"),
    "openrouter/poll-failed-filter": ended("openrouter", "moderation"),
    "openrouter/poll-pending": queued("openrouter"),
    "openrouter/poll-ready-keyed": ready("openrouter", openrouter_signed=False),
    "openrouter/poll-ready-signed": ready("openrouter"),
    "openrouter/poll-running": running("openrouter"),
    "openrouter/poll-throttled": refused_poll("openrouter", "rate"),
    "openrouter/poll-unseen": unknown("openrouter"),
    "openrouter/submit-extend": ReplyScript(of="openrouter", act=continues("openrouter"), settings={"life": "instant"}),
    "openrouter/submit-no-provider-503": refused("openrouter", "unavailable"),
    "openrouter/submit-refused-credits": refused("openrouter", "balance"),
    "openrouter/submit-refused-duration": refused("openrouter", "invalid"),
    "openrouter/submit-refused-key": locked_out("openrouter", "submit"),
    "openrouter/submit-refused-moderation": refused("openrouter", "moderation"),
    "openrouter/submit-throttled": refused("openrouter", "rate"),
}
SERVERS = {**SGLANG, **VLLM_OMNI, **LITELLM, **LLMGATEWAY, **OPENROUTER}
