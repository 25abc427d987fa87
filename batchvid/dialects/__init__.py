"""Every wire format by its name. dialect.py states what a dialect is; each module of this folder holds one."""

from __future__ import annotations

from batchvid.dialects import (
    ark,
    comfy_router,
    dashscope,
    fal,
    gateway,
    gemini,
    gemini_veo,
    kling,
    kling_new,
    litellm,
    llmgateway,
    luma,
    minimax,
    minimax_v1,
    newapi,
    openai_videos,
    openrouter,
    replicate,
    runway,
    seedance,
    sglang,
    veo,
    vertex_veo,
    videos,
    vllm_omni,
    xai,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.registry import Dialects

__all__ = ["DIALECTS", "Dialect", "Dialects"]

_CODED: dict[str, Dialect] = {
    "veo": veo.DIALECT,
    "openai-videos": openai_videos.DIALECT,
    "seedance": seedance.DIALECT,
    "videos": videos.DIALECT,
    "kling": kling.DIALECT,
    "kling-new": kling_new.DIALECT,
    "runway": runway.DIALECT,
    "xai": xai.DIALECT,
    "gateway": gateway.DIALECT,
    "newapi": newapi.DIALECT,
    "ark": ark.DIALECT,
    "minimax": minimax.DIALECT,
    "minimax-v1": minimax_v1.DIALECT,
    "dashscope": dashscope.DIALECT,
    "sglang": sglang.DIALECT,
    "vllm-omni": vllm_omni.DIALECT,
    "litellm": litellm.DIALECT,
    "llmgateway": llmgateway.DIALECT,
    "openrouter": openrouter.DIALECT,
    "gemini": gemini.DIALECT,
    "gemini-veo": gemini_veo.DIALECT,
    "fal": fal.DIALECT,
    "comfy-router": comfy_router.DIALECT,
    "replicate": replicate.DIALECT,
    "luma": luma.DIALECT,
    "vertex-veo": vertex_veo.DIALECT,
}
DIALECTS = Dialects(_CODED)
"""Every dialect by the name that the catalogue uses.

catalog/wire_formats.py adds the `json-task` dialects: those that ship as examples, and the user's when they are read.
"""
