"""Fault rules over real sockets: which requests they hit, and what they do to them."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from batchvid.emulator import Emulator, FaultError, Settings
from tests.emulator.helpers import KEY, Vendor, vendor


def rule(step: str = "submit", do: Any = "rate", **match: Any) -> dict[str, Any]:
    return {"match": {"step": step, **match}, "do": do}


async def statuses(v: Vendor, count: int, **fields: Any) -> list[int]:
    return [(await v.video(**fields)).status for _ in range(count)]


async def test_rules_are_set_and_read() -> None:
    """PUT replaces all rules, GET tells them with how often each struck."""
    async with vendor() as v:
        put = await v.call("PUT", "/_emulator/faults", json=[rule(times=1)], key=None)
        assert (put.status, put.json) == (200, [{**rule(times=1), "do": {"rate": True}, "struck": 0}])
        assert await statuses(v, 2) == [429, 200]
        assert (await v.call("GET", "/_emulator/faults", key=None)).json[0]["struck"] == 1
        assert (await v.call("PUT", "/_emulator/faults", json=[], key=None)).json == []


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ([rule(do={"explode": True})], "rule 1: do.explode: is not one of: status, body, json"),
        ([rule(), rule(times=0)], "rule 2: match.times"),
        ([rule(step="pay")], "'submit', 'poll', 'download' or 'content'"),
        (
            [rule(route="pika")],
            "match.route: is not one of: *, veo, sora, seedance, videos, kling, kling-new, runway, xai",
        ),
        ([rule(step="poll", do={"outcome": "fail"})], "the step must be submit"),
        ([rule(do={"truncate": True})], "the step must be download or content"),
        ([rule(step="content", do="truncate_json")], "the step must be submit or poll"),
        ([rule(do={"outcome": "sad"})], "'success', 'fail'"),
        ([rule(do={})], "contains no action"),
        ([{"match": {"step": "submit"}, "do": "rate", "why": 1}], "why: is not one of: id, match, do"),
        ({"match": {}}, "fault rules are a list"),
    ],
)
async def test_unknown_words(rules: Any, text: str) -> None:
    """A rule that cannot be meant is a 400 that names the word and what is allowed; the old rules stay."""
    async with vendor(faults=(rule(),)) as v:
        reply = await v.call("PUT", "/_emulator/faults", json=rules, key=None)
        assert reply.status == 400
        assert text in reply.json["error"]
        assert (await v.video()).status == 429
        with pytest.raises(FaultError):
            v.emulator.set_faults(rules)


async def test_rules_at_the_start() -> None:
    """Unusable rules in the settings stop the emulator before it listens."""
    with pytest.raises(FaultError):
        async with Emulator(Settings(faults=({"match": {}},))):
            raise AssertionError("must not start")
    with pytest.raises(ValueError, match="unknown family pika"):
        Emulator(Settings(concurrency_by_family={"pika": 1}))


async def test_prompt_and_times() -> None:
    """Fifteen of a hundred jobs can be made to fail: by a part of the prompt, or by count."""
    async with vendor(faults=(rule(do={"outcome": "fail"}, prompt="#7"), rule(do={"outcome": "fail"}, times=5))) as v:
        ids = [(await v.video(prompt=f"job #{number}")).json["id"] for number in range(100)]
        ends = [(await v.poll(task)).json["status"] for task in ids]
    failed = [number for number, end in enumerate(ends) if end == "failed"]
    assert failed == [0, 1, 2, 3, 4, 7, *range(70, 80)]


async def test_prompts_alone_do_nothing() -> None:
    """Without a rule no prompt makes anything fail."""
    async with vendor() as v:
        task = (await v.video(prompt="fail moderation 429 reset_after")).json["id"]
        assert (await v.poll(task)).json["status"] == "completed"


async def test_nth_attempt() -> None:
    """`nth` counts the submits of the same prompt, and the polls of the same task."""
    async with vendor(faults=(rule(nth=[1]), rule("poll", {"status": 500}, nth=[2])), life="polls:9") as v:
        assert await statuses(v, 2, prompt="a") == [429, 200]
        assert await statuses(v, 2, prompt="b") == [429, 200]
        task = (await v.video(prompt="a")).json["id"]
        assert [(await v.poll(task)).status for _ in range(3)] == [200, 500, 200]


async def test_nth_overall() -> None:
    """`nth_overall` counts all requests that the rule is about."""
    async with vendor(faults=(rule(nth_overall=[2, 4], model="veo3-fast"),)) as v:
        assert [(await v.video(prompt=p)).status for p in "abcde"] == [200, 429, 200, 429, 200]
        assert await statuses(v, 2, model="veo3.1") == [200, 200]


async def test_probability() -> None:
    """Dice hit about as often as asked, and hit the same ones for the same seed whatever the order."""

    async def hit(prompts: list[str]) -> set[str]:
        async with vendor(faults=(rule(probability=0.3),), seed=3) as v:
            return {prompt for prompt in prompts if (await v.video(prompt=prompt)).status == 429}

    prompts = [f"p{number}" for number in range(100)]
    hits = await hit(prompts)
    assert 15 < len(hits) < 45
    assert await hit(prompts[::-1]) == hits


async def test_route() -> None:
    """A rule can be about one family only."""
    async with vendor(faults=(rule(route="kling"),)) as v:
        assert (await v.video()).status == 200
        assert (await v.kling()).status == 429


@pytest.mark.parametrize(
    ("name", "veo", "kling", "runway"),
    [
        ("rate", 429, (429, 1302), 429),
        ("concurrency", 429, (429, 1303), 429),
        ("balance", 403, (429, 1102), 400),
        ("auth", 401, (401, 1002), 401),
        ("unavailable", 503, (503, 5001), 503),
        ("invalid", 400, (400, 1201), 400),
        ("moderation", 400, (400, 1301), 400),
    ],
)
async def test_named_refusals(name: str, veo: int, kling: tuple[int, int], runway: int) -> None:
    """A named refusal speaks in the family's own envelope, and no task is made."""
    async with vendor(faults=(rule(do={name: True, "message": "so it is", "headers": {"Retry-After": "7"}}),)) as v:
        on_veo, on_sora, on_kling, on_runway = (
            await v.video(),
            await v.video(model="sora-2"),
            await v.kling(),
            await v.runway(),
        )
        assert (on_veo.status, on_sora.status, on_runway.status) == (veo, veo, runway)
        assert (on_kling.status, on_kling.json["code"], on_kling.json["message"]) == (*kling, "so it is")
        assert all(b"so it is" in reply.body for reply in (on_veo, on_sora, on_runway))
        assert "error" in on_runway.json
        assert on_kling.headers["retry-after"] == "7"
        assert (v.ledger()["purchases"], v.ledger()["refused"]) == (0, 4)


