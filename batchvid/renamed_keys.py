"""Keys that were renamed. Manifests, `batchvid.toml` and state files with an old name stay readable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MANIFEST_KEYS = {"moderation_rerolls": "moderation_retries"}
"""At the top level of a manifest. Old name: current name, as in all tables here; old names stand nowhere else."""

PROVIDER_KEYS = {
    "first_wait_s": "wait_initial_s",
    "silence_s": "read_timeout_s",
    "submit_silence_s": "submit_read_timeout_s",
    "most_clip_bytes": "max_clip_bytes",
}
"""In the providers that a state file holds."""

JOB_FIELDS = {"word": "vendor_status", "vendor": "vendor_metadata", "billed_s": "billed_duration_s"}
"""In the jobs and events of a state file."""


def with_current_names(fields: Mapping[str, Any], renamed_keys: Mapping[str, str]) -> dict[str, Any]:
    """The mapping with current key names. A current name wins over an old one."""
    renamed = {renamed_keys[key]: value for key, value in fields.items() if key in renamed_keys}
    return renamed | {key: value for key, value in fields.items() if key not in renamed_keys}
