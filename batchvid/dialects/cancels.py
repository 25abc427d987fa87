"""Cancels a task, for the wire formats that support it. The catalogue states which providers do.

Never sent for a task that may be finished: there the same call deletes the clip. Sources: Runway's OpenAPI 2024-11-06
(204; 404 afterwards; a running task is not refunded), vLLM-Omni's video server (aborts). OpenAI's own route and Ark
refuse it for a running task; CometAPI documents it for none.
"""

from __future__ import annotations

from batchvid.dialects import openai_videos, runway
from batchvid.dialects.common.request_building import path_segment
from batchvid.domain.wire import Request, Response

PATHS = {"runway": "/v1/tasks", "openai-videos": openai_videos.PATH}
HEADERS = {"runway": runway.HEADERS}


def cancel(dialect: str, task_id: str) -> Request | None:
    """Cancel the task; None where the wire format does not support it."""
    if dialect not in PATHS:
        return None
    return Request(method="DELETE", path=f"{PATHS[dialect]}/{path_segment(task_id)}", headers=HEADERS.get(dialect, {}))


def is_cancelled(response: Response) -> bool:
    """Whether the reply says that the task is cancelled; any other reply leaves that open."""
    return 200 <= response.status < 300
