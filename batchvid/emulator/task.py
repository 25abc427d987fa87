"""One bought task as a plain record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batchvid.emulator.task_lifecycle import Outcome, TaskDuration


@dataclass(slots=True, kw_only=True)
class Task:
    """One bought task. Sizes are pixels, times seconds since 1970."""

    id: str
    family: str
    route: str
    kind: str  # the sub-resource of its poll
    owner: str  # a digest of the buyer's key
    model: str
    prompt: str
    external_task_id: str = ""
    seconds: float
    width: int
    height: int
    images: list[dict[str, Any]] = field(default_factory=list)  # one dict per input image, in the order of the request
    references: list[dict[str, Any]] = field(default_factory=list)  # the same for images that are not frames
    scene: str = ""  # the text that seeds the picture, when it is not the prompt
    hue: float = 0.0  # colour shift of the picture, 0 to 1
    echo: dict[str, Any] = field(default_factory=dict)  # what the vendor's object repeats from the request
    outcome: Outcome = Outcome.SUCCESS
    message: str = ""
    code: str = ""
    duration: TaskDuration
    created_at: float
    started_at: float | None = None  # None while the task waits for a slot
    ended_at: float | None = None
    visible_polls: int = 0  # polls that found the task unfinished
    polls: int = 0  # all polls
    removed: bool = False  # cancelled or deleted by its buyer
    keeps_record: bool = False  # cancelled where the vendor still shows it, as cancelled
    restored: bool = False  # created by an earlier emulator
