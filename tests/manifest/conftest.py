"""A folder of its own for each test, and short ways to write a manifest there, load it, and see its problems."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchvid.domain.job_spec import JobSpec
from batchvid.errors import ManifestError
from batchvid.manifest import load

Write = Callable[..., Path]
Specs = Callable[..., dict[str, JobSpec]]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file into the test's folder, which is the current one, and gives its relative path."""
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, content: str | bytes) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def specs(write: Write) -> Specs:
    """The jobs of a manifest's text, by id, in the order of the manifest."""

    def load_text(text: str, **arguments: Any) -> dict[str, JobSpec]:
        manifest = load(write("m.yaml", text), **arguments)
        return {job.spec.id: job.spec for job in manifest.jobs}

    return load_text


@pytest.fixture
def mistakes(write: Write) -> Mistakes:
    """The problems of a manifest's text."""

    def load_text(text: str, **arguments: Any) -> list[str]:
        with pytest.raises(ManifestError) as raised:
            load(write("m.yaml", text), **arguments)
        return list(raised.value.problems)

    return load_text
