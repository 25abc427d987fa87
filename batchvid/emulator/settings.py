"""Every dial of the emulator as one validated model. It must not know how any dial is obeyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, field_validator

from batchvid.emulator import task_lifecycle

VideoShape = Literal["video_url", "url", "output", "success", "content", "metadata", "wrapped", "inline"]
"""How a `/v1/videos` object says that it is finished: see routes/video_object.py."""

FailurePlace = Literal["object", "text", "reason"]
"""Where a failed one says why."""


class Settings(BaseModel):
    """The dials. Every one has a default, so that `Settings()` is a quick, friendly vendor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: str = ""
    """The only key that is taken; empty: any key that is not empty."""
    seed: int = 0
    """Feeds every random choice (lives, probabilities), so that a run can be repeated."""
    life: str = "instant"
    """How long a task takes: `instant`, `polls:N`, `seconds:S`, `seconds:A-B`, `lognormal:MEDIAN_S,SIGMA`."""
    tick_s: float = Field(default=0, ge=0)
    """Timed tasks are shown as at the last tick, as by a gateway that asks the vendor only so often; 0: no ticks."""
    concurrency: int = Field(default=0, ge=0)
    """How many unfinished tasks one family takes at a time; 0: no limit."""
    concurrency_by_family: dict[str, NonNegativeInt] = {}
    """The same for single families; stands above `concurrency`."""
    strict_multipart: bool = False
    """`/v1/videos` answers 400 to JSON and urlencoded bodies."""
    accepted_status: Literal[200, 201, 202] = 200
    """The HTTP status of a submit that was taken: every page shows the first, some texts the others."""
    unknown_task_status: Literal[400, 404] = 400
    """The HTTP status of a poll for an unknown task (`task_not_exist`); Kling and Runway have their own."""
    unknown_task_as: Literal["code", "message", "openai"] = "code"
    """How it is said: new-api's code, the same word in the message only, or OpenAI's `Task not found`."""
    cancel: Literal["none", "queued", "running"] = "none"
    """Until when a task can be cancelled: there is no such route (as on CometAPI), while it waits, also while it runs.
    What is finished is deleted by the same call."""
    wrong_path: Literal["html", "redirect"] = "html"
    """What an unknown path gets: an HTML page with 404, or a 301."""

    veo_shape: VideoShape = "video_url"
    """The finished object of Veo models."""
    sora_shape: VideoShape = "content"
    """The finished object of Sora models; `content`: no URL at all, only the content route."""
    seedance_shape: VideoShape = "success"
    """The finished object of Seedance models; the upper-case words of its own page, where others show OpenAI's."""
    videos_shape: VideoShape = "video_url"
    """The finished object of all other models on `/v1/videos`."""
    failure_as: FailurePlace = "object"
    """Where a failed `/v1/videos` object says why: an `error` object, an `error` text, or `fail_reason`."""
    seedance_errors: Literal["task", "openai"] = "task"
    """The envelope of Seedance's own refusals; its page shows the words and not what is around them."""
    video_list: bool = False
    """Whether `GET /v1/videos` lists tasks, as OpenAI's own API does; CometAPI and gateways do not say that they do."""
    kling_shape: Literal["native", "gateway"] = "native"
    """Kling's own envelope, or what a stock gateway makes of it."""
    kling_pages: Literal["either", "cometapi", "official"] = "either"
    """Whose limits count: CometAPI's (prompts of 500 characters, seven ratios), Kling's own (2500, three), or the
    wider of the two."""
    kling_success: Literal["succeed", "SUCCESS"] = "succeed"
    """Kling's word for a finished task; the second stands in a note of the omni page only."""
    kling_ids: Literal["text", "number"] = "text"
    """Task ids as text, or as bare numbers that no double can hold."""
    kling_failure_units: str = ""
    """What a failed task says it cost, in units; empty: nothing is said."""
    runway_shape: Literal["bare", "wrapped", "lower"] = "bare"
    """Runway's own task, the same inside a task wrapper, or bare with lower-case status words."""
    runway_hidden_polls: int = Field(default=1, ge=0)
    """How many polls of a new Runway task do not see it yet."""
    runway_hidden_as: Literal["http_400", "http_404", "status_200", "status_400"] = "http_400"
    """What those polls are told."""
    xai_shape: Literal["bare", "wrapped"] = "bare"
    """xAI's own reply, or the same inside a task wrapper that has the link in `fail_reason`."""
    xai_pending: Literal["words", "enum", "request_id", "empty", "upstream"] = "words"
    """An xAI task under way: CometAPI's words (`enum`: also while it is queued, instead of its id), or HTTP 202 with
    only its id, with no body, or with xAI's `pending`."""
    gateway_shape: Literal["documented", "stock"] = "documented"
    """The gateway as its page has it, or as stock new-api is: see routes/gateway.py."""
    newapi_shape: Literal["wrapped", "old", "simple", "simple_wrapped"] = "wrapped"
    """Stock new-api's native route: its table row, the same before `result_url`, its docs' object bare, or wrapped."""
    catalogue_page_size: int = Field(default=0, ge=0)
    """Models on a page of `/api/models`; 0: all on one, which then is numbered 0."""

    render: Literal["full", "shared"] = "full"
    """`full`: one clip a prompt; `shared`: one a duration and size, for load tests. Bytes differ in both."""
    fps: int = Field(default=24, ge=1, le=60)
    """Frames a second of every clip."""
    render_threads: int = Field(default=2, ge=1, le=16)
    """How many clips are rendered at the same time."""
    cache_bytes: int = Field(default=512 * 1024 * 1024, ge=0)
    """How much disk the rendered clips may take; the oldest are thrown away and rendered again when asked for."""
    fonts: tuple[Path, ...] | None = None
    """Font files for captions; None: those of this machine."""
    link_ttl_s: float = Field(default=3600, gt=0)
    """How long a link to a clip lives, in seconds."""
    usd_per_s: dict[str, NonNegativeFloat] = {}
    """Price of a second of video by family, for the ledger; families that are missing have no price."""

    faults: tuple[dict[str, Any], ...] = ()
    """Fault rules that are in force from the start: see fault_rules.py."""
    state_file: Path | None = None
    """Where created tasks are written down, so that a restarted emulator still knows them."""

    @field_validator("life")
    @classmethod
    def _life_is_known(cls, value: str) -> str:
        task_lifecycle.check(value)
        return value
