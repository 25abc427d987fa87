"""What selects jobs: a pattern of ids or `tag:NAME`, where upper and lower case are the same, and numbers of jobs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

TAG_PREFIX = "tag:"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which jobs of a manifest a command looks at; without a value it looks at all.

    `only` are patterns, of which one must fit. Of these jobs `sample` takes the first ones of each clip entry, and of
    those `limit` takes the first ones in all.
    """

    only: tuple[str, ...] = ()
    sample: int | None = None
    limit: int | None = None

    def __bool__(self) -> bool:
        return self != EVERYTHING


EVERYTHING = Selection()


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
