"""The state file is the owner's alone if it holds a secret that a job needs."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from batchvid.domain.clip_request import ClipRequest, ImageRef
from batchvid.state.state_file import StateFile
from tests.builders import life, planned, spec

LINK = "https://cdn.example/a.mp4?Signature=abc123"


def test_a_signed_input_link(tmp_path: Path) -> None:
    """Its query is not kept, wherever the job has it: the manifest is read again before the job is bought."""
    path = tmp_path / "state.sqlite3"
    request = ClipRequest(
        model="m",
        prompt="a kite",
        action="edit",
        video=LINK,
        audio=LINK,
        images=(ImageRef(role="first", source=LINK), ImageRef(role="last", source="/home/me/what?.png")),
        options={"callback": [{"to": f"see {LINK}"}]},
    )
    whole = replace(spec(request=request), variables={"picture": LINK})
    with StateFile(path) as state:
        state.commit(life(planned(whole)))
        stored = b"".join(file.read_bytes() for file in tmp_path.glob("state.sqlite3*"))
    assert b"abc123" not in stored
    with StateFile(path) as state:
        (job,) = state.jobs().values()
    bare = "https://cdn.example/a.mp4?..."
    kept = job.spec.request
    assert (kept.video, kept.audio, kept.images[0].source) == (bare, bare, bare)
    assert (kept.images[1], kept.options) == (request.images[1], {"callback": [{"to": f"see {bare}"}]})
    assert (job.spec.fingerprint, job.spec.variables) == (whole.fingerprint, {"picture": bare})


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
@pytest.mark.parametrize(
    ("prompt", "mode"),
    [(f"a kite like {LINK}", 0o600), ("a kite", 0o644)],
)
def test_a_prompt_with_a_secret(tmp_path: Path, prompt: str, mode: int) -> None:
    """It is what the user wrote, so it is kept; nobody else can read it."""
    path = tmp_path / "state.sqlite3"
    request = ClipRequest(model="m", prompt=prompt)
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
    assert job.spec.request.prompt == prompt
