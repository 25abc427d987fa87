"""How a task is called off, for the wire formats that have a word for it. Whether a provider serves it, its row says.

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
    """Call the task off; None where the wire format has no word for that."""
    if dialect not in PATHS:
        return None
    return Request(method="DELETE", path=f"{PATHS[dialect]}/{path_segment(task_id)}", headers=HEADERS.get(dialect, {}))


def is_cancelled(response: Response) -> bool:
    """Whether the reply says that the task is called off; anything else says nothing about the task."""
    return 200 <= response.status < 300
