"""Vendors that answer as a script says: common polls that fail, calls sent once more, addresses with a key."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.end_to_end.conftest import KEY, Bench, until
from tests.end_to_end.model_servers import Call, ModelServer, Reply, serving
from tests.videos import make_video

TASKS = 10
RATE = 3  # submits per minute
QUICK = {"poll_every_s": 0.05, "submits_per_min": 6000, "polls_per_s": 200, "concurrency": TASKS, "timeout_s": 20}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real clip."""
    return make_video(tmp_path_factory.mktemp("clip") / "a.mp4", "index first").read_bytes()


@dataclass
class Scripted(ModelServer):
    """Sells what is bought, with ids in a row; `poll` answers every other call."""

    accept: Callable[[Scripted, Call, str], Reply] = lambda _server, _call, task_id: (200, {"request_id": task_id})
    poll: Callable[[Scripted, Call], Reply] = lambda _server, _call: (404, {})

    @property
    def paid(self) -> int:
        """How many calls could buy."""
        return sum(call.method == "POST" for call in self.calls)

    def answer(self, call: Call) -> Reply:
        if call.method == "POST":
            return self.accept(self, call, f"task-{self.paid}")
        return (200, self.clip) if call.steps == ["clip.mp4"] else self.poll(self, call)


def write(bench: Bench, server: Scripted, model: str, clips: int, **row: object) -> None:
    """A manifest of so many clips at the server."""
    house = {"dialect": model.partition("/")[0], "base_url": server.base_url, "api_key_env": "TEST_KEY", **QUICK, **row}
    clip = {"id": "kite", "prompt": "a kite", "takes": clips, "model": model, "provider": "house"}
    document = {"batch": "batch", "providers": {"house": house}, "downloads": {"wait_s": 0.1}, "clips": [clip]}
    bench.manifest.write_text(json.dumps(document))


@pytest.mark.parametrize("refusal", [(404, {"code": 1203, "message": "task not found"}), (500, {"code": 5000})])
def test_tasks_whose_common_poll_fails_are_polled_alone(bench: Bench, clip: bytes, refusal: Reply) -> None:
    """One unknown task refuses the call for all, or such calls break the vendor: every clip is stored all the same."""
    sizes: Counter[int] = Counter()

    def accept(_server: Scripted, _call: Call, task_id: str) -> Reply:
        return 200, {"code": 0, "data": {"id": task_id, "status": "submitted"}}

    def poll(server: Scripted, call: Call) -> Reply:
        ids = call.query["task_ids"][0].split(",")
        sizes[len(ids)] += 1
        if len(ids) > 1:
            return refusal
        done = {"outputs": [{"type": "video", "id": "v", "url": f"{server.base_url}/clip.mp4"}]}
        return 200, {"code": 0, "data": [{"id": ids[0], "status": "succeeded", **done}]}

    with serving(Scripted(clip, accept=accept, poll=poll)) as server:
        assert isinstance(server, Scripted)
        write(bench, server, "kling-new/kling-3.0", TASKS, polls_per_s=TASKS, poll_every_s=0.01)
        assert bench.run().code == 0
    assert (server.paid, sizes[1]) == (TASKS, TASKS)
    assert sizes.total() - sizes[1] <= (2 if refusal[0] == 404 else 9)


def test_a_call_sent_once_more_counts_under_the_rate_of_submits(bench: Bench, clip: bytes) -> None:
    """Lost replies fill the rate; the calls that look for their tasks wait for the next minute."""
    lost = lambda _server, _call, _task_id: (503, {"detail": "x"})  # noqa: E731 - as short as its reply
    with serving(Scripted(clip, accept=lost)) as server:
        assert isinstance(server, Scripted)
        write(bench, server, "comfy-router/acme/film", RATE, submits_per_min=RATE, lookup="idempotency")
        run = bench.start("run", str(bench.manifest))
        until(lambda: server.paid >= RATE)
        time.sleep(1)  # twenty poll intervals: the first four of them are those of the look-up
        run.kill()
        run.communicate()
    assert server.paid == RATE


def test_a_poll_address_that_holds_the_key_is_not_recorded(bench: Bench, clip: bytes) -> None:
    """The vendor's reply names one: the task is polled at the address that its documents give."""

    def accept(server: Scripted, _call: Call, task_id: str) -> Reply:
        address = f"{server.base_url}/fal-ai/film/requests/{task_id}/status"
        return 200, {"request_id": task_id, "status_url": f"{address}?logs=1&trace={quote(KEY, safe='')}"}

    def poll(server: Scripted, call: Call) -> Reply:
        is_status = call.steps[-1] == "status"
        return 200, {"status": "COMPLETED"} if is_status else {"video": {"url": f"{server.base_url}/clip.mp4"}}

    with serving(Scripted(clip, accept=accept, poll=poll)) as server:
        assert isinstance(server, Scripted)
        write(bench, server, "fal/fal-ai/film/text", 1)
        assert bench.run().code == 0
    assert any(call.path == "/fal-ai/film/requests/task-1/status" for call in server.calls)
    files = [file for file in Path(bench.batch).rglob("*") if file.is_file()]
    assert not [file for file in files if KEY.encode() in file.read_bytes()]
