"""Replicate's predictions: `{"input": {...}}` to a model, a version or a deployment; the output is one link or a list.

Sources: replicate.com/docs (HTTP API, prediction lifecycle, rate limits, webhooks), replicate 1.0.7. A paid call never
waits for its output (`Prefer: wait`): the reply comes with the id at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig, identifier, text
from batchvid.dialects.common.links import link
from batchvid.dialects.common.model_fields import Table, build_fields
from batchvid.dialects.common.request_building import path_segment
from batchvid.dialects.common.task_lists import read_task_list
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "Replicate"
PATH = "/v1/predictions"
INPUTS_KEPT_S = 3600.0  # a row without its input shows no prompt
VENDOR: dict[str, Path] = {"predict_time": ("metrics", "predict_time")}
CANCELLED = frozenset({"canceled", "aborted"})

_COMMON = "duration_s=duration aspect_ratio"
_SEEDANCE = f"image end_image=last_frame_image {_COMMON} resolution seed"
TABLE: Table = (
    (
        "google/veo-3.1-fast",
        f"image end_image=last_frame {_COMMON} resolution negative_prompt sound=generate_audio seed",
    ),
    (
        "google/veo-3.1",
        f"image end_image=last_frame reference_images {_COMMON} resolution negative_prompt sound=generate_audio seed",
    ),
    ("kwaivgi/kling-v1.6-pro", f"image=start_image end_image reference_images {_COMMON} negative_prompt"),
    ("kwaivgi/kling-v2.5-turbo-pro", f"image=start_image {_COMMON} negative_prompt"),
    ("kwaivgi/kling-v2.6", f"image=start_image {_COMMON} negative_prompt sound=generate_audio"),
    ("bytedance/seedance-1-lite", _SEEDANCE),
    ("bytedance/seedance-1-pro", _SEEDANCE),
    ("bytedance/seedance-2.0*", f"{_SEEDANCE} reference_images sound=generate_audio"),
    ("minimax/hailuo-2.3", "image=first_frame_image duration_s=duration resolution"),
    ("minimax/hailuo-02", "image=first_frame_image end_image=last_frame_image duration_s=duration resolution"),
    ("wan-video/wan-2.5-i2v", "image! duration_s=duration resolution negative_prompt seed"),
)
"""The inputs of models, as their pages on replicate.com show them (versions/.../api and llms.txt)."""


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request: to a model, to one version of it (`owner/name:version`), or to a deployment.

    Raises Unsupported.
    """
    name, _, version = generation.request.model.partition(":")
    steps = name.split("/")
    is_deployment = steps[0] == "deployments"
    if len(steps) != 2 + is_deployment or any(step in ("", ".", "..") for step in steps):
        raise Unsupported(
            "model", f"an id of Replicate is OWNER/NAME, OWNER/NAME:VERSION or deployments/OWNER/NAME, not {name}"
        )
    body: dict[str, Any] = {"input": build_fields(generation, TABLE, WIRE, model=name)}
    if version:
        body["version"] = version
    if generation.callback_url:
        body |= {"webhook": generation.callback_url, "webhook_events_filter": ["completed"]}
    place = quote(name if is_deployment else f"models/{name}", safe="/")
    return Request(method="POST", path=PATH if version else f"/v1/{place}/predictions", json=body)


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply: the prediction."""
    read = submit_replies.read_submit(response, sent=sent, id_places=(("id",),), table=TABLES["replicate"])
    document = parse(response.body) or {}
    if isinstance(read, Accepted) and identifier(document.get("id")) == read.task_id:
        return replace(read, poll_url=link(dig(document, ("urls", "get"))))
    return read


def poll(generation: GenerationRequest, task_id: str) -> Request:
    """Build the poll request: the address that the submit named, else the usual one."""
    return Request(method="GET", path=generation.poll_path or f"{PATH}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a prediction. One that succeeded without an output has none: it comes with the word, or is deleted (1 h).

    Raises UnreadableReply.
    """
    status = poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor=VENDOR)
    if not isinstance(status, Status):
        return status
    document = parse(response.body) or {}
    if status.phase is Phase.SUCCEEDED and not status.assets and "output" in document:
        is_gone = document.get("data_removed") is True
        return replace(
            status,
            phase=Phase.FAILED,
            kind=FailureKind.EXPIRED if is_gone else FailureKind.UNAVAILABLE,
            message="its output is deleted" if is_gone else "it succeeded without an output",
        )
    if status.phase is Phase.FAILED and status.vendor_status == "aborted":
        return replace(status, charged=Charged.NO)  # its deadline passed before the start: unbilled (docs, lifecycle)
    return status


def _cancel(generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation (replicate.com/docs: predictions.cancel)."""
    path = poll(generation, task_id).path.partition("?")[0]
    return Request(method="POST", path=f"{path}/cancel")


def _is_cancelled(response: Response) -> bool:
    """Whether the prediction has ended: the reply is the prediction, which may still be stopping."""
    return 200 <= response.status < 300 and text((parse(response.body) or {}).get("status")) in CANCELLED


def _newest(_generation: GenerationRequest) -> Request:
    return Request(method="GET", path=PATH)


def _read_list(response: Response) -> tuple[Candidate, ...] | Rejected:
    """Read the newest predictions. Inputs are deleted after an hour: a row without one shows no prompt."""
    return read_task_list(response, rows=("results",), prompt=("input", "prompt"))


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=("/v1/models", "/v1/predictions", "/v1/deployments"),
    cancel=_cancel,
    is_cancelled=_is_cancelled,
    lookups={
        "list": LookupMethod(
            ask=_newest, read=_read_list, where="among its newest 100", exact=False, kept_s=INPUTS_KEPT_S
        )
    },
)
