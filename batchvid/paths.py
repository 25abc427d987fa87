"""The files of a batch's folder: every name, once; and paths as a user can paste them into a command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

STATE_NAME = "state.sqlite3"
MANIFEST_SUFFIXES = (".yaml", ".yml")
DEFAULT_OUT = "outputs"  # the directory of all batches, beside the manifest


@dataclass(frozen=True, slots=True)
class BatchPaths:
    """Where each file of a batch is, below the batch's folder."""

    folder: Path

    @property
    def state(self) -> Path:
        """The state file."""
        return self.folder / STATE_NAME

    @property
    def report(self) -> Path:
        """One row per job."""
        return self.folder / "report.csv"

    @property
    def ledger(self) -> Path:
        """One row per attempt."""
        return self.folder / "ledger.csv"

    @property
    def actuals(self) -> Path:
        """One row per attempt with what the vendor charged, written on request."""
        return self.folder / "actuals.csv"

    @property
    def workbook(self) -> Path:
        """The rows of both as two sheets, written on request."""
        return self.folder / "report.xlsx"

    @property
    def log(self) -> Path:
        """One line per event."""
        return self.folder / "run.log"

    @property
    def clips(self) -> Path:
        """The tree of stored clips."""
        return self.folder / "clips"

    @property
    def replaced(self) -> Path:
        """The tree of clips that newer ones replaced."""
        return self.folder / "replaced"

    @property
    def tables(self) -> Path:
        """Tables of the web, as the last run fetched them."""
        return self.folder / "tables"

    @property
    def edit_these(self) -> Path:
        """The refused prompts, for a person to edit."""
        return self.folder / "edit-these.csv"

    @property
    def edits(self) -> Path:
        """The edits that were read back."""
        return self.folder / "edits.json"

    @property
    def emulator_tasks(self) -> Path:
        """The tasks of the embedded emulator."""
        return self.folder / "emulator" / "tasks.jsonl"


def find_batches(out: Path) -> list[BatchPaths]:
    """The batches below a directory that were run before, by name."""
    return [BatchPaths(path.parent) for path in sorted(out.glob(f"*/{STATE_NAME}"))]


def shown(path: Path) -> Path:
    """The path as it is shown: relative if it is below the working directory, else absolute."""
    try:
        here = Path.cwd()
    except OSError:  # the working directory was deleted
        return path
    absolute = path.resolve() if ".." in path.parts else here / path
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def quoted(path: Path | str) -> str:
    """The path as a word of a shell command."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
