"""The net that clips are caught with, open for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from batchvid.net.transport import Transport
from tests.runner.downloads.fetch_harness import Net


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    """A batch's folder that is not there yet, and a client."""
    async with Transport() as transport:
        yield Net(tmp_path / "spring", transport)
