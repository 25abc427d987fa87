"""Ways to bring the emulator to give a reply: settings, faults and polls, in the emulator's own words.

None may hand the emulator the reply itself (`json`, or a `body` in JSON): then it would be compared with itself.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.emulator.helpers import ASYNC, VERSION, Answer, Vendor

Act = Callable[[Vendor], Awaitable[Answer]]

LINK = "https://cdn.example/a.png"
PROMPT = {"prompt": "a kite"}
OWN_PROMPT = frozenset({"content", "input", "instances"})
"""Where a body has its prompt in another place."""
UPSTREAM = json.dumps({"code": 1301, "message": "content security policy", "request_id": "u"})
RETRY = {"Retry-After": "30"}
VISIBLE = {"runway_hidden_polls": 0}
VERTEX = "/vertex/v1/projects/p/locations/global/publishers/google/models/veo-3.1-generate-001"
PATHS = {
    "kling": ("/kling/v1/videos/text2video",) * 2,
    "kling-new": ("/kling-new/text-to-video/kling-3.0", "/kling-new/tasks?task_ids="),
    "runway": ("/runwayml/v1/image_to_video", "/runwayml/v1/tasks"),
    "xai": ("/grok/v1/videos/generations", "/grok/v1/videos"),
    "gateway": ("/gateway/v1/videos",) * 2,
    "newapi": ("/gateway/v1/video/generations",) * 2,
    "wavespeed": ("/wavespeed/api/v3/alibaba/wan-3.0/text-to-video", "/wavespeed/api/v3/predictions/{}/result"),
    "atlas": ("/atlas/api/v1/model/generateVideo", "/atlas/api/v1/model/prediction"),
    "kie": ("/kie/api/v1/jobs/createTask", "/kie/api/v1/jobs/recordInfo?taskId={}"),
    "vidu": ("/vidu/ent/v2/text2video", "/vidu/ent/v2/tasks/{}/creations"),
    "ark": ("/ark/api/v3/contents/generations/tasks",) * 2,
    "replicate": ("/replicate/v1/models/kwaivgi/kling-v2.5-turbo-pro/predictions", "/replicate/v1/predictions"),
    "comfy-router": ("/comfy-router/v2/models/acme/film/requests",) * 2,
    "fal": ("/fal/fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "/fal/fal-ai/kling-video/requests"),
    "minimax": ("/minimax/v2/video_generation", "/minimax/v2/query/video_generation"),
    "minimax-v1": ("/minimax/v1/video_generation", "/minimax/v1/query/video_generation?task_id="),
    "dashscope": (
        "/dashscope/api/v1/services/aigc/video-generation/video-synthesis",
        "/dashscope/api/v1/tasks",
    ),
    **{of: (f"/{of}/v1/videos",) * 2 for of in ("sglang", "vllm-omni", "litellm", "llmgateway", "openrouter")},
    "gemini": ("/gemini/v1beta/interactions",) * 2,
    "gemini-veo": ("/gemini/v1beta/models/veo-3.1-generate-preview:predictLongRunning", "/gemini/v1beta"),
    "luma": ("/luma/generations/video", "/luma/generations"),
    "vertex-veo": (f"{VERTEX}:predictLongRunning", f"{VERTEX}:fetchPredictOperation"),
}
"""Where a family's tasks are submitted and polled; the others share `/v1/videos`."""
POLL_ENDS = {"fal": "/status", "comfy-router": "/status"}
"""What stands behind the task's id in the path of a poll."""
BODIES: dict[str, dict[str, Any]] = {
    "veo": {"model": "veo3-fast", "size": "16x9"},
    "openai-videos": {"model": "sora-2", "seconds": "4", "size": "1280x720"},
    "seedance": {"model": "doubao-seedance-2-0-fast"},
    "videos": {"model": "happyhorse-1.0"},
    "kling": {},
    "kling-new": {},
    "runway": {"model": "gen4_turbo", "promptImage": LINK, "promptText": "a kite"},
    "xai": {},
    "gateway": {"model": "kling-video", "model_name": "kling-v2-6"},
    "newapi": {"model": "kling-v2-6"},
    "sglang": {"model": "wan", "seconds": 5, "size": "832x480"},
    "vllm-omni": {"model": "wan", "seconds": "5", "size": "832x480"},
    "litellm": {"model": "wan", "seconds": "5", "size": "832x480"},
    "llmgateway": {"seconds": 8},
    "openrouter": {"model": "bytedance/seedance-2.0", "duration": 5},
    "fal": {},
    "comfy-router": {},
    "replicate": {"input": {"prompt": "a kite", "duration": 5, "aspect_ratio": "16:9"}},
    "ark": {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a kite"}]},
    "wavespeed": {"duration": 5, "resolution": "720p"},
    "atlas": {"model": "bytedance/seedance-v1.5-pro/text-to-video", "duration": 5},
    "kie": {"model": "kling-2.6/text-to-video", "input": {"prompt": "a kite", "duration": "5"}},
    "vidu": {"model": "viduq3-turbo", "duration": 4, "payload": "job-1"},
    "minimax": {
        "model": "MiniMax-H3",
        "content": [{"type": "text", "text": "a kite"}],
        "resolution": "768P",
        "duration": 5,
        "ratio": "16:9",
    },
    "minimax-v1": {"model": "MiniMax-Hailuo-2.3", "duration": 6},
    "dashscope": {
        "model": "wan2.7-t2v",
        "input": {"prompt": "a kite"},
        "parameters": {"resolution": "720P", "ratio": "16:9", "duration": 5},
    },
    "gemini": {"model": "gemini-omni-1.2-flash", "input": "a kite", "background": True},
    "gemini-veo": {"instances": [{"prompt": "a kite"}]},
    "luma": {"model": "ray-2"},
    "vertex-veo": {"instances": [{"prompt": "a kite"}]},
}

FORMS = ("vllm-omni",)
"""The families that take multipart only."""


@dataclass(frozen=True, kw_only=True)
class ReplyScript:
    """Settings and calls; the last answer is compared with the recording. `of`: the family that answers."""

    of: str
    act: Act
    settings: dict[str, Any] = field(default_factory=dict)


def paths(of: str) -> tuple[str, str]:
    return PATHS.get(of, ("/v1/videos",) * 2)


def task_of(reply: Answer) -> str:
    """The id in the answer to a submit."""
    body = reply.json
    inner = body.get("data") or body.get("output") or {}
    names = (
        inner.get("task_id"),
        inner.get("taskId"),
        body.get("id"),
        body.get("task_id"),
        inner.get("id"),
        body.get("name"),
    )
    return str(next(filter(None, names), "") or body["request_id"])


def multipart(body: dict[str, Any]) -> aiohttp.FormData:
    """A form with these fields; a value in bytes is a picture's."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in body.items():
        if isinstance(value, bytes):
            form.add_field(name, value, filename="a.png", content_type="image/png")
        elif value is not None:
            form.add_field(name, str(value))
    return form


def sends(of: str, path: str = "", **fields: Any) -> Act:
    """A submit: the family's usual body with these fields over it."""

    async def act(v: Vendor) -> Answer:
        body = {**({} if BODIES[of].keys() & OWN_PROMPT else PROMPT), **BODIES[of], **fields}
        sent = {"data": multipart(body)} if of in FORMS else {"json": body}
        return await v.call("POST", path or paths(of)[0], **sent, headers=VERSION | ASYNC)

    return act


def place(tasks: str, task: str) -> str:
    """Where a task is polled: where the path has a place for it, below it, or as the value of a query."""
    if "{}" in tasks:
        return tasks.format(task)
    return f"{tasks}{task}" if tasks.endswith("=") else f"{tasks}/{task}"


async def looks(v: Vendor, of: str, path: str, task: str) -> Answer:
    """One poll; Vertex AI takes a POST."""
    if of == "vertex-veo":
        return await v.call("POST", path, json={"operationName": task})
    return await v.call("GET", place(path, task) + POLL_ENDS.get(of, ""))


def polls(of: str, number: int, submit: Act | None = None, *, below: str = "") -> Act:
    """A submit, and so many polls at its task."""

    async def act(v: Vendor) -> Answer:
        task = task_of(await (submit or sends(of))(v))
        answers = [await looks(v, of, below or paths(of)[1], task) for _ in range(number)]
        return answers[-1]

    return act


def queued(of: str, **settings: Any) -> ReplyScript:
    return ReplyScript(of=of, act=polls(of, 1), settings={**VISIBLE, **settings})


def running(of: str, **settings: Any) -> ReplyScript:
    return ReplyScript(of=of, act=polls(of, 2), settings={**VISIBLE, **settings})


def ready(of: str, submit: Act | None = None, **settings: Any) -> ReplyScript:
    return ReplyScript(of=of, act=polls(of, 3, submit), settings={**VISIBLE, **settings})


def ended(
    of: str, outcome: str, submit: Act | None = None, message: str = "", code: str = "", **settings: Any
) -> ReplyScript:
    """A task with this outcome, polled until it has ended."""
    rule = {"match": {"step": "submit"}, "do": {"outcome": outcome, "message": message, "code": code}}
    return ReplyScript(of=of, act=polls(of, 3, submit), settings={**VISIBLE, "faults": (rule,), **settings})


def ended_with(of: str, outcome: str, **values: Any) -> ReplyScript:
    """The same, with these values in the reply."""
    rules = (
        {"match": {"step": "submit"}, "do": {"outcome": outcome}},
        {"match": {"step": "poll"}, "do": {"set": values}},
    )
    return ReplyScript(of=of, act=polls(of, 3), settings={**VISIBLE, "faults": rules})


def kind(of_kind: str, **fields: Any) -> ReplyScript:
    """The second poll of a Kling task of this kind."""
    path = f"/kling/v1/videos/{of_kind}"
    return ReplyScript(of="kling", act=polls("kling", 2, sends("kling", path, **fields), below=path))


def refused(of: str, action: str, /, status: int | None = None, **do: Any) -> ReplyScript:
    """A submit with a named refusal, or another fault action."""
    rule = {action: True, **({"status": status} if status else {}), **do}
    return ReplyScript(of=of, act=sends(of), settings={"faults": ({"match": {"step": "submit"}, "do": rule},)})


def refused_poll(of: str, action: str, /, status: int | None = None, **do: Any) -> ReplyScript:
    """A poll with one."""
    rule = {action: True, **({"status": status} if status else {}), **do}
    return ReplyScript(of=of, act=polls(of, 1), settings={"faults": ({"match": {"step": "poll"}, "do": rule},)})


def bare(of: str, step: str, status: int, body: str = "", headers: dict[str, str] = RETRY) -> ReplyScript:
    """A status, and no more than a text that is no JSON: some proxy's."""
    do = {"status": status, "body": body, "headers": headers}
    return ReplyScript(
        of=of,
        act=sends(of) if step == "submit" else polls(of, 1),
        settings={"faults": ({"match": {"step": step}, "do": do},)},
    )


def sent(of: str, path: str = "", settings: dict[str, Any] | None = None, /, **fields: Any) -> ReplyScript:
    """A submit of exactly this body, without a fault."""
    return ReplyScript(of=of, act=sends(of, path, **fields), settings=settings or {})


def unknown(of: str, **settings: Any) -> ReplyScript:
    """A poll of an unknown task."""
    path = place(paths(of)[1], "1") + POLL_ENDS.get(of, "")
    return ReplyScript(of=of, act=lambda v: v.call("GET", path), settings=settings)


def locked_out(of: str, step: str) -> ReplyScript:
    """The wrong key."""
    path = paths(of)[0] if step == "submit" else place(paths(of)[1], "1") + POLL_ENDS.get(of, "")
    method = "POST" if step == "submit" else "GET"
    return ReplyScript(of=of, act=lambda v: v.call(method, path, json=BODIES[of]), settings={"api_key": "another"})


def astray(method: str, **settings: Any) -> ReplyScript:
    """A wrong path."""
    return ReplyScript(of="", act=lambda v: v.call(method, "/v2/videos/1"), settings=settings)


def second(of: str) -> Act:
    """Two submits; the second answer."""

    async def act(v: Vendor) -> Answer:
        await sends(of)(v)
        return await sends(of)(v)

    return act


async def waits(v: Vendor) -> Answer:
    """A second Runway task, while the first has the only slot."""
    await sends("runway")(v)
    return await polls("runway", 1)(v)


async def parent(v: Vendor) -> dict[str, str]:
    """The two ids of a finished Kling clip."""
    done = (await polls("kling", 3)(v)).json["data"]
    return {"task_id": done["task_id"], "video_id": done["task_result"]["videos"][0]["id"]}


async def extends(v: Vendor) -> Answer:
    """An extension of one."""
    return await sends("kling", "/kling/v1/videos/video-extend", **await parent(v))(v)


async def extends_by_clip(v: Vendor) -> Answer:
    """The same by the clip's id alone, as the older page has it."""
    ids = {"video_id": (await parent(v))["video_id"]}
    return await sends("kling", "/kling/v1/videos/video-extend", **ids)(v)


async def speaks(v: Vendor) -> Answer:
    """A lip-sync of one."""
    speech = {"mode": "audio2video", "audio_url": LINK, "video_id": (await parent(v))["video_id"]}
    return await sends("kling", "/kling/v1/videos/lip-sync", input=speech)(v)


async def remixes(v: Vendor) -> Answer:
    """A remix of a finished Sora clip."""
    done = (await polls("openai-videos", 3)(v)).json
    return await v.call("POST", f"/v1/videos/{done['id']}/remix", json=PROMPT)


def contradicts(of: str, number: int, word: str, **settings: Any) -> ReplyScript:
    """A task wrapper with another status than its task."""
    rule = {"match": {"step": "poll"}, "do": {"set": {"data.status": word}}}
    return ReplyScript(of=of, act=polls(of, number), settings={**VISIBLE, "faults": (rule,), **settings})
