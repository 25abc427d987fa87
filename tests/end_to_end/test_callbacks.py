"""`run --listen`: the options, and runs of the command line."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Result
from tests.runner.servers import closed_port


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--listen", "127.0.0.1:8788"), "--listen and --public-url belong together"),
        (("--listen", "127.0.0.1:8788", "--public-url", "http://t.example.com"), "--public-url: must be the https://"),
    ],
)
def test_options_that_do_not_fit_buy_nothing(
    run_cli: Callable[[Sequence[str]], Result], tmp_path: Path, options: tuple[str, ...], problem: str
) -> None:
    """Neither by `run` nor by `retry`."""
    (tmp_path / "m.yaml").write_text(
        "clips: [{id: kite, prompt: a kite, provider: emulator, model: veo3-fast}]", "utf-8"
    )
    for command in ("run", "retry"):
        ended = run_cli([command, str(tmp_path / "m.yaml"), "--out", str(tmp_path / "out"), *options])
        assert ended.code == 2
        assert problem in ended.err
    assert not (tmp_path / "out").exists()


def test_a_run_of_the_command_line_listens(run_cli: Callable[[Sequence[str]], Result], tmp_path: Path) -> None:
    """A vendor without callbacks is polled as ever, and a taken port is named before anything is bought."""
    manifest = {
        "clips": [{"id": "kite", "prompt": "a kite", "provider": "emulator", "model": "veo3-fast", "duration_s": 4}],
        "providers": {"emulator": {"life": "instant"}},
    }
    (tmp_path / "m.yaml").write_text(json.dumps(manifest), "utf-8")
    address = f"127.0.0.1:{closed_port()}"
    options = ["--out", str(tmp_path / "out"), "--listen", address, "--public-url", f"http://{address}"]
    ended = run_cli(["run", str(tmp_path / "m.yaml"), *options])
    assert (ended.code, "callbacks: " in ended.out + ended.err) == (0, False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ["--out", str(tmp_path / "new"), "--listen", address, "--public-url", f"http://{address}"]
        ended = run_cli(["run", str(tmp_path / "m.yaml"), "--new-batch", *options])
    assert ended.code == 2
    assert f"--listen {address}: nothing can listen there" in ended.err
