"""The facts about a batch in the table `meta`: one JSON value a row. A row that cannot be read costs only its fact."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

KINDS: dict[str, type] = {
    "batch": str,
    "manifest": str,
    "sets": list,
    "only": list,
    "sample": int,
    "limit": int,
    "providers": dict,
    "dialects": dict,
    "laws": dict,
    "polled": dict,
    "regeneration": dict,
}
"""What each known fact is. Of a list every element is text; of a dict every key is."""


class Meta(dict[str, Any]):
    """The facts that can be read; `unreadable` are the names of the others."""

    def __init__(self, rows: Iterable[tuple[Any, Any]] = ()) -> None:
        super().__init__()
        self.unreadable: list[str] = []
        for raw_name, raw_value in rows:
            name = raw_name.decode(errors="replace") if isinstance(raw_name, bytes) else str(raw_name)
            try:
                value = json.loads(raw_value)
            except (ValueError, TypeError):
                self.unreadable.append(name)
                continue
            if _fits(name, value):
                self[name] = value
            else:
                self.unreadable.append(name)

    def describe_unreadable(self) -> str:
        """A notice; empty if every row could be read."""
        if not self.unreadable:
            return ""
        names = ", ".join(map(ascii, self.unreadable))
        return f"the state file's facts about {names} cannot be read and are ignored; a run of the manifest writes them"


def _fits(name: str, value: object) -> bool:
    kind = KINDS.get(name, object)
    if not isinstance(value, kind):
        return False
    return kind is not list or all(isinstance(one, str) for one in value)  # type: ignore[attr-defined]
