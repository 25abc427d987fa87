"""For all tests: nothing outside this machine is ever called, and hypothesis is not bound by a clock.

Knows of batchvid only what a process keeps; what tests build their jobs and clips with stands in builders.py.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from batchvid.dialects import DIALECTS
from tests.builders import MakeClip, make_clip

settings.register_profile("shared", deadline=None, max_examples=60, database=None)  # the cores are shared with others
settings.load_profile("shared")


def _only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto"):
        return
    address = arguments[1]
    if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
        raise PermissionError(f"a test wants to reach {address[0]}: only loopback is allowed")


sys.addaudithook(_only_loopback)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What whoever runs the tests has fetched or configured counts for none of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))  # for fixtures of a whole session
        # one folder for all processes of a session: a clip takes half a second of CPU to render
        session = tmp_path_factory.getbasetemp()
        everybody = session.parent if "PYTEST_XDIST_WORKER" in os.environ else session
        patch.setenv("BATCHVID_EMULATOR_CLIPS", str(everybody / "rendered"))
        for name in ("BATCHVID_CATALOG", "BATCHVID_OUT"):
            patch.delenv(name, raising=False)
        yield


_STATE_HOMES = itertools.count()


@pytest.fixture(autouse=True)
def _own_index(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own index of batches: a file system gives the inode of a deleted manifest to the next one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "indexes" / str(next(_STATE_HOMES))))


@pytest.fixture(autouse=True)
def _own_wire_formats() -> Iterator[None]:
    """What a test defines counts for no other one."""
    yield
    DIALECTS.forget_definitions()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """Real MP4s: the same values give the same file, which is made once."""
    folder = tmp_path_factory.mktemp("clips")

    def clip(**values: Any) -> Path:
        path = folder / ("-".join(f"{name}={value}" for name, value in sorted(values.items())) + ".mp4")
        if not path.exists():
            make_clip(path, **values)
        return path

    return clip
