"""What each wire cannot say is refused by the manifest's own word, with what is allowed instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import ImageInput
from batchvid.errors import Unsupported
from tests.builders import generation, with_fields
from tests.dialects import CODED


def picture(role: Any = "first", **changes: Any) -> ImageInput:
    image = ImageInput(role=role, filename="a.png", media_type="image/png", width=1280, height=720, data=b"png")
    return replace(image, **changes)


def linked(url: str, role: Any = "first") -> ImageInput:
    return ImageInput(role=role, filename="", media_type="", url=url)


BASE = {
    "veo": generation(model="veo3-fast", prompt="kite"),
    "openai-videos": generation(model="sora-2", prompt="kite", aspect_ratio="16:9"),
    "kling": generation(model="kling-v2-6", prompt="kite"),
    "kling-new": generation(model="kling-3.0", prompt="kite"),
    "runway": generation(model="gen4_turbo", prompt="kite", images=(picture(),)),
    "seedance": generation(model="doubao-seedance-2-0", prompt="kite"),
    "videos": generation(model="happyhorse-1.0", prompt="kite"),
    "xai": generation(model="grok-imagine-video", prompt="kite"),
    "gateway": generation(model="veo3.1", prompt="kite"),
    "newapi": generation(model="kling-v2-6", prompt="kite"),
    "ark": generation(model="doubao-seedance-2-0-260128", prompt="kite"),
    "minimax": generation(model="MiniMax-H3", prompt="kite", duration_s=5, resolution="768p", aspect_ratio="16:9"),
    "minimax-v1": generation(model="MiniMax-Hailuo-2.3", prompt="kite"),
    "dashscope": generation(model="wan2.7-t2v", prompt="kite"),
    "sglang": generation(model="wan", prompt="kite"),
    "vllm-omni": generation(model="wan", prompt="kite"),
    "litellm": generation(model="wan", prompt="kite"),
    "llmgateway": generation(model="veo-3.1", prompt="kite", duration_s=8),
    "openrouter": generation(model="bytedance/seedance-2.0", prompt="kite"),
    "gemini": generation(model="gemini-omni-1.2-flash", prompt="kite"),
    "gemini-veo": generation(model="veo-3.1-generate-preview", prompt="kite"),
    "fal": generation(model="fal-ai/veo3.1", prompt="kite"),
    "comfy-router": generation(model="acme/film", prompt="kite"),
    "replicate": generation(model="google/veo-3.1", prompt="kite"),
    "luma": generation(model="ray-2", prompt="kite"),
    "vertex-veo": generation(model="veo-3.1-generate-001", prompt="kite"),
}
SOURCE = "https://example.com/source.mp4"
FACE = {"face_id": "0", "audio_id": "a-1"}
LINK = linked("https://example.com/a.png")
TWO_FIRST = (picture(), picture())
BOTH = (picture(), picture("reference"))
MANY = (picture("reference"),) * 5
TWO_LAST = (picture(), picture("last"), picture("last"))

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("gemini", {"images": (LINK,)}, "image", "local path"),
    ("gemini", {"images": BOTH}, "reference_images", "`image`"),
    ("gemini", {"aspect_ratio": "1:1"}, "aspect_ratio", "16:9, 9:16"),
    ("gemini", {"action": "edit"}, "options", "previous_interaction_id"),
    ("gemini", {"action": "edit", "video": SOURCE}, "video", "Files API"),
    ("gemini", {"options": {"response_format": {"duration": "10s"}}}, "options", "response_format.duration"),
    ("vertex-veo", {"options": {"storageUri": "gs://b/c"}}, "options", "storageUri"),
    ("luma", {"images": (picture(),)}, "image", "https://"),
    ("luma", {"duration_s": 6}, "duration_s", "5 and 9"),
    ("luma", {"action": "extend"}, "options", "generation_id"),
    ("gemini-veo", {"images": BOTH}, "reference_images", "`image`"),
    ("gemini-veo", {"images": MANY}, "reference_images", "at most 3"),
    ("gemini-veo", {"images": (LINK,)}, "image", "local path"),
    ("gemini-veo", {"options": {"sampleCount": 2}}, "options", "sampleCount"),
    ("veo", {"prompt": "  "}, "prompt", "empty"),
    ("veo", {"prompt": "k" * 32_001}, "prompt", "32000"),
    ("veo", {"seed": 0}, "seed", "does not support"),
    ("veo", {"sound": False}, "sound", "does not support"),
    ("veo", {"mode": "pro"}, "mode", "does not support"),
    ("veo", {"negative_prompt": "rain"}, "negative_prompt", "does not support"),
    ("veo", {"images": (picture("reference"),)}, "reference_images", "does not support"),
    ("veo", {"action": "extend"}, "action", "does not support"),
    ("veo", {"video": SOURCE}, "video", "does not support"),
    ("veo", {"images": TWO_FIRST}, "image", "one image"),
    ("veo", {"images": TWO_LAST}, "end_image", "one image"),
    ("veo", {"images": (picture("last"),)}, "end_image", "`image`"),
    ("veo", {"images": (LINK,)}, "image", "local path"),
    ("veo", {"images": (picture(), linked("https://example.com/a.png", "last"))}, "end_image", "local path"),
    ("veo", {"aspect_ratio": "1:1"}, "aspect_ratio", "16:9, 9:16"),
    ("veo", {"resolution": "720p"}, "resolution", "1280x720"),
    ("veo", {"resolution": "1280x720", "aspect_ratio": "9:16"}, "resolution", "9:16"),
    ("veo", {"duration_s": 5.5}, "duration_s", "whole"),
    ("veo", {"duration_s": 0}, "duration_s", "from 1"),
    ("veo", {"duration_s": float("inf")}, "duration_s", "whole"),
    ("veo", {"options": {"when": {1, 2}}}, "options", "JSON"),
    ("openai-videos", {"seed": 7}, "seed", "does not support"),
    ("openai-videos", {"aspect_ratio": "1:1"}, "aspect_ratio", "16:9, 9:16, 7:4, 4:7"),
    ("openai-videos", {"aspect_ratio": "7:4", "resolution": "720p"}, "aspect_ratio", "16:9, 9:16"),
    ("openai-videos", {"resolution": "4k"}, "resolution", "720p"),
    ("openai-videos", {"resolution": "720p", "aspect_ratio": ""}, "aspect_ratio", "with the resolution"),
    ("openai-videos", {"images": (picture(), picture("last"))}, "end_image", "one image"),
    ("openai-videos", {"images": (picture(width=720, height=1280),)}, "image", "1280x720"),
    ("openai-videos", {"images": (picture(),), "aspect_ratio": ""}, "image", "say the resolution"),
    ("openai-videos", {"images": (LINK,)}, "image", "local path"),
    ("openai-videos", {"model": "wan", "images": (LINK,)}, "image", "local path"),
    ("openai-videos", {"action": "extend"}, "action", "remix"),
    ("openai-videos", {"action": "remix", "aspect_ratio": ""}, "options", "video_id"),
    ("openai-videos", {"action": "remix", "aspect_ratio": "", "options": {"video_id": 7}}, "options", "quotes"),
    ("openai-videos", {"action": "remix"}, "aspect_ratio", "does not support"),
    ("openai-videos", {"action": "remix", "duration_s": 4}, "duration_s", "does not support"),
    ("openai-videos", {"action": "remix", "images": (picture(),)}, "image", "does not support"),
    ("seedance", {"prompt": ""}, "prompt", "empty"),
    ("seedance", {"images": (picture(), picture("last"))}, "end_image", "does not support"),
    ("seedance", {"images": BOTH}, "reference_images", "apart"),
    ("seedance", {"images": TWO_FIRST}, "image", "one image"),
    ("seedance", {"images": (LINK,)}, "image", "local path"),
    ("seedance", {"model": "doubao-seedance-1-5-pro", "images": (picture(),)}, "image", "text only"),
    ("seedance", {"model": "seedance-1-0-pro", "images": MANY[:1]}, "reference_images", "text only"),
    ("seedance", {"aspect_ratio": "3:2"}, "aspect_ratio", "21:9"),
    ("seedance", {"resolution": "4k"}, "resolution", "480p, 720p, 1080p"),
    ("seedance", {"model": "seedance-2-5", "resolution": "1080p", "aspect_ratio": "1:1"}, "resolution", "480p, 720p"),
    ("seedance", {"model": "seedance-2-5", "aspect_ratio": "2:1"}, "aspect_ratio", "21:9"),
    ("seedance", {"model": "seedance-2-5", "resolution": "480p"}, "aspect_ratio", "with the resolution"),
    ("seedance", {"sound": True}, "sound", "does not support"),
    ("videos", {"prompt": " "}, "prompt", "empty"),
    ("videos", {"mode": "pro"}, "mode", "does not support"),
    ("videos", {"images": BOTH}, "reference_images", "apart"),
    ("videos", {"images": (picture("last"),)}, "end_image", "`image`"),
    ("videos", {"images": (LINK,)}, "image", "local path"),
    ("videos", {"video": SOURCE}, "video", "does not support"),
    ("videos", {"action": "edit"}, "video", "https://"),
    ("videos", {"action": "remix"}, "action", "edit"),
    ("xai", {"prompt": ""}, "prompt", "empty"),
    ("xai", {"prompt": "k" * 4097}, "prompt", "4096"),
    ("xai", {"images": BOTH}, "reference_images", "`image`"),
    ("xai", {"images": (picture(), picture("last"))}, "end_image", "does not support"),
    ("xai", {"aspect_ratio": "21:9"}, "aspect_ratio", "16:9"),
    ("xai", {"resolution": "1280x720"}, "resolution", "480p, 720p"),
    ("xai", {"duration_s": 1.5}, "duration_s", "whole"),
    ("xai", {"action": "remix", "video": SOURCE}, "action", "edit"),
    ("xai", {"action": "extend", "video": SOURCE}, "duration_s", "is required"),
    ("xai", {"action": "edit"}, "video", "https://"),
    ("xai", {"action": "edit", "video": "http://example.com/a.mp4"}, "video", "https://"),
    ("xai", {"action": "edit", "video": SOURCE, "duration_s": 5}, "duration_s", "does not support"),
    ("xai", {"action": "edit", "video": SOURCE, "aspect_ratio": "1:1"}, "aspect_ratio", "does not support"),
    ("gateway", {"prompt": ""}, "prompt", "empty"),
    ("gateway", {"mode": "pro"}, "mode", "does not support"),
    ("gateway", {"model": "kling-v2-6", "mode": "best"}, "mode", "std, pro"),
    ("gateway", {"model": "kling-v2-6", "mode": "pro", "options": {"metadata": {}}}, "mode", "metadata.mode"),
    ("gateway", {"model": "veo3.1-stable"}, "model", "write model: veo3.1;"),
    ("gateway", {"model": "sora-2-official"}, "model", "group"),
    ("gateway", {"images": (picture(), picture("last"))}, "end_image", "by link"),
    ("gateway", {"action": "remix"}, "action", "edit"),
    ("gateway", {"action": "extend"}, "action", "edit"),
    ("gateway", {"negative_prompt": "rain"}, "negative_prompt", "does not support"),
    ("gateway", {"sound": True}, "sound", "does not support"),
    ("gateway", {"model": "hailuo-video", "images": (picture(),)}, "image", "hailuo-video by link"),
    ("gateway", {"images": (LINK, picture("last"))}, "end_image", "by link"),
    ("gateway", {"images": (LINK, linked(LINK.url, "reference"))}, "image", "none together"),
    ("gateway", {"images": (LINK,), "video": SOURCE}, "image", "none together"),
    ("gateway", {"action": "edit"}, "video", "https://"),
    ("gateway", {"action": "edit", "video": SOURCE, "audio": SOURCE}, "audio", "edited"),
    ("gateway", {"options": {"mode": "reference_material"}}, "options", "image_urls or video_urls"),
    ("gateway", {"options": {"mode": "i2v_first_last", "image_url": LINK.url}}, "options", "end_image_url"),
    ("gateway", {"options": {"mode": "r2v"}}, "options", "reference_images or input_reference"),
    ("gateway", {"options": {"mode": "i2v"}}, "options", "image_url"),
    ("gateway", {"options": {"mode": "reference_images"}}, "options", "reference_images"),
    ("gateway", {"options": {"mode": "edit"}}, "options", "video or video_url"),
    ("gateway", {"model": "gemini-omni", "options": {"mode": "r2v"}}, "options", "image or image_url"),
    ("gateway", {"model": "gemini-omni", "options": {"mode": "edit"}}, "options", "video or video_url"),
    ("gateway", {"model": "kling-v2-6", "options": {"mode": "i2v"}}, "options", "image in mode i2v"),
    ("gateway", {"model": "kling-v2-6", "options": {"mode": "multi_i2v"}}, "options", "image_list"),
    ("gateway", {"model": "kling-video"}, "options", "model_name"),
    ("gateway", {"model": "kling-v2-6", "action": "extend"}, "options", "video_id"),
    ("gateway", {"model": "kling-v2-6", "images": BOTH}, "reference_images", "`image`"),
    ("gateway", {"model": "kling-v2-6", "images": (picture(), picture("last"))}, "end_image", "does not support"),
    ("gateway", {"model": "kling-v2-6", "seed": 7}, "seed", "does not support"),
    ("gateway", {"model": "gemini-omni", "duration_s": 5}, "duration_s", "4, 6, 8, 10"),
    ("gateway", {"model": "gemini-omni", "video": SOURCE}, "video", "action: edit"),
    ("gateway", {"model": "gemini-omni", "images": (LINK,)}, "image", "does not support"),
    ("gateway", {"model": "sora-2", "resolution": "1280x720", "seed": 7}, "seed", "does not support"),
    ("gateway", {"model": "sora-2", "aspect_ratio": "9:16", "images": (picture(),)}, "image", "720x1280"),
    ("gateway", {"model": "sora-2", "action": "remix"}, "action", "new clips"),
    (
        "gateway",
        {"duration_s": 5, "options": {"seconds": "10"}},
        "options",
        "seconds would change what is paid for: write duration_s",
    ),
    (
        "gateway",
        {"aspect_ratio": "16:9", "options": {"size": "1920x1080"}},
        "options",
        "size would change what is paid for: write resolution",
    ),
    (
        "gateway",
        {"resolution": "720p", "options": {"quality": "1080p"}},
        "options",
        "quality would change what is paid for",
    ),
    (
        "gateway",
        {"duration_s": 5, "options": {"metadata": {"duration": 10}}},
        "options",
        "metadata.duration would change",
    ),
    ("videos", {"aspect_ratio": "16:9", "options": {"aspect_ratio": "9:16"}}, "options", "write aspect_ratio instead"),
    ("videos", {"aspect_ratio": "16:9", "options": {"width": 1920}}, "options", "width would change"),
    ("newapi", {"prompt": ""}, "prompt", "empty"),
    ("newapi", {"mode": "turbo"}, "mode", "std, pro"),
    ("newapi", {"seed": 7}, "seed", "does not support"),
    ("newapi", {"aspect_ratio": "4:3"}, "aspect_ratio", "16:9, 9:16, 1:1"),
    ("newapi", {"resolution": "1080p"}, "resolution", "mode"),
    ("newapi", {"images": MANY[:1]}, "reference_images", "does not support"),
    ("newapi", {"images": (picture("last"),)}, "end_image", "`image`"),
    ("newapi", {"action": "extend"}, "action", "does not support"),
    ("newapi", {"options": {"metadata": "cfg_scale"}}, "options", "each with its name"),
    (
        "newapi",
        {"duration_s": 5, "options": {"metadata": {"duration": "10"}}},
        "options",
        "metadata.duration would change",
    ),
    ("newapi", {"model": "doubao-seedance-2-0", "images": BOTH}, "reference_images", "apart"),
    ("newapi", {"model": "doubao-seedance-2-0", "resolution": "1280x720"}, "resolution", "tier"),
    ("newapi", {"model": "doubao-seedance-2-0", "aspect_ratio": "3:2"}, "aspect_ratio", "21:9"),
    ("newapi", {"model": "doubao-seedance-2-0", "mode": "pro"}, "mode", "does not support"),
    ("newapi", {"model": "viduq2", "images": (picture(),)}, "image", "by link"),
    ("newapi", {"model": "viduq2", "images": MANY[:2]}, "reference_images", "at least 3"),
    ("newapi", {"model": "viduq2", "aspect_ratio": "16:9"}, "aspect_ratio", "does not support"),
    ("newapi", {"model": "viduq2", "resolution": "1280x720"}, "resolution", "tier"),
    ("newapi", {"model": "hailuo-video", "images": (picture(),)}, "image", "by link"),
    ("newapi", {"model": "hailuo-video", "images": (LINK, linked(LINK.url, "last"))}, "end_image", "does not support"),
    ("newapi", {"model": "hailuo-video", "resolution": "720p"}, "resolution", "1280x720"),
    ("kling", {"prompt": ""}, "prompt", "empty"),
    ("kling", {"prompt": "\U0001fa81" * 1251}, "prompt", "2500"),
    ("kling", {"negative_prompt": "k" * 2501}, "negative_prompt", "2500"),
    ("kling", {"seed": 7}, "seed", "does not support"),
    ("kling", {"resolution": "1080p"}, "resolution", "pro is 1080p"),
    ("kling", {"mode": "turbo"}, "mode", "std, pro"),
    ("kling", {"aspect_ratio": "21:9"}, "aspect_ratio", "16:9"),
    ("kling", {"aspect_ratio": "9:16", "images": (picture(),)}, "aspect_ratio", "1280x720"),
    ("kling", {"aspect_ratio": "16:9", "images": (LINK,)}, "aspect_ratio", "behind a link"),
    ("kling", {"images": (picture(media_type="image/webp"),)}, "image", "JPEG and PNG"),
    ("kling", {"images": (picture(), picture("last", media_type=""))}, "end_image", "JPEG and PNG"),
    ("kling", {"images": (picture(width=200, height=300),)}, "image", "300x300"),
    ("kling", {"images": (picture(width=2000, height=300),)}, "image", "2.5:1"),
    ("kling", {"images": (picture(data=b"x" * (10 * 1024 * 1024 + 1)),)}, "image", "10 MB"),
    ("kling", {"images": BOTH}, "reference_images", "does not support"),
    (
        "kling",
        {"images": (picture(), picture("last")), "options": {"camera_control": {"type": "down_back"}}},
        "end_image",
        "camera_control",
    ),
    ("kling", {"images": MANY}, "reference_images", "at most 4"),
    ("kling", {"images": MANY[:1], "prompt": ""}, "prompt", "empty"),
    ("kling", {"images": MANY[:1], "aspect_ratio": "4:3"}, "aspect_ratio", "16:9, 9:16, 1:1"),
    ("kling", {"images": MANY[:1], "sound": True}, "sound", "does not support"),
    ("kling", {"images": (picture("reference", media_type="image/webp"),)}, "reference_images", "JPEG and PNG"),
    ("kling", {"video": SOURCE}, "video", "does not support"),
    ("kling", {"audio": SOURCE}, "audio", "does not support"),
    ("kling", {"action": "remix"}, "action", "extend, lip-sync"),
    ("kling", {"action": "edit", "video": SOURCE}, "action", "extend, lip-sync"),
    ("kling", {"action": "extend"}, "options", "task_id"),
    ("kling", {"action": "extend", "options": {"task_id": "8"}}, "options", "video_id"),
    ("kling", {"action": "extend", "options": {"task_id": 878106242831892487}}, "options", "quotes"),
    ("kling", {"action": "extend", "duration_s": 5}, "duration_s", "does not support"),
    ("kling", {"action": "extend", "images": (picture(),)}, "image", "does not support"),
    ("kling", {"action": "lip-sync", "options": {"voice_id": "v"}}, "video", "https://"),
    ("kling", {"action": "lip-sync", "video": "clips/a.mp4"}, "video", "https://"),
    ("kling", {"action": "lip-sync", "video": SOURCE, "options": {"video_id": "8"}}, "video", "video_id"),
    ("kling", {"action": "lip-sync", "options": {"video_id": 8}}, "options", "quotes"),
    ("kling", {"action": "lip-sync", "video": SOURCE}, "options", "voice_id"),
    ("kling", {"action": "lip-sync", "video": SOURCE, "options": {"voice_id": "v"}}, "options", "voice_language"),
    (
        "kling",
        {"action": "lip-sync", "video": SOURCE, "options": {"voice_id": "v", "voice_language": "fr"}},
        "options",
        "zh, en",
    ),
    ("kling", {"action": "lip-sync", "video": SOURCE, "prompt": "k" * 121}, "prompt", "120"),
    ("kling", {"action": "lip-sync", "video": SOURCE, "prompt": ""}, "prompt", "empty"),
    ("kling", {"action": "lip-sync", "video": SOURCE, "audio": SOURCE}, "prompt", "`audio`"),
    ("kling", {"action": "lip-sync", "video": SOURCE, "audio": "a.mp3", "prompt": ""}, "audio", "data:"),
    ("kling", {"action": "lip-sync", "video": SOURCE, "audio": "data:audio/mpeg,x", "prompt": ""}, "audio", "base64"),
    ("kling", {"action": "lip-sync", "options": {"session_id": "s"}}, "prompt", "does not support"),
    ("kling", {"action": "lip-sync", "prompt": "", "options": {"session_id": ""}}, "options", "session_id"),
    ("kling", {"action": "lip-sync", "prompt": "", "options": {"session_id": "s"}}, "options", "face_choose"),
    (
        "kling",
        {"action": "lip-sync", "prompt": "", "options": {"session_id": "s", "face_choose": [FACE, {"face_id": "1"}]}},
        "options",
        "face_choose",
    ),
    ("kling", {"model": "kling-video-o1", "action": "extend"}, "action", "edit"),
    ("kling", {"model": "kling-video-o1", "action": "edit"}, "video", "https://"),
    ("kling", {"model": "kling-video-o1", "sound": True}, "sound", "does not support"),
    ("kling", {"model": "kling-video-o1", "prompt": ""}, "prompt", "empty"),
    ("kling", {"model": "kling-video-o1", "images": MANY + MANY[:3]}, "reference_images", "at most 7"),
    ("kling", {"model": "kling-video-o1", "images": MANY, "video": SOURCE}, "reference_images", "at most 4"),
    ("kling-new", {"prompt": "k" * 3073}, "prompt", "3072"),
    ("kling-new", {"negative_prompt": "rain"}, "negative_prompt", "does not support"),
    ("kling-new", {"mode": "pro"}, "mode", "does not support"),
    ("kling-new", {"seed": 1}, "seed", "does not support"),
    ("kling-new", {"aspect_ratio": "4:3"}, "aspect_ratio", "16:9"),
    ("kling-new", {"resolution": "480p"}, "resolution", "720p"),
    ("kling-new", {"images": MANY[:2]}, "reference_images", "does not support"),
    ("kling-new", {"action": "edit", "video": SOURCE}, "action", "does not support"),
    ("kling-new", {"model": "kling-3.0-omni", "action": "extend"}, "action", "edit"),
    ("kling-new", {"model": "kling-3.0-omni", "images": MANY[:4] * 2}, "reference_images", "at most 7"),
    ("kling-new", {"model": "kling-3.0-turbo", "sound": True}, "sound", "silent"),
    ("kling-new", {"images": (picture(),), "aspect_ratio": "1:1"}, "aspect_ratio", "fit: cover"),
    ("kling-new", {"options": {"settings": {"multi_shot": "no"}}}, "options", "multi_shot"),
    ("kling-new", {"options": {"settings": {"duration": 10}}}, "options", "duration_s"),
    ("runway", {"images": ()}, "image", "required"),
    ("runway", {"prompt": "k" * 1001}, "prompt", "1000"),
    ("runway", {"seed": -1}, "seed", "4294967295"),
    ("runway", {"seed": 2**32}, "seed", "4294967295"),
    ("runway", {"sound": True}, "sound", "does not support"),
    ("runway", {"negative_prompt": "rain"}, "negative_prompt", "does not support"),
    ("runway", {"mode": "pro"}, "mode", "does not support"),
    ("runway", {"aspect_ratio": "2:1"}, "aspect_ratio", "16:9"),
    ("runway", {"resolution": "1080p"}, "resolution", "720p"),
    ("runway", {"resolution": "720p"}, "aspect_ratio", "with the resolution"),
    ("runway", {"images": (picture(media_type="image/gif"),)}, "image", "WebP"),
    ("runway", {"images": (picture(data=b"x" * 4_000_000),)}, "image", "3.9 MB"),
    ("runway", {"images": (linked("http://example.com/a.png"),)}, "image", "https"),
    ("runway", {"images": (linked("https://93.184.216.34/a.png"),)}, "image", "domain"),
    ("runway", {"images": (linked("https://[2001:db8::1]/a.png"),)}, "image", "domain"),
    ("runway", {"images": (linked("https://[broken/a.png"),)}, "image", "domain"),
    ("runway", {"images": (linked("https://example.com/" + "a" * 2048),)}, "image", "2048"),
    ("runway", {"images": (picture(), linked("ftp://example.com/a", "last"))}, "end_image", "https"),
    ("sglang", {"prompt": ""}, "prompt", "empty"),
    ("sglang", {"resolution": "480p", "aspect_ratio": "16:9"}, "resolution", "832x480"),
    ("sglang", {"aspect_ratio": "16:9"}, "aspect_ratio", "exact pixels"),
    ("sglang", {"images": (picture(), picture("last"))}, "end_image", "does not support"),
    ("sglang", {"images": (picture("reference"),)}, "reference_images", "does not support"),
    ("sglang", {"sound": True}, "sound", "does not support"),
    ("vllm-omni", {"aspect_ratio": "16:9"}, "aspect_ratio", "short_edge"),
    ("vllm-omni", {"images": BOTH}, "reference_images", "together"),
    ("vllm-omni", {"mode": "pro"}, "mode", "does not support"),
    ("litellm", {"images": BOTH}, "reference_images", "together"),
    ("litellm", {"action": "edit"}, "options", "video_id"),
    ("litellm", {"negative_prompt": "rain"}, "negative_prompt", "does not support"),
    ("llmgateway", {"duration_s": None}, "duration_s", "requires"),
    ("llmgateway", {"images": (picture("reference"),) * 10}, "reference_images", "at most 9"),
    ("llmgateway", {"images": (picture(),), "video": SOURCE}, "video", "together"),
    ("llmgateway", {"audio": "data:audio/mp3;base64,AAAA"}, "audio", "https://"),
    ("llmgateway", {"resolution": "480p"}, "resolution", "exact pixels"),
    ("openrouter", {"images": BOTH}, "reference_images", "ignores references"),
    ("openrouter", {"options": {"camera_fixed": True}}, "options", "provider: {options: {VENDOR: {camera_fixed"),
    ("openrouter", {"action": "extend"}, "options", "previous_job_id"),
    ("openrouter", {"negative_prompt": "rain"}, "negative_prompt", "does not support"),
]


def test_kling_is_told_where_it_may_call() -> None:
    """Where the run listens for callbacks, both wires carry the address."""
    address = "https://example.com/callbacks/token"
    bodies = [
        DIALECTS[dialect].submit(with_fields(BASE[dialect], callback_url=address)).json or {}
        for dialect in ("kling", "kling-new")
    ]
    assert bodies[0]["callback_url"] == bodies[1]["options"]["callback_url"] == address


@pytest.mark.parametrize(("dialect", "changes", "field", "reason"), REFUSED)
def test_what_the_wire_cannot_say_is_refused(dialect: str, changes: dict[str, Any], field: str, reason: str) -> None:
    """The refusal names the manifest's field and what is allowed instead; nothing is dropped silently."""
    with pytest.raises(Unsupported) as refused:
        DIALECTS[dialect].submit(with_fields(BASE[dialect], **changes))
    assert (field, True) == (refused.value.field, reason in refused.value.reason), refused.value


