"""The fields of fal's video models, by their ids.

Source: fal's own TypeScript client, libs/client/src/types/endpoints.ts at commit 381105e (2026-08-02), which fal
generates from the OpenAPI documents of its models. tests/fixtures/fal_inputs.json holds what the rows name of it.
"""

from __future__ import annotations

from batchvid.dialects.common.model_fields import Table

_KLING_TEXT = "duration_s=duration:text aspect_ratio negative_prompt"
_VEO = "duration_s=duration:s aspect_ratio resolution negative_prompt sound=generate_audio seed"
_SEEDANCE = "duration_s=duration:text aspect_ratio resolution"
_SEEDANCE_1 = f"{_SEEDANCE} seed"
_SEEDANCE_2 = f"{_SEEDANCE} sound=generate_audio"
_WAN_27 = "duration_s=duration resolution seed negative_prompt"
_WAN_26 = "duration_s=duration:text resolution seed negative_prompt"
_WAN_22 = "aspect_ratio resolution seed"
_LTX = "duration_s=duration aspect_ratio resolution sound=generate_audio"
_HORSE = "duration_s=duration resolution seed"
_HORSE_SHAPED = f"{_HORSE} aspect_ratio"
_GROK = "duration_s=duration resolution"
_VIDU = "duration_s=duration resolution seed sound=audio"
_PIXVERSE = "duration_s=duration resolution seed negative_prompt sound=generate_audio_switch"
_LUMA = "duration_s=duration:s aspect_ratio resolution"
_TEXT_S = "duration_s=duration:text"

