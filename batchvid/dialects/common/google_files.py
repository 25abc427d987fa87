"""What Google's video wires share: encoded pictures, names of resources, and files behind the key.

Sources: google-genai 3.6.1 and 2.34.0, ai.google.dev/gemini-api/docs/omni and /files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchvid.dialects.common.json_values import text
from batchvid.dialects.common.links import asset_of
from batchvid.dialects.common.request_building import bare_base64, manifest_field, path_segment
from batchvid.domain.wire import Asset, ImageInput
from batchvid.errors import Unsupported

MAX_INLINE_REPLY_BYTES = 128 * 1024 * 1024
"""Of a poll's reply that holds the clip as base64: 15 s in 4k with 50 Mbit/s are 94 MB, and base64 adds a third."""

_NAME = re.compile(r"[\w@:.-]+(/[\w@:.-]+)*")
_FILE = re.compile(r"https?://[^/]+(?:/.*)?(/v1(?:alpha|beta)?/files/[\w.-]+:download\?alt=media\S*)")
_FILES_URI = re.compile(r"https://[^/]+/v1(?:alpha|beta)?/files/[\w.-]+")


def resource_path(name: str) -> str:
    """Return the name of an operation as a path: `models/ID/operations/ID`. Any other text becomes one segment."""
    honest = _NAME.fullmatch(name) and not any(part.strip(".") == "" for part in name.split("/"))
    return name if honest else path_segment(name)


def clip_assets(part: Mapping[str, Any], output: int = 1) -> tuple[Asset, ...]:
    """Return the ways to the clip of one part: inline, and by its file below the route or its link.

    The file is fetched with the key, from the provider's own address: a relay has it there, too.
    """
    encoded = next((value for key in ("data", "bytesBase64Encoded", "videoBytes") if (value := part.get(key))), "")
    location = next((value for key in ("uri", "gcsUri") if (value := part.get(key))), "")
    found = []
    if isinstance(encoded, str) and encoded:
        media_type = text(part.get("mime_type") or part.get("mimeType"), 80) or "video/mp4"
        found.append(Asset(location=f"data:{media_type};base64,{encoded}", output=output))
    if isinstance(location, str) and (file := _FILE.fullmatch(location.strip())):
        found.append(Asset(location=file[1], keyed=True, output=output))
    elif (linked := asset_of(location)) and not linked.keyed:
        found.append(Asset(location=linked.location, output=output))
    return tuple(found)


def encoded_picture(image: ImageInput) -> dict[str, str]:
    """Return a picture as Veo takes it. Raises Unsupported for a link: Google fetches none."""
    return {"bytesBase64Encoded": _encoded(image), "mimeType": image.media_type}


def picture_part(image: ImageInput) -> dict[str, str]:
    """Return a picture as a part of an interaction: its bytes, or the URI of an uploaded file. Raises Unsupported."""
    if _FILES_URI.match(image.url):
        return {"type": "image", "uri": image.url, "mime_type": image.media_type or "image/png"}
    return {"type": "image", "data": _encoded(image), "mime_type": image.media_type}


def is_files_uri(link: str) -> bool:
    """Whether a link leads to a file of the Files API."""
    return _FILES_URI.match(link) is not None


def _encoded(image: ImageInput) -> str:
    if image.url:
        raise Unsupported(manifest_field(image), "Google does not fetch links: give a local path")
    return bare_base64(image)
