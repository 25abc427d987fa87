"""One bought task as a plain record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batchvid.emulator.task_lifecycle import Outcome, TaskDuration


@dataclass(slots=True, kw_only=True)
class Task:
    """One bought task. Sizes are pixels, times seconds since 1970.

    `kind`: the sub-resource of its poll. `owner`: a digest of the buyer's key. `echo`: what the vendor's object repeats
    from the request. `images`: one dict per input image, in the order of the request; `references`: the same for images
    that are not frames. `scene`: the text that seeds the picture, when it is not the prompt; `hue`: its colour shift,
    0 to 1. `started_at`: None while the task waits for a slot. `polls`: all polls; `visible_polls`: those that found it
    unfinished. `removed`: cancelled or deleted by its buyer. `restored`: created by an earlier emulator.
    """

    id: str
    family: str
    route: str
    kind: str
    owner: str
    model: str
    prompt: str
    external_task_id: str = ""
    seconds: float
    width: int
    height: int
    images: list[dict[str, Any]] = field(default_factory=list)
    references: list[dict[str, Any]] = field(default_factory=list)
    scene: str = ""
    hue: float = 0.0
    echo: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome = Outcome.SUCCESS
    message: str = ""
    code: str = ""
    duration: TaskDuration
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    visible_polls: int = 0
    polls: int = 0
    removed: bool = False
    restored: bool = False
