"""Keys that were renamed. Manifests, `batchvid.toml` and state files with an old name stay readable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RENAMED_KEYS = {
    "moderation_rerolls": "moderation_retries",
    "first_wait_s": "wait_initial_s",
    "silence_s": "read_timeout_s",
    "submit_silence_s": "submit_read_timeout_s",
    "most_clip_bytes": "max_clip_bytes",
}
"""Old name: current name. The only place where an old name stands."""


def with_current_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with current key names. A current name wins over an old one."""
    renamed = {RENAMED_KEYS[key]: value for key, value in fields.items() if key in RENAMED_KEYS}
    return renamed | {key: value for key, value in fields.items() if key not in RENAMED_KEYS}
