"""What the documentation holds: its pages, their code blocks and code spans."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HAND_WRITTEN = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced code block: `name` is the text after `# example: ` in its first line."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """What the example is called."""
        first = self.text.partition("\n")[0]
        return first.removeprefix("# example: ") if first.startswith("# example: ") else ""

    def __str__(self) -> str:
        return f"{self.page}: {self.name or self.language}"


def read(page: str) -> str:
    """The text of a page of docs/."""
    return (ROOT / "docs" / page).read_text("utf-8")


def blocks(*languages: str) -> list[Block]:
    """All code blocks in these languages, or in any."""
    found = [
        Block(path.relative_to(ROOT).as_posix(), match[1], match[2])
        for path in HAND_WRITTEN
        for match in re.finditer(r"^```(\w*)\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    ]
    return [block for block in found if not languages or block.language in languages]


def spans(path: Path) -> list[str]:
    """The inline code of a page."""
    prose = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", prose)


def command_lines(text: str) -> list[str]:
    """The commands of a block, without comments."""
    lines = (re.sub(r"\s+# .*", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