TABLE: Table = (
    ("fal-ai/veo3.1*/extend-video", f"action:extend video!=video_url {_VEO}"),
    ("fal-ai/veo3.1*/first-last-frame-to-video", f"image!=first_frame_url end_image!=last_frame_url {_VEO}"),
    ("fal-ai/veo3.1*/image-to-video", f"image!=image_url {_VEO}"),
    (
        "fal-ai/veo3.1/reference-to-video",
        "reference_images!=image_urls duration_s=duration:s aspect_ratio resolution sound=generate_audio",
    ),
    ("fal-ai/veo3.1", _VEO),
    ("fal-ai/veo3.1/fast", _VEO),
    ("fal-ai/veo3.1/lite", _VEO),
    ("fal-ai/kling-video/v1.6/pro/image-to-video", f"image!=image_url end_image=tail_image_url {_KLING_TEXT}"),
    (
        "fal-ai/kling-video/v2.[15]*/pro/image-to-video",
        "image!=image_url end_image=tail_image_url duration_s=duration:text negative_prompt",
    ),
    (
        "fal-ai/kling-video/v2.6/pro/image-to-video",
        "image!=start_image_url end_image=end_image_url duration_s=duration:text negative_prompt sound=generate_audio",
    ),
    ("fal-ai/kling-video/v2.6/pro/text-to-video", f"{_KLING_TEXT} sound=generate_audio"),
    ("fal-ai/kling-video/v1.6/standard/image-to-video", "image!=image_url duration_s=duration:text negative_prompt"),
    ("fal-ai/kling-video/v2*/image-to-video", "image!=image_url duration_s=duration:text negative_prompt"),
    ("fal-ai/kling-video/v1.6/*/text-to-video", _KLING_TEXT),
    ("fal-ai/kling-video/v2*/text-to-video", _KLING_TEXT),
    ("fal-ai/kling-video/v3/turbo/*/image-to-video", "image!=image_url duration_s=duration:text"),
    ("fal-ai/kling-video/v3/turbo/*/text-to-video", "duration_s=duration:text aspect_ratio"),
    (
        "fal-ai/kling-video/v3/*/image-to-video",
        "image!=start_image_url end_image=end_image_url duration_s=duration:text negative_prompt sound=generate_audio",
    ),
    ("fal-ai/kling-video/v3/*/text-to-video", f"{_KLING_TEXT} sound=generate_audio"),
    (
        "fal-ai/kling-video/o3/*/image-to-video",
        "image!=image_url end_image=end_image_url duration_s=duration:text sound=generate_audio",
    ),
    ("fal-ai/kling-video/o3/*/text-to-video", "duration_s=duration:text aspect_ratio sound=generate_audio"),
    (
        "fal-ai/kling-video/o3/*/reference-to-video",
        "image=start_image_url end_image=end_image_url reference_images=image_urls duration_s=duration:text"
        " aspect_ratio sound=generate_audio",
    ),
    ("fal-ai/kling-video/o3/*/video-to-video/edit", "action:edit video!=video_url reference_images=image_urls"),
    ("bytedance/seedance-2.0*/image-to-video", f"image!=image_url end_image=end_image_url {_SEEDANCE_2}"),
    ("bytedance/seedance-2.0*/reference-to-video", f"reference_images=image_urls {_SEEDANCE_2}"),
    ("bytedance/seedance-2.0*/text-to-video", _SEEDANCE_2),
    (
        "fal-ai/bytedance/seedance/v1.5/pro/image-to-video",
        f"image!=image_url end_image=end_image_url {_SEEDANCE_1} sound=generate_audio",
    ),
    ("fal-ai/bytedance/seedance/v1.5/pro/text-to-video", f"{_SEEDANCE_1} sound=generate_audio"),
    ("fal-ai/bytedance/seedance/v1/pro/fast/image-to-video", f"image!=image_url {_SEEDANCE_1}"),
    ("fal-ai/bytedance/seedance/v1/*/image-to-video", f"image!=image_url end_image=end_image_url {_SEEDANCE_1}"),
    ("fal-ai/bytedance/seedance/v1/*/text-to-video", _SEEDANCE_1),
    ("fal-ai/wan/v2.7/image-to-video", f"image=image_url end_image=end_image_url {_WAN_27}"),
    ("fal-ai/wan/v2.7/text-to-video", f"aspect_ratio {_WAN_27}"),
    ("fal-ai/wan/v2.7/reference-to-video", f"reference_images=reference_image_urls aspect_ratio {_WAN_27}"),
    ("wan/v2.6/image-to-video/flash", f"image!=image_url {_WAN_26} sound=generate_audio"),
    ("wan/v2.6/image-to-video", f"image!=image_url {_WAN_26}"),
    ("fal-ai/wan-25-preview/image-to-video", f"image!=image_url {_WAN_26}"),
    ("fal-ai/wan-25-preview/text-to-video", f"aspect_ratio {_WAN_26}"),
    ("fal-ai/wan/v2.2-a14b/image-to-video/turbo", f"image!=image_url end_image=end_image_url {_WAN_22}"),
    ("fal-ai/wan/v2.2-a14b/text-to-video/turbo", _WAN_22),
    ("fal-ai/wan/v2.2-a14b/text-to-video", f"{_WAN_22} negative_prompt"),
    ("fal-ai/wan/v2.2-5b/image-to-video", f"image!=image_url {_WAN_22} negative_prompt"),
    ("fal-ai/wan/v2.2-5b/text-to-video", f"{_WAN_22} negative_prompt"),
    (
        "minimax/h3/image-to-video",
        "image!=image_url end_image=end_image_url duration_s=duration resolution:480p,768p,2K,4k",
    ),
    ("minimax/h3/text-to-video", "aspect_ratio duration_s=duration resolution:480p,768p,2K,4k"),
    (
        "minimax/h3/reference-to-video",
        "reference_images=reference_image_urls aspect_ratio duration_s=duration resolution:480p,768p,2K,4k",
    ),
    (
        "fal-ai/minimax/hailuo-02/standard/image-to-video",
        f"image!=image_url end_image=end_image_url {_TEXT_S} resolution:512P,768P",
    ),
    ("fal-ai/minimax/hailuo-02/pro/image-to-video", "image!=image_url end_image=end_image_url"),
    ("fal-ai/minimax/hailuo-02-fast/image-to-video", f"image!=image_url {_TEXT_S}"),
    ("fal-ai/minimax/hailuo-2.3*/standard/image-to-video", f"image!=image_url {_TEXT_S}"),
    ("fal-ai/minimax/hailuo-*/standard/text-to-video", _TEXT_S),
    ("fal-ai/minimax/hailuo-2.3*/pro/image-to-video", "image!=image_url"),
    ("fal-ai/minimax/hailuo-*/pro/text-to-video", ""),
    ("fal-ai/ltx-2.3/image-to-video*", f"image!=image_url end_image=end_image_url {_LTX}"),
    ("fal-ai/ltx-2.3/text-to-video*", _LTX),
    ("alibaba/happy-horse*/image-to-video", f"image!=image_url {_HORSE}"),
    ("alibaba/happy-horse*/reference-to-video", f"reference_images!=image_urls {_HORSE_SHAPED}"),
    ("alibaba/happy-horse*/text-to-video", _HORSE_SHAPED),
    (
        "alibaba/happy-horse/video-edit",
        "action:edit video!=video_url reference_images=reference_image_urls resolution seed",
    ),
    ("xai/grok-imagine-video/v1.5/image-to-video", f"image!=image_url {_GROK}"),
    ("xai/grok-imagine-video/image-to-video", f"image!=image_url aspect_ratio {_GROK}"),
    ("xai/grok-imagine-video/text-to-video", f"aspect_ratio {_GROK}"),
    ("xai/grok-imagine-video/reference-to-video", f"reference_images!=reference_image_urls aspect_ratio {_GROK}"),
    ("xai/grok-imagine-video/edit-video", "action:edit video!=video_url resolution"),
    ("xai/grok-imagine-video/extend-video", "action:extend video!=video_url duration_s=duration"),
    ("google/gemini-omni-flash", "aspect_ratio duration_s=duration"),
    ("google/gemini-omni-flash/image-to-video", "image!=image_url aspect_ratio duration_s=duration"),
    ("google/gemini-omni-flash/reference-to-video", "reference_images!=image_urls aspect_ratio duration_s=duration"),
    ("google/gemini-omni-flash/edit", "action:edit video!=video_url"),
    ("fal-ai/vidu/q3/image-to-video*", f"image!=image_url end_image=end_image_url {_VIDU}"),
    ("fal-ai/vidu/q3/text-to-video*", f"aspect_ratio {_VIDU}"),
    ("fal-ai/vidu/q3/reference-to-video/mix", f"reference_images!=reference_image_urls aspect_ratio {_VIDU}"),
    ("fal-ai/pixverse/v6/image-to-video", f"image!=image_url {_PIXVERSE}"),
    ("fal-ai/pixverse/v6/text-to-video", f"aspect_ratio {_PIXVERSE}"),
    ("fal-ai/pixverse/v6/transition", f"image!=first_image_url end_image!=end_image_url aspect_ratio {_PIXVERSE}"),
    ("fal-ai/luma-dream-machine/ray-2*/image-to-video", f"image=image_url end_image=end_image_url {_LUMA}"),
    ("fal-ai/luma-dream-machine/ray-2", _LUMA),
    ("fal-ai/luma-dream-machine/ray-2-flash", _LUMA),
)