@pytest.mark.parametrize(
    ("action", "status", "body"),
    [
        ({"status": 524}, 524, b""),
        ({"status": 500, "body": "oops"}, 500, b"oops"),
        ({"json": {"a": 1}}, 200, b'{"a":1}'),
        ({"status": 502, "json": {"a": 1}}, 502, b'{"a":1}'),
        ({"empty": True}, 200, b""),
        ({"empty": True, "status": 429}, 429, b""),
        ({"rate": True, "status": 503, "message": "x"}, 503, None),
    ],
)
async def test_any_status(action: dict[str, Any], status: int, body: bytes | None) -> None:
    """Any status with any body, and nothing is bought."""
    async with vendor(faults=(rule(do=action),)) as v:
        reply = await v.video()
        assert reply.status == status
        assert body is None or reply.body == body
        assert v.ledger()["purchases"] == 0


async def test_after() -> None:
    """With `after` the task is made and billed, and the answer is a lie."""
    async with vendor(faults=(rule(do={"status": 504, "after": True}),)) as v:
        assert (await v.video()).status == 504
        assert (v.ledger()["purchases"], v.ledger()["refused"]) == (1, 0)


async def test_html_and_error_200() -> None:
    """A page instead of JSON, and an error object under 200."""
    async with vendor(faults=(rule("poll", "html", nth=[1]), rule("poll", "error_200", nth=[2]))) as v:
        task = (await v.video()).json["id"]
        page, error = await v.poll(task), await v.poll(task)
        assert (page.status, page.headers["content-type"]) == (200, "text/html")
        assert (error.status, "error" in error.json) == (200, True)
        assert v.ledger()["tasks"][0]["polls"] == 2


async def test_truncated_json() -> None:
    """Half an answer that HTTP calls whole: the task exists, its id is unreadable."""
    async with vendor(faults=(rule(do="truncate_json"),)) as v:
        reply = await v.video()
        assert (reply.status, reply.json) == (200, None)
        assert reply.body.startswith(b'{"id":"task_')
        assert v.ledger()["purchases"] == 1


