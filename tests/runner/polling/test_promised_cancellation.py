"""A cancellation that the reply only promises: polls show whether it took place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web

from batchvid.domain.jobs import Job, JobState
from batchvid.net.access import Access
from batchvid.net.transport import Transport
from batchvid.runner.polling.task_timeout import cancel_task
from tests.builders import job_in
from tests.runner.servers import serving

PROMISED = (202, {"status": "CANCELLATION_REQUESTED"})
STOPPED = (200, {"status": "COMPLETED", "error": "Request was cancelled", "error_type": "client_cancelled"})
WORKING = (202, {"status": "IN_PROGRESS", "logs": None})
MADE = (200, {"status": "COMPLETED", "metrics": {"inference_time": 3.2}})

Answer = tuple[int, dict[str, object]]


def fal_job() -> Job:
    return replace(job_in(JobState.RUNNING), dialect="fal", prefix="")


@pytest.mark.parametrize(
    ("cancelled", "polls", "done"),
    [
        (PROMISED, [WORKING, STOPPED], True),
        (PROMISED, [MADE], False),
        ((400, {"status": "ALREADY_COMPLETED"}), [], False),
        ((200, {"status": "OK"}), [], True),
    ],
    ids=["stopped", "made meanwhile", "refused", "removed"],
)
async def test_polls_show_whether_it_took_place(cancelled: Answer, polls: list[Answer], done: bool) -> None:
    """fal answers 202 while the model may still stop; a clip that was made meanwhile is paid for and stays."""
    left = iter(polls)

    async def answer(request: web.Request) -> web.Response:
        status, body = cancelled if request.method == "PUT" else next(left)
        return web.json_response(body, status=status)

    async with serving(answer) as server, Transport() as transport:
        assert await cancel_task(transport, server.base_url, Access(), fal_job()) is done
    assert next(left, None) is None
