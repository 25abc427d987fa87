"""The pages of docs/ that are made from the code, and the blocks of other pages that are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.docs import (
    command_pages,
    dialect_page,
    manifest_page,
    model_page,
    provider_page,
    routes_page,
    settings_page,
    state_diagram,
    tour,
    warnings_page,
)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES: dict[Path, Callable[[], str]] = {
    DOCS / "reference" / "manifest-keys.md": manifest_page.page,
    DOCS / "reference" / "commands.md": command_pages.page,
    DOCS / "reference" / "dialect-keys.md": dialect_page.page,
    DOCS / "reference" / "models.md": model_page.page,
    DOCS / "reference" / "providers.md": provider_page.page,
    DOCS / "reference" / "emulator-settings.md": settings_page.page,
    DOCS / "reference" / "warnings.md": warnings_page.page,
    DOCS / "routes.md": routes_page.page,
}
"""Whole pages."""

BLOCKS: dict[tuple[Path, str], Callable[[], str]] = {
    (DOCS / "explanation" / "architecture.md", "state diagram"): state_diagram.block,
    (ROOT / "README.md", "plan output"): tour.plan_block,
}
"""Parts of hand-written pages, between `<!-- NAME -->` and `<!-- /NAME -->`."""


def current() -> dict[Path, str]:
    """Every page that is generated in whole or in part, with the text that it must have."""
    texts = {path: make() for path, make in PAGES.items()}
    for (path, name), make in BLOCKS.items():
        texts[path] = with_block(texts.get(path) or path.read_text("utf-8"), name, make())
    return texts


def with_block(text: str, name: str, block: str) -> str:
    """The text with that block in place of the old one."""
    head, start, rest = text.partition(f"<!-- {name} -->\n")
    _old, end, tail = rest.partition(f"<!-- /{name} -->")
    if not start or not end:
        raise ValueError(f"the page has no block named {name!r}")
    return f"{head}{start}{block}\n{end}{tail}"
