"""Every setting of the emulator, as one validated model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, field_validator

from batchvid.emulator import task_lifecycle

VideoShape = Literal["video_url", "url", "output", "success", "content", "metadata", "wrapped", "inline"]

CallbackFault = Literal["none", "drop", "unsigned", "tampered", "stale", "replayed", "padded_x", "wrong_key"]


def _clips_folder() -> Path | None:
    folder = os.environ.get("BATCHVID_EMULATOR_CLIPS", "")
    return Path(folder) if folder else None


class Settings(BaseModel):
    """The settings. Each has a default, so that `Settings()` is a fast vendor without faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: str = ""  # the only accepted key; empty: any key that is not empty
    needs_key: bool = True  # `false`: calls without a key are accepted too, as by a server of the user's own
    seed: int = 0  # seeds every random choice (durations, probabilities), so that a run can be repeated
    life: str = "instant"
    """How long a task takes: `instant`, `polls:N`, `seconds:S`, `seconds:A-B`, `lognormal:MEDIAN_S,SIGMA`."""
    tick_s: float = Field(default=0, ge=0)  # update interval of timed tasks in seconds; 0: none
    concurrency: int = Field(default=0, ge=0)  # limit of unfinished tasks of each family; 0: no limit
    concurrency_by_family: dict[str, NonNegativeInt] = {}  # limits of single families; they override `concurrency`
    mark_replies: bool = True
    """Whether every reply has the header `x-batchvid-emulator`, by which batchvid recognises a rehearsal. `false` is
    for tests: the emulator plays a real provider, and its clips count as bought."""
    strict_multipart: bool = False  # `/v1/videos` answers 400 to JSON and urlencoded bodies
    accepted_status: Literal[200, 201, 202] = 200
    """HTTP status of an accepted submit: every page shows the first, some texts the others."""
    unknown_task_status: Literal[400, 404] = 400
    """HTTP status of a poll for an unknown task; Kling and Runway have their own."""
    unknown_task_as: Literal["code", "openai"] = "code"  # new-api's `task_not_exist`, or OpenAI's `Task not found`
    cancel: Literal["none", "queued", "running"] = "none"
    """Until when DELETE cancels a task: never (no such route, as on CometAPI), while queued, also while running."""

    veo_shape: VideoShape = "video_url"  # finished object of Veo models
    sora_shape: VideoShape = "content"  # finished object of Sora models; `content`: no URL, only the content route
    seedance_shape: VideoShape = "success"  # finished object of Seedance models: the upper-case words of its page
    videos_shape: VideoShape = "video_url"  # finished object of all other models on `/v1/videos`
    video_list: bool = False  # whether `GET /v1/videos` lists tasks, as OpenAI's own API does
    kling_shape: Literal["native", "gateway"] = "native"  # Kling's own envelope, or the one of a stock gateway
    kling_success: Literal["succeed", "SUCCESS"] = "succeed"
    """Kling's word for a finished task; only a note of the omni page has the second."""
    kling_ids: Literal["text", "number"] = "text"  # task ids as text, or as numbers too large for a double
    runway_shape: Literal["bare", "wrapped", "lower"] = "bare"
    """Runway's own task, the same inside a task wrapper, or bare with lower-case status words."""
    runway_hidden_polls: int = Field(default=1, ge=0)  # number of first polls that do not find a new Runway task
    runway_hidden_as: Literal["http_400", "http_404", "status_200", "status_400"] = "http_400"  # reply to those polls
    xai_shape: Literal["bare", "wrapped"] = "bare"  # reply of xAI, or the same in a task wrapper
    xai_pending: Literal["words", "request_id", "empty", "upstream"] = "words"
    """An unfinished xAI task: CometAPI's words, or HTTP 202 with only its id, no body, or xAI's `pending`."""
    gateway_shape: Literal["documented", "stock"] = "documented"
    """The gateway as its page documents it, or as stock new-api is."""
    newapi_shape: Literal["wrapped", "old", "simple", "simple_wrapped"] = "wrapped"
    """Stock new-api's native route: its table row, the same before `result_url`, its docs' object bare, or wrapped."""
    sglang_cloud: bool = False  # SGLang uploads its clips: they have links, and the content route refuses them
    litellm_running: Literal["in_progress", "processing"] = "in_progress"
    """LiteLLM's word for a running task: OpenAI's, or the one that leaks through from Gemini."""
    openrouter_signed: bool = True  # OpenRouter keeps a copy: beside the keyed content route there are signed links

    callback_signature: Literal["none", "standard-webhooks", "openrouter", "llmgateway", "fal", "atlas"] = "none"
    """How callbacks are signed. The emulator calls once a task ends, if the request named an address."""
    callback_secret: str = "whsec_ZW11bGF0b3ItY2FsbGJhY2stc2VjcmV0"  # noqa: S105 - of the schemes with a secret
    callback_fault: CallbackFault = "none"
    """What is wrong with every callback: `drop` sends none, `replayed` sends each five times, `padded_x` pads the
    public key as fal does, `wrong_key` signs with a key that the key set does not have."""
    callback_challenge: bool = False  # as MiniMax: an address must echo a challenge before the task is made
    gemini_delivery: Literal["inline", "uri"] = "inline"
    """A poll of an interaction has the clip as base64, whatever was requested, or as the URI of a file."""

    render: Literal["full", "shared"] = "full"
    """`full`: one clip per prompt; `shared`: one per duration and size, for load tests. Bytes differ in both."""
    fps: int = Field(default=24, ge=1, le=60)  # frames per second of every clip
    render_threads: int = Field(default=2, ge=1, le=16)  # number of clips rendered at the same time
    cache_bytes: int = Field(default=512 * 1024 * 1024, ge=0)  # disk limit of rendered clips, without a clips_folder
    clips_folder: Path | None = Field(default_factory=_clips_folder)
    """Folder that keeps rendered clips for other emulators, by default the one that BATCHVID_EMULATOR_CLIPS names."""
    link_ttl_s: float = Field(default=3600, gt=0)  # seconds until a link expires
    account_token: str = ""  # the only token that reads the account pages; empty: any
    balance_usd: float = 100.0  # what the account has left, on its billing pages
    usd_per_s: dict[str, NonNegativeFloat] = {}  # price per second of video by family, for the ledger

    faults: tuple[dict[str, Any], ...] = ()  # fault rules from the start: see fault_rules.py
    state_file: Path | None = None  # file that keeps created tasks, so that a restarted emulator knows them

    @field_validator("life")
    @classmethod
    def _life_is_valid(cls, value: str) -> str:
        task_lifecycle.sampler(value)
        return value
