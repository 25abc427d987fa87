"""A run from Python leaves the caller's signal handlers as they were."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from batchvid import commands
from batchvid.errors import UsageError
from tests.end_to_end.conftest import Bench, bench, run_cli, settings

__all__ = ["bench", "run_cli", "settings"]
NUMBERS = (signal.SIGINT, signal.SIGTERM)


def mine(_number: int, _frame: FrameType | None) -> None:
    """A handler of the caller."""


@pytest.fixture
def handlers() -> Iterator[list[Any]]:
    """The handlers of a caller; the test's own come back at its end."""
    before = [signal.signal(number, mine) for number in NUMBERS]
    yield before
    for number, handler in zip(NUMBERS, before, strict=True):
        signal.signal(number, handler)


def test_the_callers_handlers_come_back(bench: Bench, handlers: list[Any]) -> None:
    """Both, after a run that ended well."""
    assert len(handlers) == len(NUMBERS)
    bench.write("  - {id: kite, prompt: a kite}")
    commands.run(commands.load(bench.manifest, out=bench.folder / "outputs"))
    assert [signal.getsignal(number) for number in NUMBERS] == [mine, mine]


async def test_a_run_inside_an_event_loop(bench: Bench) -> None:
    """As in a notebook: one sentence says what to write, and nothing is bought; in another thread it runs."""
    bench.write("  - {id: kite, prompt: a kite}")
    batch = commands.load(bench.manifest, out=bench.folder / "outputs")
    with pytest.raises(UsageError, match=r"await asyncio\.to_thread\(batchvid\.run, batch\)"):
        commands.run(batch)
    assert bench.emulator.ledger()["purchases"] == 0
    assert (await asyncio.to_thread(commands.run, batch)).exit_code == 0
