"""One emulator a test process, and a batch with a job in every wire format that is served by it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchvid.commands import Batch
from batchvid.emulator import Settings
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, matrix

FORMATS_EACH = 3  # wire formats in which the suite tries each fault
SETTINGS = Settings(gemini_delivery="uri", life="polls:1", render="shared", api_key=all_formats.KEY)


@pytest.fixture(scope="session")
def vendor() -> Iterator[matrix.Vendor]:
    """Tasks end at the first poll; clips of one length and shape are rendered once."""
    with matrix.open_vendor(SETTINGS) as opened:
        yield opened


@pytest.fixture(scope="session")
def emulator(vendor: matrix.Vendor) -> ServedEmulator:
    """The emulator alone."""
    return vendor.emulator


def is_thorough() -> bool:
    """Whether the whole cross products are tried: `BATCHVID_TESTS=all`. Otherwise a part of them, in turn."""
    return os.environ.get("BATCHVID_TESTS") == "all"


@pytest.fixture(scope="session")
def some_formats(emulator: ServedEmulator, tmp_path_factory: pytest.TempPathFactory) -> list[Batch]:
    """Batches that together have a job in every wire format; one batch for the whole cross product."""
    names = list(all_formats.JOBS)
    parts = 1 if is_thorough() else len(names) // FORMATS_EACH
    return [
        all_formats.load(tmp_path_factory.mktemp(f"formats{part}"), emulator.base_url, names[part::parts])
        for part in range(parts)
    ]


@pytest.fixture(scope="session")
def everyone(emulator: ServedEmulator, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """A job in every wire format, each at a provider of its own."""
    return all_formats.load(tmp_path_factory.mktemp("everyone"), emulator.base_url, list(all_formats.JOBS))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in all_formats.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
