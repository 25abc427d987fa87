"""Where the emulator has the paths of each dialect; those not named stand at the root."""

from __future__ import annotations

PREFIXES = {
    "kling": "/kling",
    "kling-new": "/kling-new",
    "runway": "/runwayml",
    "xai": "/grok",
    "gateway": "/gateway",
    "newapi": "/gateway",
    "ark": "/ark/api/v3",
    "wavespeed": "/wavespeed",
    "atlas": "/atlas",
    "kie": "/kie",
    "vidu": "/vidu",
    "minimax": "/minimax",
    "minimax-v1": "/minimax",
    "dashscope": "/dashscope/api/v1",
    "gemini": "/gemini",
    "gemini-veo": "/gemini",
    "fal": "/fal",
    "replicate": "/replicate",
    "comfy-router": "/comfy-router",
    "luma": "/luma",
    "vertex-veo": "/vertex/v1/projects/p/locations/global",
}
PREFIXES |= {name: f"/{name}" for name in ("sglang", "vllm-omni", "litellm", "llmgateway", "openrouter")}
