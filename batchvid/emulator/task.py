"""One bought task as a plain record. It must not know how it is kept or shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batchvid.emulator.task_lifecycle import Life, Outcome


@dataclass(slots=True, kw_only=True)
class Task:
    """One bought task. Sizes are pixels, times seconds since 1970.

    `kind` is the sub-resource below which it is polled, `owner` a digest of the key that made it, `echo` what the
    vendor's object repeats from the request, `images` one dict an input image, in the order of the request, and
    `references` the same of pictures that are no frames. `scene` is the text that the picture is thrown from when it
    is not the prompt (a clip made out of another shows the other's), `hue` how far its colours are turned, 0 to 1.
    `started_at` is None while the task waits for a slot; `looks` are the polls that saw it, `polls` all of
    them. `removed`: its buyer cancelled or deleted it, and nobody finds it any more. `restored`: it was made by an
    emulator before this one.
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
    life: Life
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    looks: int = 0
    polls: int = 0
    removed: bool = False
    restored: bool = False