@pytest.mark.parametrize("dialect", CODED)
def test_the_bare_order_can_be_said(dialect: str) -> None:
    """The order from which every refused one above differs is itself accepted."""
    assert DIALECTS[dialect].submit(BASE[dialect]).method == "POST"


@pytest.mark.parametrize(
    ("dialect", "changes", "field", "said"),
    [
        ("kling", {"aspect_ratio": "16:9", "images": (picture(),)}, "aspect_ratio", None),
        ("kling", {"aspect_ratio": "21:9", "images": (picture(width=1584, height=672),)}, "aspect_ratio", None),
        ("kling", {"duration_s": 10.0}, "duration", "10"),
        ("kling", {}, "duration", None),
        ("kling", {}, "sound", None),
        ("kling", {"images": MANY[:4]}, "image_list", [{"image": "cG5n"}] * 4),
        ("kling", {"action": "extend", "prompt": "", "options": {"task_id": "8", "video_id": "9"}}, "prompt", None),
        (
            "kling-new",
            {"options": {"options": {"watermark_info": {"enabled": True}}}},
            "options",
            {
                "watermark_info": {"enabled": True},
            },
        ),
        (
            "kling-new",
            {"options": {"settings": {"multi_shot": True}}},
            "settings",
            {
                "audio": "off",
                "multi_shot": True,
            },
        ),
        (
            "kling-new",
            {
                "model": "kling-3.0-omni",
                "options": {"contents": [{"type": "element", "element_id": "e"}]},
            },
            "contents",
            [{"type": "prompt", "text": "kite"}, {"type": "element", "element_id": "e"}],
        ),
        ("kling-new", {"model": "kling-2.6"}, "settings", {"audio": "off"}),
        ("xai", {"images": (picture(media_type="image/webp"),)}, "image", {"url": "data:image/webp;base64,cG5n"}),
        ("xai", {"resolution": "1080p"}, "resolution", "1080p"),
        ("xai", {}, "duration", None),
        ("gateway", {"duration_s": 8.0}, "duration", 8),
        ("gateway", {"duration_s": 8.0}, "seconds", None),
        ("gateway", {"model": "sora-2", "duration_s": 8.0}, "seconds", "8"),
        ("gateway", {"model": "sora-2", "duration_s": 8.0}, "mode", None),
        ("gateway", {"model": "sora-2", "images": (LINK,)}, "input_reference", {"image_url": LINK.url}),
        ("gateway", {"model": "kling-video-o1"}, "model_name", "kling-video-o1"),
        ("gateway", {"seed": 0}, "seed", 0),
        ("gateway", {"video": SOURCE}, "mode", "reference_material"),
        ("gateway", {"audio": SOURCE}, "audio_urls", [SOURCE]),
        ("gateway", {"images": (LINK,), "options": {"mode": "r2v"}}, "mode", "r2v"),
        ("runway", {"aspect_ratio": "21:9"}, "ratio", "1584:672"),
        ("runway", {"aspect_ratio": "9:16", "resolution": "720p"}, "ratio", "720:1280"),
        ("runway", {"resolution": "1104x832", "aspect_ratio": "4:3"}, "ratio", "1104:832"),
        ("runway", {}, "ratio", None),
        ("runway", {"seed": 0}, "seed", 0),
        ("runway", {"duration_s": 10.0}, "duration", 10),
        ("runway", {"options": {"ratio": "16:9"}}, "ratio", "16:9"),
    ],
)
def test_a_json_wire_says_a_field_its_own_way(dialect: str, changes: dict[str, Any], field: str, said: object) -> None:
    """Each field is translated, left out when the order says nothing, and overlaid by the user's options."""
    body = DIALECTS[dialect].submit(with_fields(BASE[dialect], **changes)).json
    assert body is not None
    assert said == body.get(field)


