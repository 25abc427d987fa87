"""The state file is the owner's alone if it holds a secret that a job needs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from batchvid.domain.clip_request import ClipRequest
from batchvid.state.state_file import StateFile
from tests.builders import life, planned, spec


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
@pytest.mark.parametrize(
    ("video", "mode"),
    [("https://cdn.example/a.mp4?Signature=abc123", 0o600), ("https://cdn.example/a.mp4", 0o644), ("", 0o644)],
)
def test_a_signed_input_link(tmp_path: Path, video: str, mode: int) -> None:
    """It is needed to buy the job, so it is kept; nobody else can read it."""
    path = tmp_path / "state.sqlite3"
    request = ClipRequest(model="m", prompt="a kite", action="edit", video=video)
    before = os.umask(0o022)
    try:
        with StateFile(path) as state:
            state.commit(life(planned(spec(request=request))))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("state.sqlite3*")}
    finally:
        os.umask(before)
    assert {modes[name] for name in modes if not name.endswith((".lock", ".holder"))} == {mode}
    with StateFile(path) as state:
        (job,) = state.jobs().values()
    assert job.spec.request.video == video
