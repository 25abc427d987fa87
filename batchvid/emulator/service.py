"""What every route does the same: check the key, count, let faults strike, take slots, make and show tasks.

The routes know the vendors' words; this file must not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from batchvid.emulator import task_lifecycle
from batchvid.emulator.fault_injection import Act, Refuse, carry_out
from batchvid.emulator.fault_rules import Deed, Faults
from batchvid.emulator.ledger import Ledger
from batchvid.emulator.links import Links
from batchvid.emulator.rendering.input_images import Still, Stills
from batchvid.emulator.replies import Refusal, x1, x2
from batchvid.emulator.settings import Settings
from batchvid.emulator.store import Store
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One way of speaking about tasks. `waits`: over the limit a task is accepted and waits instead of refused."""

    name: str
    new_id: Callable[[], str]
    refuse: Refuse
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A submit as far as it must be read before anything is checked."""

    owner: str
    route: str
    kind: str
    model: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A checked submit: what is to be made. Sizes are pixels; `references`, `scene` and `hue` as in Task."""

    seconds: float
    width: int
    height: int
    images: list[Still] = field(default_factory=list)
    references: list[Still] = field(default_factory=list)
    scene: str = ""
    hue: float = 0.0
    echo: dict[str, Any] = field(default_factory=dict)
    external_task_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts of one emulator, and what routes do with them."""

    settings: Settings
    clock: Clock
    ledger: Ledger
    store: Store
    faults: Faults
    links: Links
    stills: Stills

    def owner(self, request: web.Request, *, error_type: str = "comet_api_error") -> str:
        """Who asks: a digest of the key. Raises Refusal (401, the OpenAI-style error on every route)."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key or (self.settings.api_key and key != self.settings.api_key):
            raise Refusal(x1(401, "Invalid token", kind=error_type))
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    def limit(self, family: str) -> int:
        """How many unfinished tasks the family takes; 0: no limit."""
        return self.settings.concurrency_by_family.get(family, self.settings.concurrency)

    def link(self, request: web.Request, task: Task) -> str:
        """A fresh link to the clip, on the host that the asker sees (so that a proxy between works)."""
        return self.links.make(f"{request.scheme}://{request.host}", task.id, self.clock())

    def behind(self, url: str, owner: str) -> Task | None:
        """The task whose clip a link of ours leads to, if this key made it; None for all other links."""
        task = self.store.any(self.links.task_id(url))
        return task if task is not None and task.owner == owner else None

    async def submit(
        self,
        request: web.Request,
        family: Family,
        ask: Ask,
        order: Callable[[], Awaitable[Order]],
        accepted: Callable[[Task], web.Response],
    ) -> web.StreamResponse:
        """A paid call: faults first, then the vendor's checks (`order` raises Refusal), then the slots."""
        self.ledger.submitted(family.name, ask.route, self.clock())
        deed = self.faults.strike("submit", family=family.name, prompt=ask.prompt, model=ask.model, subject=ask.prompt)
        created = False

        async def act() -> web.StreamResponse:
            nonlocal created
            try:
                task = self._create(family, ask, await order(), deed)
            except Refusal as no:
                return no.response
            created = True
            response = accepted(task)
            response.set_status(self.settings.accepted_status)
            return response

        response = await carry_out(deed, request, act, family.refuse)
        if not created:
            self.ledger.refused(family.name, ask.route)
        return response

    async def poll(
        self, request: web.Request, family: Family, task: Task, show: Callable[[Task], web.Response]
    ) -> web.StreamResponse:
        """A look at a task."""
        self.ledger.polled(family.name, task.route, self.clock())
        task.polls += 1
        deed = self.faults.strike("poll", family=family.name, prompt=task.prompt, model=task.model, subject=task.id)

        async def act() -> web.StreamResponse:
            return show(task)

        return await carry_out(deed, request, act, family.refuse)

    def cancel(self, task: Task) -> bool:
        """Cancel the task, or delete a finished one; False when it can no longer be cancelled. Raises Refusal (404)."""
        if self.settings.cancel == "none":
            raise Refusal(x1(404, "Invalid URL", kind="invalid_request_error"))
        seen = self.store.peek(task, self.clock())
        if seen.phase is Phase.RUNNING and self.settings.cancel == "queued":
            return False
        self.store.remove(task, self.clock())
        return True

    async def fetch(
        self, request: web.Request, family: Family, task: Task, act: Callable[[Deed | None], Act]
    ) -> web.StreamResponse:
        """A look at the clip through the API; `act` is told the deed, since most are about the bytes."""
        if request.method == "GET":
            self.ledger.downloaded(family.name, task.route)
        deed = self.faults.strike("content", family=family.name, prompt=task.prompt, model=task.model, subject=task.id)
        return await carry_out(deed, request, act(deed), family.refuse)

    def turned_away(self, family: Family, route: str) -> None:
        """Count a submit that could not even be read, or that came without a key."""
        self.ledger.submitted(family.name, route, self.clock())
        self.ledger.refused(family.name, route)

    def missed(self, family: Family, route: str) -> None:
        """Count a poll for a task that nobody knows."""
        self.ledger.polled(family.name, route, self.clock())

    def unknown(self, family: Family, route: str) -> Refusal:
        """Count such a poll, and answer it as CometAPI and new-api do (wire-notes 11 has both codes)."""
        self.missed(family, route)
        status, how = self.settings.unknown_task_status, self.settings.unknown_task_as
        if how == "openai":
            return Refusal(x1(status, "Task not found", kind="invalid_request_error"))
        return Refusal(x2(status, "task_not_exist" if how == "code" else "", "task_not_exist"))

    def _create(self, family: Family, ask: Ask, order: Order, deed: Deed | None) -> Task:
        """Make the task, or raise Refusal when all slots are taken and this vendor then says no."""
        now, limit = self.clock(), self.limit(family.name)
        if not family.waits and self.store.is_full(family.name, limit, now):
            raise Refusal(family.refuse("concurrency", ""))
        outcome = (deed and deed.outcome) or Outcome.SUCCESS
        copy = self.store.copies(family.name, ask.prompt)
        rng = Random(f"{self.settings.seed}/{family.name}/{ask.prompt}/{copy}")  # noqa: S311 - not a secret
        task = Task(
            id=family.new_id(),
            family=family.name,
            route=ask.route,
            kind=ask.kind,
            owner=ask.owner,
            model=ask.model,
            prompt=ask.prompt,
            external_task_id=order.external_task_id,
            seconds=order.seconds,
            width=order.width,
            height=order.height,
            images=[still.as_dict() for still in order.images],
            references=[still.as_dict() for still in order.references],
            scene=order.scene,
            hue=order.hue,
            echo=order.echo,
            outcome=outcome,
            message=deed.message if deed and deed.outcome else "",
            code=deed.code if deed and deed.outcome else "",
            life=task_lifecycle.draw(self.settings.life, rng, outcome),
            created_at=now,
        )
        self.store.create(task, limit=limit)
        return task


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answering(handler: Handler, escaped: Callable[[web.Request], None] | None = None) -> Handler:
    """A handler whose Refusals are answered; `escaped` is told of each."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as no:
            if escaped is not None:
                escaped(request)
            return no.response

    return answer