@pytest.mark.parametrize(
    ("dialect", "changes", "said"),
    [
        ("openai-videos", {"resolution": "1080p"}, [("size", b"1920x1080")]),
        ("openai-videos", {"aspect_ratio": "4:7"}, [("size", b"1024x1792")]),
        ("openai-videos", {"aspect_ratio": ""}, []),
        ("openai-videos", {"model": "wan", "aspect_ratio": "", "images": (picture(width=64),)}, [
            ("input_reference", b"png"),
        ]),
        ("seedance", {"model": "doubao-seedance-2-5", "aspect_ratio": "3:4"}, [("size", b"834x1112")]),
        ("seedance", {"model": "doubao-seedance-2-5"}, []),
        ("seedance", {"images": MANY[:2]}, [("input_reference", b"png")] * 2),
        ("videos", {"images": (picture(), picture("last", data=b"last"))}, [
            ("input_reference", b"png"), ("input_reference", b"last"),
        ]),
        ("veo", {"resolution": "854x480", "aspect_ratio": "16:9"}, [("size", b"854x480")]),
        ("veo", {"options": {"size": "1x1", "n": 1, "on": True, "o": {"a": None}}}, [
            ("size", b"1x1"), ("n", b"1"), ("on", b"true"), ("o", b'{"a":null}'),
        ]),
        ("veo", {"aspect_ratio": "16:9", "options": {"resolution": "4k"}}, [("size", b"16x9"), ("resolution", b"4k")]),
        ("veo", {"images": (picture(),), "options": {"input_reference": "file-1"}}, [("input_reference", b"file-1")]),
        ("veo", {"options": {"day": date(2026, 11, 21)}}, [("day", b'"2026-11-21"')]),
    ],
)  # fmt: skip
def test_a_multipart_wire_says_everything_as_text(dialect: str, changes: dict[str, Any], said: object) -> None:
    """Beside model and prompt, the parts are those of the order, then the user's options as text or JSON."""
    parts = DIALECTS[dialect].submit(with_fields(BASE[dialect], **changes)).parts
    assert said == [(part.name, part.value) for part in parts if part.name not in ("model", "prompt")]


