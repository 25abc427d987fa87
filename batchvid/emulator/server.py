"""Builds one emulator and runs it: as an async context in a test, or blocking as its own process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from batchvid.emulator import cdn, control, replies, routes
from batchvid.emulator.callbacks import CallbackSender
from batchvid.emulator.fault_rules import Faults
from batchvid.emulator.ledger import Ledger
from batchvid.emulator.links import Links
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.rendering.input_images import InputImages
from batchvid.emulator.service import Clock, EmulatorService
from batchvid.emulator.settings import Settings
from batchvid.emulator.store import Store
from batchvid.emulator.task_log import TaskLog

OnReady = Callable[[str], None]  # gets the base URL
MAX_BODY_BYTES = 128 * 1024 * 1024  # new-api's default
MARK = "x-batchvid-emulator"  # a header of every reply: what the emulator makes is a rehearsal
GRACE_S = 0.2  # seconds that open requests may take after the emulator is stopped
ACCEPT_S = 0.02  # a few turns of the loop: asyncio hands an accepted socket over in three


class Emulator:
    """A provider on a loopback port, as an async context. `clock` returns seconds since 1970; `tls` makes it https.

    Raises ValueError for an unknown family, FaultError for invalid rules, OSError when the port is taken.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Clock = time.time,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings, self._clock, self._tls = settings or Settings(), clock, tls
        self._address = (host, port)
        self.base_url = ""  # without a trailing slash; empty until it listens
        unknown = {*self._settings.concurrency_by_family, *self._settings.usd_per_s} - set(routes.FAMILIES)
        if unknown:
            raise ValueError(f"unknown family {sorted(unknown)[0]}; known: {', '.join(routes.FAMILIES)}")

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def ledger(self) -> dict[str, Any]:
        """The ledger, as `GET /_emulator/ledger` returns it."""
        return control.ledger(self._service)

    def set_faults(self, rules: list[dict[str, Any]]) -> None:
        """Replace all fault rules. Raises FaultError."""
        self._service.faults.replace(rules)

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        faults = Faults(settings.seed, tuple(routes.FAMILIES))
        faults.replace(settings.faults)
        state = settings.state_file
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="batchvid-emulator-")))
        task_log = TaskLog(state)
        stack.callback(task_log.close)
        images = InputImages(state.with_name(state.name + ".images") if state else folder / "images")
        stack.callback(images.close)
        clips = Clips(folder, settings, images)
        stack.push_async_callback(clips.close)
        ledger = Ledger()
        store, links = Store(ledger, task_log, tick_s=settings.tick_s), Links(task_log.secret, settings.link_ttl_s)
        callbacks = CallbackSender(settings, store, self._clock)
        self._service = EmulatorService(settings, self._clock, ledger, store, faults, links, images, clips, callbacks)
        self._service.store.restore(self._service.limit)
        stack.push_async_callback(_end, asyncio.create_task(callbacks.run()))
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=GRACE_S)
        await runner.setup()
        transports: list[asyncio.Transport] = []
        stack.push_async_callback(_abort, transports)
        stack.push_async_callback(runner.cleanup)
        host, port = self._address
        server = await asyncio.get_running_loop().create_server(
            runner.server,  # type: ignore[arg-type]  # a factory
            host,
            port,
            backlog=1024,
            ssl=self._tls,
        )
        stack.push_async_callback(_stop_accepting, server, runner, transports)
        scheme = "https" if self._tls else "http"
        self.base_url = "{}://{}:{}".format(scheme, *server.sockets[0].getsockname()[:2])

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        if self._settings.mark_replies:
            app.on_response_prepare.append(_mark)
        for module in (routes, cdn, control):
            module.register(app.router, self._service)
        app.router.add_route("*", "/{anything:.*}", _wrong_path)
        return app


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _mark(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers[MARK] = "1"


async def _stop_accepting(server: asyncio.Server, runner: web.AppRunner, transports: list[asyncio.Transport]) -> None:
    """Closes the listening sockets. Collects the open connections.

    asyncio loses a connection that is accepted in the moment in which its server closes, so accepting ends first.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.remove_reader(listening.fileno())
    await asyncio.sleep(ACCEPT_S)
    server.close()
    if runner.server is not None:
        transports += [one.transport for one in runner.server.connections if one.transport is not None]


async def _abort(transports: list[asyncio.Transport]) -> None:
    """Ends connections whose client does not read: a transport with unsent bytes outlives its close."""
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)


async def _wrong_path(_request: web.Request) -> web.Response:
    return replies.html(404)


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: OnReady = print,
    *,
    die_with_parent: bool = False,
) -> None:
    """Run until SIGINT or SIGTERM, with `die_with_parent` also until standard input ends. Raises like Emulator."""

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows raises KeyboardInterrupt instead
                loop.add_signal_handler(number, stop.set)
        if die_with_parent:
            threading.Thread(target=_wait_for_eof, args=(loop, stop), daemon=True).start()
        async with Emulator(settings, host, port) as emulator:
            on_ready(emulator.base_url)
            await stop.wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())


def _wait_for_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop may be closed already
        loop.call_soon_threadsafe(stop.set)