@pytest.mark.parametrize(("action", "bought"), [("reset_before", 0), ("reset_after", 1)])
async def test_resets(action: str, bought: int) -> None:
    """A reset before acting buys nothing; one after acting has bought a task whose id is lost."""
    async with vendor(faults=(rule(do=action, times=1),)) as v:
        with pytest.raises(aiohttp.ClientError):
            await v.video()
        assert v.ledger()["purchases"] == bought
        assert (await v.video()).status == 200


async def test_delay() -> None:
    """A slow answer comes after the server has acted: a client that gave up has bought a task."""
    async with vendor(faults=(rule(do={"delay_s": 30}),)) as v:
        timeout = aiohttp.ClientTimeout(total=0.05)
        with pytest.raises(asyncio.TimeoutError):
            await v.call("POST", "/v1/videos", json={"model": "veo3", "prompt": "x"}, timeout=timeout)
        assert v.ledger()["purchases"] == 1


async def test_a_reset_after_the_client_has_gone() -> None:
    """A client that disconnects before the reset does no harm."""
    async with vendor(faults=(rule(do={"delay_s": 0.1, "reset_after": True}, times=1),)) as v:
        url, body = urlsplit(v.emulator.base_url), b'{"model":"veo3"}'
        _, writer = await asyncio.open_connection(url.hostname, url.port)
        head = (
            f"POST /v1/videos HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: {KEY}\r\nContent-Type: application/json"
        )
        writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        struck = 0
        while not struck:
            struck = (await v.call("GET", "/_emulator/faults", key=None)).json[0]["struck"]
        writer.close()
        await asyncio.sleep(0.15)
        assert (await v.video()).status == 200


@pytest.mark.parametrize(
    ("action", "status", "code", "message"),
    [
        ({"outcome": "fail"}, "failed", "generation_failed", "The video could not be generated"),
        ({"outcome": "fail", "code": "c", "message": "m"}, "failed", "c", "m"),
        ({"outcome": "moderation"}, "failed", "moderation_blocked", "The prompt was refused by our content policy"),
        ({"outcome": "error"}, "error", "internal_error", "Internal error of the provider"),
        ({"outcome": "cancelled"}, "cancelled", "cancelled", "The task was cancelled"),
        ({"outcome": "expired"}, "expired", "expired", "The task has expired"),
    ],
)
async def test_outcomes(action: dict[str, Any], status: str, code: str, message: str) -> None:
    """How a task ends is decided when it is bought, and shown in the vendor's words."""
    async with vendor(faults=(rule(do=action),)) as v:
        task = (await v.video(model="sora-2")).json["id"]
        reply = (await v.poll(task)).json
        assert reply["status"] == status
        assert reply["error"] == {"code": code, "message": message}
        assert (await v.call("GET", f"/v1/videos/{task}/content")).status == 400
        assert v.ledger()["in_flight_now"] == 0


async def test_silent_and_endless_outcomes() -> None:
    """A failure may come without a word; a stuck task and an undocumented word never end."""
    outcomes = ("fail_silent", "stuck", "unknown_word")
    faults = tuple(rule(do={"outcome": outcome}, prompt=outcome) for outcome in outcomes)
    async with vendor(faults=faults) as v:
        replies = []
        for outcome in outcomes:
            task = (await v.video(prompt=outcome)).json["id"]
            replies.append([(await v.poll(task)).json for _ in range(3)][-1])
        assert [reply["status"] for reply in replies] == ["failed", "queued", "simmering"]
        assert all("error" not in reply for reply in replies)
        assert v.ledger()["in_flight_now"] == 2


async def test_another_code() -> None:
    """A named refusal takes another code, of the vendor's own type; an empty body stays empty."""
    for route, code, expected in (("kling", "1101", 1101), ("gateway", "quota", "quota")):
        async with vendor(faults=(rule(do={"balance": True, "code": code}),)) as v:
            assert (await getattr(v, route)()).json["code"] == expected
    async with vendor(faults=(rule(do={"rate": True, "code": ""}),)) as v:
        assert (await v.video()).json["error"]["code"] == ""
    async with vendor(faults=(rule(do={"concurrency": True, "code": "x"}),)) as v:
        assert (await v.gateway()).body == b""


async def test_a_contradicting_wrapper() -> None:
    """A task wrapper may say another word than the task inside; what is not wrapped is left alone."""
    async with vendor(veo_shape="wrapped", faults=(rule("poll", do={"set": {"data.status": "FAILURE"}}),)) as v:
        reply = (await v.poll((await v.video()).json["id"])).json
        assert (reply["data"]["status"], reply["data"]["data"]["status"]) == ("FAILURE", "completed")
        assert (await v.poll((await v.video(model="wan")).json["id"])).json["status"] == "completed"