@pytest.mark.parametrize(
    ("dialect", "changes", "option"),
    [
        ("openai-videos", {"duration_s": 4, "options": {"seconds": "12"}}, "seconds"),
        ("openai-videos", {"options": {"model": "sora-2-pro"}}, "model"),
        ("veo", {"aspect_ratio": "9:16", "options": {"size": "16x9"}}, "size"),
        ("kling", {"duration_s": 5, "options": {"duration": "10"}}, "duration"),
        ("kling", {"options": {"model_name": "kling-v2-master"}}, "model_name"),
        ("runway", {"duration_s": 5, "options": {"duration": 10}}, "duration"),
        ("xai", {"duration_s": 5, "options": {"duration": 15}}, "duration"),
        ("gateway", {"options": {"n": 4}}, "n"),
        ("sglang", {"options": {"num_outputs_per_prompt": 2}}, "num_outputs_per_prompt"),
        ("vllm-omni", {"resolution": "832x480", "options": {"width": 1280}}, "width"),
        ("openrouter", {"options": {"duration": 20}}, "duration"),
    ],
)
def test_no_option_buys_past_the_plan(dialect: str, changes: dict[str, Any], option: str) -> None:
    """What is priced and capped is said by the clip's own fields; an option that would replace it is refused."""
    with pytest.raises(Unsupported, match=f"^options: {option} "):
        DIALECTS[dialect].submit(with_fields(BASE[dialect], **changes))


def test_openrouter_is_given_the_address_of_callbacks() -> None:
    """The run's own address goes out, under the vendor's name for it; without one nothing does."""
    order = with_fields(BASE["openrouter"], callback_url="https://me.example/callbacks/t")
    assert (DIALECTS["openrouter"].submit(order).json or {})["callback_url"] == "https://me.example/callbacks/t"
    assert "callback_url" not in (DIALECTS["openrouter"].submit(BASE["openrouter"]).json or {})
