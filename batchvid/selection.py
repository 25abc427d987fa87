"""Patterns that select jobs: a pattern of ids, or `tag:NAME`. Upper and lower case are the same."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase

TAG_PREFIX = "tag:"


def is_tag_pattern(pattern: str) -> bool:
    """Whether the pattern selects by tag."""
    return pattern.startswith(TAG_PREFIX)


def matches(pattern: str, job_id: str, tags: Collection[str]) -> bool:
    """Whether the pattern selects a job with this id and these tags. Tags are compared exactly."""
    if is_tag_pattern(pattern):
        return pattern.removeprefix(TAG_PREFIX) in tags
    return matches_name(pattern, job_id)


def matches_name(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern with `*`, `?` and `[...]`."""
    return fnmatchcase(name.casefold(), pattern.casefold())
