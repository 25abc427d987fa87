"""One emulator a test process, and a batch with a job in every wire format that is served by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchvid.commands import Batch
from batchvid.emulator import Settings
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats

SETTINGS = Settings(life="polls:1", render="shared", api_key=all_formats.KEY)


@pytest.fixture(scope="session")
def emulator() -> Iterator[ServedEmulator]:
    """Tasks end at the first look; clips of one length and shape are rendered once."""
    with ServedEmulator(SETTINGS) as served:
        yield served


@pytest.fixture(scope="session")
def everyone(emulator: ServedEmulator, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """A job in every wire format, each at a provider of its own."""
    return all_formats.load(tmp_path_factory.mktemp("everyone"), emulator.base_url, list(all_formats.JOBS))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in all_formats.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
