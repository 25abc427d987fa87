"""Reads what a server says of itself in its lists of models and videos, its headers and its errors. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.openai_videos import PATH as VIDEOS
from batchvid.domain.wire import Response

VIDEO_LIST = f"{VIDEOS}?limit=1"
MODEL_LIST = "/v1/models"
SERVERS = ("sglang", "vllm-omni", "litellm", "llmgateway", "openrouter")
"""The dialects of servers with OpenAI's video routes: only what else a server says tells which one it is."""
SELF_HOSTED = {"vllm": "vllm-omni", "vllm-omni": "vllm-omni", "sglang": "sglang", "fastvideo": "openai-videos"}
"""The dialects of servers by the `owned_by` in their list of models."""
CATALOGUES = {"canonical_slug": "openrouter", "family": "llmgateway"}
"""The dialects of gateways by a field that only their lists of models have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the server's replies say of it.

    `server` is the one of SERVERS that they name, `named_by` where. `listed` are the dialects of the endpoints that its
    price list names.
    """

    lists_videos: bool = False
    owner: str = ""
    server: str = ""
    named_by: str = ""
    is_newapi: bool = False
    listed: Collection[str] = ()


def is_video_list(reply: Response) -> bool:
    """Whether a reply is a list of videos, also an empty one."""
    document = parse(reply.body) or {}
    rows = document.get("data")
    if reply.status != 200 or not isinstance(rows, list):
        return False
    return document.get("object") == "list" or any(
        isinstance(row, dict) and row.get("object") == "video" for row in rows
    )


def model_rows(reply: Response | None) -> Iterator[Mapping[str, object]]:
    """The rows of an OpenAI-compatible list of models that have an id."""
    rows = (parse(reply.body) or {}).get("data") if reply is not None and reply.status == 200 else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            yield row


def hints_of(replies: Mapping[str, Response], listed: Iterable[str] = ()) -> Hints:
    """What the lists among these replies say."""
    rows = list(model_rows(replies.get(MODEL_LIST)))
    owners = [str(row.get("owned_by", "")).casefold() for row in rows]
    videos = replies.get(VIDEO_LIST)
    owner = next((owner for owner in owners if owner in SELF_HOSTED), "")
    server, named_by = _server(replies.values(), rows, owner)
    return Hints(
        lists_videos=videos is not None and is_video_list(videos),
        owner=owner,
        server=server if server in SERVERS else "",
        named_by=named_by,
        is_newapi=any("supported_endpoint_types" in row for row in rows),
        listed=frozenset(listed),
    )


def _server(replies: Iterable[Response], rows: Iterable[Mapping[str, object]], owner: str) -> tuple[str, str]:
    """The server that these replies name, and where: LiteLLM in headers and errors, the others in their models."""
    for reply in replies:
        if any(name.startswith("x-litellm-") for name in reply.headers):
            return "litellm", "its replies have headers x-litellm-"
        if "litellm." in find_error(parse(reply.body)).message:
            return "litellm", "its errors are LiteLLM's"
    if owner:
        return SELF_HOSTED[owner], f"{MODEL_LIST} says owned_by: {owner}"
    found = next((field for row in rows for field in CATALOGUES if field in row), "")
    return CATALOGUES.get(found, ""), f"{MODEL_LIST} has the field {found}"


def is_newapi_error(reply: Response) -> bool:
    """Whether a reply is an error as servers of the new-api family write it."""
    error = find_error(parse(reply.body))
    return "task_not_exist" in {text.casefold() for text in (*error.codes, error.message)}
