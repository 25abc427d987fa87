"""The models of the gateway, by the names on its page."""

from __future__ import annotations

MODELS = (
    *("sora-2", "sora-2-pro", "gemini-omni"),
    *("happyhorse-1.0", "happyhorse-1.0-i2v", "happyhorse-1.0-t2v", "happyhorse-1.0-r2v", "happyhorse-1.0-video-edit"),
    *("doubao-seedance-1-0-lite-i2v-250428", "doubao-seedance-1-0-lite-t2v-250428"),
    *("doubao-seedance-1-0-pro-250528", "doubao-seedance-1-0-pro-fast-251015", "doubao-seedance-1-5-pro-251215"),
    *("doubao-seedance-2-0-260128", "doubao-seedance-2-0-fast-260128"),
    *("veo3", "veo3-fast", "veo3-fast-frames", "veo3-frames", "veo3-pro", "veo3-pro-frames"),
    *("veo3.1", "veo3.1-4k", "veo3.1-components", "veo3.1-fast", "veo3.1-pro", "veo3.1-pro-4k"),
    *("kling-video", "grok-imagine-1.0-video", "grok-imagine-video-1.5-preview", "grok-video-3"),
    *("viduq3-turbo", "hailuo-video"),
)
KLING_NAMES = (  # the values of `model_name` beside `model: kling-video`
    *("kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master"),
    *("kling-v2-5-turbo", "kling-v2-6", "kling-v3"),
)
SORA_SIZES = {
    "sora-2": ("720x1280", "1280x720"),
    "sora-2-pro": ("720x1280", "1280x720", "1024x1792", "1792x1024"),
}
