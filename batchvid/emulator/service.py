"""What every route does in the same way. The routes know the vendors' words; this file must not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from batchvid.emulator import task_lifecycle
from batchvid.emulator.authorization import bearer
from batchvid.emulator.body_parsing import Form
from batchvid.emulator.callbacks import CallbackSender, callback_url
from batchvid.emulator.fault_rules import FaultAction, Faults, Step
from batchvid.emulator.ledger import Ledger
from batchvid.emulator.links import Links
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.rendering.input_images import InputImage, InputImages
from batchvid.emulator.replies import ErrorResponse, Refuse, openai_error, task_error
from batchvid.emulator.settings import Settings
from batchvid.emulator.store import Store
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Family:
    """One format of tasks. `waits`: over the limit a task is accepted and waits, in place of a refusal."""

    name: str
    new_id: Callable[[], str]
    refuse: Refuse
    waits: bool = False


@dataclass(slots=True)
class SubmitRequest:
    """A submit. Faults match `model` and `prompt`, which are read before anything is checked."""

    service: EmulatorService
    request: web.Request
    family: Family
    owner: str
    route: str
    kind: str
    form: Form
    model: str
    prompt: str


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """The clip of a valid submit. Sizes are pixels; `references`, `scene` and `hue` as in Task."""

    seconds: float
    width: int
    height: int
    images: list[InputImage] = field(default_factory=list)
    references: list[InputImage] = field(default_factory=list)
    scene: str = ""
    hue: float = 0.0
    echo: dict[str, Any] = field(default_factory=dict)
    external_task_id: str = ""


@dataclass(frozen=True, slots=True)
class EmulatorService:
    """The parts of one emulator, and what routes do with them."""

    settings: Settings
    clock: Clock
    ledger: Ledger
    store: Store
    faults: Faults
    links: Links
    images: InputImages
    clips: Clips
    callbacks: CallbackSender

    def owner(self, request: web.Request, error_type: str = "comet_api_error") -> str:
        """A digest of the caller's key. Raises ErrorResponse (401, the OpenAI-style error on every route)."""
        if owner := self.owner_of(request, bearer(request)):
            return owner
        raise ErrorResponse(openai_error(401, "Invalid token", kind=error_type))

    def owner_of(self, request: web.Request, key: str) -> str:
        """A digest of the key that a function of authorization.py found; empty for a wrong or missing one."""
        if not key and not self.settings.needs_key and "Authorization" not in request.headers:
            return "keyless"
        if not key or (self.settings.api_key and key != self.settings.api_key):
            return ""
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    def limit(self, family: str) -> int:
        """The limit of unfinished tasks of the family; 0: no limit."""
        return self.settings.concurrency_by_family.get(family, self.settings.concurrency)

    def link(self, request: web.Request, task: Task) -> str:
        """A new link to the clip, on the host of the request (so that a proxy between works)."""
        return self.links.make(f"{request.scheme}://{request.host}", task.id, self.clock())

    def linked_task(self, url: str, owner: str) -> Task | None:
        """The task of the clip that a link of this emulator leads to, if this key created it."""
        task = self.store.any(self.links.task_id(url))
        return task if task is not None and task.owner == owner else None

    def match_fault(self, step: Step, family: Family, about: SubmitRequest | Task) -> FaultAction | None:
        """The fault action of this request, if a rule matches."""
        return self.faults.match_fault(step, family.name, about, about.id if isinstance(about, Task) else about.prompt)

    def cancel(self, task: Task) -> bool:
        """Cancel the task, or delete a finished one; False when it is too late. Raises ErrorResponse (404)."""
        if self.settings.cancel == "none":
            raise ErrorResponse(openai_error(404, "Invalid URL", kind="invalid_request_error"))
        seen = self.store.peek(task, self.clock())
        if seen.phase is Phase.RUNNING and self.settings.cancel == "queued":
            return False
        self.store.remove(task, self.clock())
        return True

    def unknown_task(self) -> web.Response:
        """The reply of CometAPI and new-api to a poll of an unknown task (wire-notes 11)."""
        status = self.settings.unknown_task_status
        if self.settings.unknown_task_as == "openai":
            return openai_error(status, "Task not found", kind="invalid_request_error")
        return task_error(status, "task_not_exist", "task_not_exist")

    def create(self, submit: SubmitRequest, clip: ClipSpec, action: FaultAction | None) -> Task:
        """Create the task, or raise ErrorResponse when all slots are taken and this vendor refuses then."""
        family, now, limit = submit.family, self.clock(), self.limit(submit.family.name)
        if not family.waits and self.store.is_full(family.name, limit, now):
            raise ErrorResponse(family.refuse("concurrency", ""))
        outcome = (action and action.outcome) or Outcome.SUCCESS
        copy = self.store.copies(family.name, submit.prompt)
        rng = Random(f"{self.settings.seed}/{family.name}/{submit.prompt}/{copy}")  # noqa: S311 - not a secret
        task = Task(
            id=family.new_id(),
            family=family.name,
            **{name: getattr(submit, name) for name in ("route", "kind", "owner", "model", "prompt")},
            **asdict(clip),
            outcome=outcome,
            message=action.message if action and action.outcome else "",
            code=action.code if action and action.outcome else "",
            duration=task_lifecycle.draw(self.settings.life, rng, outcome),
            created_at=now,
        )
        self.store.create(task, limit=limit)
        if url := callback_url(submit.request.query, submit.form.fields):
            self.callbacks.watch(task, url)
        return task
