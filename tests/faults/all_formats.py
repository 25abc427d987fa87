"""All wire formats as jobs of a manifest, all at one emulator, with every wait of ours turned down.

Knows no fault. `QUICK` are dials of the provider row, so that nothing of batchvid itself is replaced.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from batchvid import commands
from batchvid.commands import Batch
from batchvid.display.progress import LineDisplay, Progress
from batchvid.display.tally import RunCounters
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.runner import Outcome, utc_now
from batchvid.state.state_file import StateFile, record_offline
from tests.emulator.prefixes import PREFIXES
from tests.faults import consistency_checks

KEY = "sk-test-key-that-must-not-leak"
SIGNATURES = ("sig=", "Signature=")
"""What a signed link of the emulator holds, and one that a vendor's message quotes."""
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"TEST_KEY": KEY, "PYTHONPATH": str(ROOT)}
"""What runs need, here and in processes of their own."""

JOBS: dict[str, Mapping[str, Any]] = {
    "veo": {"model": "veo3-fast", "duration_s": 4, "aspect_ratio": "16:9"},
    "openai-videos": {"model": "sora-2", "duration_s": 4, "aspect_ratio": "16:9"},
    "seedance": {"model": "doubao-seedance-2-0-fast", "duration_s": 4, "aspect_ratio": "16:9"},
    "videos": {"model": "videos/wan2.5-t2v", "duration_s": 4, "resolution": "1280x720"},
    "kling": {"model": "kling-v2-6", "duration_s": 5, "aspect_ratio": "16:9"},
    "kling-new": {"model": "kling-3.0", "duration_s": 5, "aspect_ratio": "16:9"},
    "runway": {
        "model": "gen3a_turbo",
        "duration_s": 5,
        "aspect_ratio": "16:9",
        "image": str(ROOT / "manifests" / "pictures" / "skyline.jpg"),
    },
    "xai": {"model": "grok-imagine-video", "duration_s": 4, "aspect_ratio": "16:9"},
    "gateway": {"model": "gateway/veo3.1-fast", "duration_s": 4, "aspect_ratio": "16:9"},
    "newapi": {"model": "newapi/kling-v2-6", "duration_s": 5, "aspect_ratio": "16:9"},
    "ark": {"model": "ark/seedance-1-0-pro-250528", "duration_s": 4, "aspect_ratio": "16:9"},
    "minimax": {"model": "minimax/MiniMax-H3", "duration_s": 4, "aspect_ratio": "16:9", "resolution": "768p"},
    "minimax-v1": {"model": "minimax-v1/MiniMax-Hailuo-2.3", "duration_s": 6, "resolution": "768p"},
    "dashscope": {"model": "dashscope/wan2.7-t2v", "duration_s": 4, "aspect_ratio": "16:9", "resolution": "720p"},
    "sglang": {"model": "sglang/wan", "duration_s": 4, "resolution": "832x480"},
    "vllm-omni": {"model": "vllm-omni/wan", "duration_s": 4, "resolution": "832x480"},
    "litellm": {"model": "litellm/wan", "duration_s": 4, "resolution": "832x480"},
    "llmgateway": {"model": "llmgateway/veo-3.1-generate-preview", "duration_s": 4, "resolution": "1280x720"},
    "openrouter": {"model": "openrouter/google/veo-3.1", "duration_s": 4, "resolution": "720p", "aspect_ratio": "16:9"},
    "gemini": {"model": "gemini/gemini-omni-1.2-flash", "duration_s": 4, "resolution": "360p"},
    "gemini-veo": {"model": "gemini-veo/veo-3.1-fast-generate-preview", "duration_s": 4, "aspect_ratio": "16:9"},
    "fal": {"model": "fal/fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "duration_s": 5, "aspect_ratio": "16:9"},
    "comfy-router": {"model": "comfy-router/acme/film"},
    "replicate": {"model": "replicate/kwaivgi/kling-v2.5-turbo-pro", "duration_s": 5, "aspect_ratio": "16:9"},
    "luma": {"model": "ray-flash-2", "duration_s": 5, "aspect_ratio": "16:9", "resolution": "540p"},
    "vertex-veo": {"model": "vertex-veo/veo-3.1-fast-generate-001", "duration_s": 4, "aspect_ratio": "16:9"},
}
"""A cheap clip in each wire format in Python."""
DECLARED_JOBS: dict[str, Mapping[str, Any]] = {
    "wavespeed": {"model": "wavespeed/alibaba/wan-3.0/text-to-video", "duration_s": 4, "aspect_ratio": "16:9"},
    "atlas": {"model": "atlas/bytedance/seedance-v1.5-pro", "duration_s": 4, "aspect_ratio": "16:9"},
    "kie": {"model": "kie/kling-2.6/text-to-video", "duration_s": 4, "aspect_ratio": "16:9"},
    "vidu": {"model": "vidu/viduq3-turbo", "duration_s": 4, "aspect_ratio": "16:9"},
}
"""The same in those that ship as definitions: they are tried with a sample of the faults."""
GOOGLE_KEY = {"header": "x-goog-api-key", "scheme": ""}
AUTH: dict[str, Mapping[str, str]] = {"gemini": GOOGLE_KEY, "gemini-veo": GOOGLE_KEY, "fal": {"scheme": "Key"}}
AUTH["vidu"] = {"scheme": "Token"}
"""Where a call has its key, if not as a bearer."""
FAMILIES = {"openai-videos": "sora"}
"""What the emulator calls it, where that is another name."""

LIMITS = {"concurrency": 20, "submits_per_min": 60_000, "polls_per_s": 5000, "poll_every_s": 0.01}
CLIP_WAIT_S = 0.05
"""How long a clip may not be there yet."""
QUICK: dict[str, Any] = {
    "wait_initial_s": 0.001,
    "max_clip_bytes": 2_000_000,
    "lookup": {"kling": "external_id", "kling-new": "external_id"},
    "send_key_to_own_links": False,  # the emulator's signed links stand for those of another host
}


def write_manifest(folder: Path, base_url: str, dialects: Sequence[str], *, takes: int = 1, **limits: object) -> Path:
    """A manifest with so many jobs of each wire format, each at a provider of its own, so that none stops another."""
    providers = {
        f"house-{dialect}": {
            "dialect": dialect,
            "prefix": PREFIXES.get(dialect, ""),
            "base_url": base_url,
            "api_key_env": "TEST_KEY",
            **({"auth": AUTH[dialect]} if dialect in AUTH else {}),
            **LIMITS,
            **limits,
        }
        for dialect in dialects
    }
    clips = [
        {
            "id": dialect,
            "provider": f"house-{dialect}",
            "prompt": f"a kite for {dialect} {{{{ n }}}}.",
            "matrix": {"n": list(range(takes))},
            **(JOBS | DECLARED_JOBS)[dialect],
        }
        for dialect in dialects
    ]
    path = folder / "batch.yaml"
    settings = {"batch": "batch", "downloads": {"wait_s": CLIP_WAIT_S}, "budget": {"allow_unpriced": True}}
    path.write_text(json.dumps({**settings, "providers": providers, "clips": clips}), "utf-8")
    return path


def load(folder: Path, base_url: str, dialects: Sequence[str], *, takes: int = 1, **limits: object) -> Batch:
    """The batch of such a manifest, below that folder."""
    path = write_manifest(folder, base_url, dialects, takes=takes, **limits)
    return commands.load(path, out=folder, new_batch=True)  # tests run one manifest into several folders


def with_dials(batch: Batch, **dials: Any) -> Batch:
    """The batch with these fields of every provider's row, over the quick ones."""
    rows = {name: replace(row, **(QUICK | dials)) for name, row in batch.providers.items()}
    return replace(batch, providers=rows)


def silent(jobs: Sequence[Job]) -> Progress:
    """A display that nobody sees."""
    return LineDisplay(RunCounters(jobs), io.StringIO())


def run(batch: Batch, command: Callable[..., Outcome] = commands.run, **how: Any) -> tuple[Outcome, str]:
    """Run it, or retry its failed jobs, in this process; how it ended and its output.

    Sora may be retired: the jobs request it all the same.
    """
    output = io.StringIO()
    show = partial(_display, output)
    outcome = command(batch, allow_retired=True, display=show, **how)
    return outcome, output.getvalue() + outcome.reason


def _display(output: io.StringIO, jobs: Sequence[Job]) -> Progress:
    return LineDisplay(RunCounters(jobs), output)


def settle(batch: Batch, tasks: consistency_checks.Tasks) -> None:
    """Bind every uncertain job to the task that the emulator's books name, or release it when there is none.

    As `batchvid resolve` does one by one; here all are written at once, for there may be hundreds.
    """
    with StateFile(batch.state_path) as state:
        jobs = state.jobs()
        bound = {job.task_id for job in jobs.values()}
        orphans = {task["prompt"]: task["task_id"] for task in tasks if task["task_id"] not in bound}
        settled: list[tuple[str, ev.Event]] = []
        for job in jobs.values():
            if job.state is JobState.UNCERTAIN and job.spec.request.prompt in orphans:
                settled.append((job.id, ev.SubmitAccepted(at=utc_now(), task_id=orphans[job.spec.request.prompt])))
            elif job.state is JobState.UNCERTAIN:
                settled.append((job.id, ev.Reopened(at=utc_now(), reason="resolve --abandon")))
        record_offline(state, jobs, settled)
