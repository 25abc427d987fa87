"""Replaces the document of a reply, for a wire that reads parts of it itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from batchvid.domain.wire import Response


def with_document(response: Response, document: Mapping[str, Any]) -> Response:
    """Return the response with another document; the response itself where it is nested too deep to be written."""
    try:
        return replace(response, body=orjson.dumps(document))
    except orjson.JSONEncodeError:
        return response
