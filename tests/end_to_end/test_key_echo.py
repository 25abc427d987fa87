"""A vendor echoes the key in every encoding and every field: no file of the run and nothing on the screen holds it."""

from __future__ import annotations

import json
import logging
import shutil
import string
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders import make_clip
from tests.end_to_end.conftest import Result
from tests.end_to_end.echo_vendor import SCENES, EchoVendor, echo_vendor
from tests.key_encodings import core, leaks

QUICK = {
    "concurrency": 20,
    "submits_per_min": 60_000,
    "polls_per_s": 5000,
    "poll_every_s": 0.01,
    "wait_initial_s": 0.001,
}
KEYS = st.text(string.ascii_letters + string.digits + "+/=_", min_size=24, max_size=60).filter(
    lambda key: len(set(core(key))) > 5  # zeros alone stand in every file
)
COMMANDS = (("run",), ("status",), ("status", "--json"), ("report",), ("plan", "--all"), ("doctor",))


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EchoVendor]:
    """One for all tests here."""
    with echo_vendor(make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()) as served:
        yield served


def write_batch(folder: Path, vendor: EchoVendor) -> None:
    """One job for each encoding; waits are turned down."""
    row = {"dialect": "openai-videos", "base_url": vendor.base_url, "api_key_env": "ECHO_KEY", **QUICK}
    rows = "".join(f"{name} = {json.dumps(value)}\n" for name, value in row.items())
    clips = [
        {"id": f"kite{number}", "prompt": f"a kite, encoding {number}"} for number, _ in enumerate(vendor.encodings)
    ]
    manifest = {
        "batch": "echo",
        "downloads": {"wait_s": 0.1},
        "defaults": {"model": "openai-videos/m", "provider": "echo", "duration_s": 1},
        "clips": clips,
    }
    (folder / "batch.yaml").write_text(json.dumps(manifest), "utf-8")
    (folder / "batchvid.toml").write_text(f"[providers.echo]\n{rows}", "utf-8")


@pytest.mark.parametrize("scene", SCENES)
@settings(
    max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=KEYS)
def test_no_file_and_no_stream_holds_the_key(
    vendor: EchoVendor,
    run_cli: Callable[[Sequence[str]], Result],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    scene: str,
    key: str,
) -> None:
    """State, logs, reports, sidecars, rejected files, what each command prints, and what `logging` gets."""
    folder = Path(tempfile.mkdtemp(prefix="batchvid-echo-"))
    try:
        vendor.scene, vendor.key = scene, key
        monkeypatch.setenv("ECHO_KEY", key)
        monkeypatch.chdir(folder)
        write_batch(folder, vendor)
        caplog.clear()
        texts: list[tuple[str, bytes]] = []
        with caplog.at_level(logging.INFO, "batchvid"):
            for command in COMMANDS:
                done = run_cli([command[0], "batch.yaml", *command[1:]])
                texts += [(f"the output of {command[0]}", (done.out + done.err).encode("utf-8", "replace"))]
        texts += [("a log record", repr(vars(record)).encode("utf-8", "replace")) for record in caplog.records]
        texts += [(path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
        assert {name for name, _ in texts} >= {"state.sqlite3", "run.log", "report.csv", "ledger.csv"}
        assert leaks(texts, [key])[:5] == []
    finally:
        monkeypatch.chdir("/")
        shutil.rmtree(folder)
