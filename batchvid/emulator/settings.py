"""Every setting of the emulator, as one validated model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, field_validator

from batchvid.emulator import task_lifecycle

VideoShape = Literal["video_url", "url", "output", "success", "content", "metadata", "wrapped", "inline"]


class Settings(BaseModel):
    """The settings. Each has a default, so that `Settings()` is a fast vendor without faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: str = ""  # the only accepted key; empty: any key that is not empty
    seed: int = 0  # seeds every random choice (durations, probabilities), so that a run can be repeated
    life: str = "instant"  # how long a task takes: one of task_lifecycle.ALLOWED
    tick_s: float = Field(default=0, ge=0)  # update interval of timed tasks, as in a caching gateway; 0: none
    concurrency: int = Field(default=0, ge=0)  # limit of unfinished tasks of each family; 0: no limit
    concurrency_by_family: dict[str, NonNegativeInt] = {}  # limits of single families; they override `concurrency`
    strict_multipart: bool = False  # `/v1/videos` answers 400 to JSON and urlencoded bodies
    accepted_status: Literal[200, 201, 202] = 200  # of a submit: every page shows the first, some texts the others
    unknown_task_status: Literal[400, 404] = 400  # of a poll for an unknown task; Kling and Runway have their own
    unknown_task_as: Literal["code", "openai"] = "code"  # new-api's `task_not_exist`, or OpenAI's `Task not found`
    cancel: Literal["none", "queued", "running"] = "none"  # until when DELETE cancels; CometAPI has no such route

    veo_shape: VideoShape = "video_url"  # finished object of Veo models
    sora_shape: VideoShape = "content"  # finished object of Sora models; `content`: no URL, only the content route
    seedance_shape: VideoShape = "success"  # finished object of Seedance models: the upper-case words of its page
    videos_shape: VideoShape = "video_url"  # finished object of all other models on `/v1/videos`
    video_list: bool = False  # whether `GET /v1/videos` lists tasks, as OpenAI's own API does
    kling_shape: Literal["native", "gateway"] = "native"  # Kling's own envelope, or the one of a stock gateway
    kling_success: Literal["succeed", "SUCCESS"] = "succeed"  # only a note of the omni page has the second
    kling_ids: Literal["text", "number"] = "text"  # task ids as text, or as numbers too large for a double
    runway_shape: Literal["bare", "wrapped", "lower"] = "bare"  # its task, in a task wrapper, or in lower-case words
    runway_hidden_polls: int = Field(default=1, ge=0)  # number of first polls that do not find a new Runway task
    runway_hidden_as: Literal["http_400", "http_404", "status_200", "status_400"] = "http_400"  # reply to those polls
    xai_shape: Literal["bare", "wrapped"] = "bare"  # its reply, or in a task wrapper with the link in `fail_reason`
    xai_pending: Literal["words", "request_id", "empty", "upstream"] = "words"  # the last three answer HTTP 202
    gateway_shape: Literal["documented", "stock"] = "documented"  # as its page has it, or as stock new-api is
    newapi_shape: Literal["wrapped", "old", "simple", "simple_wrapped"] = "wrapped"  # see routes/newapi.py

    render: Literal["full", "shared"] = "full"  # one clip per prompt; or per duration and size, for load tests
    fps: int = Field(default=24, ge=1, le=60)  # frames per second of every clip
    render_threads: int = Field(default=2, ge=1, le=16)  # number of clips rendered at the same time
    cache_bytes: int = Field(default=512 * 1024 * 1024, ge=0)  # disk limit of rendered clips, least recently used first
    link_ttl_s: float = Field(default=3600, gt=0)  # seconds until a link expires
    usd_per_s: dict[str, NonNegativeFloat] = {}  # price per second of video by family, for the ledger

    faults: tuple[dict[str, Any], ...] = ()  # fault rules from the start: see fault_rules.py
    state_file: Path | None = None  # file that keeps created tasks, so that a restarted emulator knows them

    @field_validator("life")
    @classmethod
    def _life_is_valid(cls, value: str) -> str:
        task_lifecycle.sampler(value)
        return value
