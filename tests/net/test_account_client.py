"""The list of an account's tasks: paged, bounded, and never half of it for the whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from batchvid.catalog import providers
from batchvid.domain.wire import Candidate, Request, Response
from batchvid.errors import UnreadableReply
from batchvid.net.access import bearer
from batchvid.net.account_client import MAX_LOOKUP_PAGES, PAGE_SIZE, fetch_tasks
from batchvid.net.account_pages import AccountRefused
from batchvid.net.transport import Transport
from tests.builders import at
from tests.runner.servers import Handler, serving

ACCOUNT = {"api": "new-api", "token_env": "T", "user": "7"}


async def fetch(handler: Handler) -> tuple[tuple[Candidate, ...], list[tuple[str, str, dict[str, str]]]]:
    """The tasks, and the requests that were sent for them."""
    async with serving(handler) as server, Transport() as transport:
        row = providers({"own": {"dialect": "veo", "base_url": server.base_url, "account": ACCOUNT}})["own"]

        async def send(request: Request) -> Response:
            return await transport.send(row.account_url, request, bearer("token"))

        found = await fetch_tasks(row, send, since=at(0), until=at(0) + timedelta(minutes=10))
        return found, server.asked


def task(number: int) -> dict[str, Any]:
    return {"task_id": f"task-{number}", "model_name": "veo3-fast", "created_at": int(at(0).timestamp()) + number}


async def test_every_page_is_read() -> None:
    """With the window, the token and the user's number; a task that moved to the next page counts once."""

    async def answer(request: web.Request) -> web.Response:
        first = (int(request.query["p"]) - 1) * PAGE_SIZE
        rows = [
            {**task(n), "progress": request.query["p"]} for n in range(max(0, first - 1), min(first + PAGE_SIZE, 250))
        ]
        return web.json_response({"success": True, "data": {"items": rows, "total": 252}})

    found, asked = await fetch(answer)
    assert [one.task_id for one in found] == [f"task-{n}" for n in range(250)]
    assert found[3] == Candidate(task_id="task-3", model="veo3-fast", created_at=at(3))
    assert len(asked) == 3
    query = parse_qs(urlsplit(asked[0][1]).query)
    start = int(at(0).timestamp())
    assert (query["start_timestamp"], query["end_timestamp"]) == ([str(start)], [str(start + 601)])
    assert (asked[0][2]["Authorization"], asked[0][2]["New-Api-User"]) == ("Bearer token", "7")


async def test_odd_rows_do_no_harm() -> None:
    """What is no task is left out; what has no model or time has none."""
    rows = [
        7,
        None,
        {"task_id": None},
        {"task_id": {"a": 1}},
        {"task_id": "t-1", "model_name": [], "created_at": "soon"},
    ]
    replies = [{"data": rows}, {"data": []}]

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(replies.pop(0))

    found, _asked = await fetch(answer)
    assert found == (Candidate(task_id="t-1"),)


@pytest.mark.parametrize("total", [0, 5000])
async def test_a_server_that_repeats_its_page_is_not_believed(total: int) -> None:
    """It ignores the number of the page: what it does not show may be the task."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"data": {"items": [task(n) for n in range(PAGE_SIZE)], "total": total}})

    with pytest.raises(UnreadableReply, match="may not be complete"):
        await fetch(answer)


async def test_a_list_without_an_end_is_given_up() -> None:
    """After a bounded number of pages."""
    numbers = iter(range(10**9))

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"data": [task(next(numbers))]})

    with pytest.raises(UnreadableReply, match=f"more than {MAX_LOOKUP_PAGES} pages"):
        await fetch(answer)
    assert next(numbers) == MAX_LOOKUP_PAGES


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (200, '{"success": false, "message": "access token invalid"}', True),
        (401, "{}", True),
        (503, "{}", False),
        (200, "<html>", False),
        (200, '{"data": "x"}', False),
    ],
)
async def test_what_is_no_list_is_an_error(status: int, body: str, refused: bool) -> None:
    """A refusal of the token, new-api's with a 200, is told from a reply that may come later."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="application/json")

    with pytest.raises(UnreadableReply) as caught:
        await fetch(answer)
    assert isinstance(caught.value, AccountRefused) is refused
