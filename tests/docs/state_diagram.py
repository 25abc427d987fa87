"""The state diagram of docs/explanation/architecture.md, made from the table of transitions."""

from __future__ import annotations

from batchvid.domain.jobs import TRANSITIONS


def block() -> str:
    """The job's states as a mermaid diagram."""
    edges = [
        f"    {before or '[*]'} --> {after}: {event.__name__}"
        for event, moves in TRANSITIONS.items()
        for before, afters in moves.items()
        for after in afters
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *edges, "```"])
