"""Veo on Vertex AI: `:predictLongRunning`, polled by a POST of the operation's name to `:fetchPredictOperation`.

Sources: google-genai 3.6.1 (models, operations), vercel/ai `packages/google-vertex`. The route's prefix names the
project and the location. The clip comes as base64; one in Cloud Storage cannot be fetched here, so no `storageUri` is
sent.
"""

from __future__ import annotations

from batchvid.dialects.common.google_files import MAX_INLINE_REPLY_BYTES
from batchvid.dialects.common.request_building import find_by_action, path_segment, refuse_unsupported
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.gemini_veo import (
    FIELDS,
    SHAPE,
    build_instance,
    build_parameters,
    read_operation,
    read_submit,
)
from batchvid.domain.wire import GenerationRequest, Rejected, Request, Response, Status
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "the Veo wire of Vertex AI"
MODELS = "/publishers/google/models"
SUPPORTED = {"": (*FIELDS, *SHAPE, "seed", "sound")}
STORAGE = "storageUri"


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. References exclude frames. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    if STORAGE in generation.request.options:
        raise Unsupported("options", f"{STORAGE}: a clip in Cloud Storage cannot be fetched: leave it out")
    request = generation.request
    parameters = build_parameters(generation, seed=request.seed, generateAudio=request.sound)
    body = {"instances": [build_instance(generation)], "parameters": parameters}
    return Request(method="POST", path=f"{MODELS}/{path_segment(request.model)}:predictLongRunning", json=body)


def poll(generation: GenerationRequest, task_id: str) -> Request:
    """Build the poll request: a POST that buys nothing."""
    return Request(
        method="POST",
        path=f"{MODELS}/{path_segment(generation.request.model)}:fetchPredictOperation",
        json={"operationName": task_id},
        is_free=True,
        max_reply_bytes=MAX_INLINE_REPLY_BYTES,
    )


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply: an operation, with the clip as base64. Raises UnreadableReply."""
    return read_operation(response, task_id, prompt=prompt)


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(MODELS,),
)
