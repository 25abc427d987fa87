"""`python -m tests.docs`: write the generated pages of docs/, and the generated blocks of other pages."""

from __future__ import annotations

from tests.docs import pages


def main() -> None:
    """Write what differs, and name it."""
    for path, text in pages.current().items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(path.relative_to(pages.ROOT))


if __name__ == "__main__":
    main()
