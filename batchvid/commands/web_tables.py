"""The tables of the web of one batch: fetched once, and kept beside the state for the day when they cannot be."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from pathlib import Path

from batchvid.atomic_file import write_atomic
from batchvid.manifest import FetchedTable
from batchvid.manifest.reading.table_addresses import download_address
from batchvid.paths import BatchPaths

CHANGED = "changed since the last run"


class WebTables:
    """Fetches the tables of a batch for its plan. Implements the manifest's TableFetcher."""

    def __init__(self, folder: Path) -> None:
        self._kept = BatchPaths(folder).tables
        self._found: dict[str, FetchedTable] = {}
        self._new: dict[str, bytes] = {}
        self._temporary: Path | None = None

    def __call__(self, address: str) -> FetchedTable:
        """The table at the address, from the web or, if that fails, as the last run found it."""
        address = download_address(address)
        if address not in self._found:
            self._found[address] = self._get(address)
        return self._found[address]

    @property
    def problems(self) -> list[str]:
        """Why tables could not be fetched."""
        return [table.problem for table in self._found.values() if table.problem]

    def keep(self) -> None:
        """Keep what was fetched, beside the state. Raises OSError."""
        for name, data in self._new.items():
            self._kept.mkdir(parents=True, exist_ok=True)
            write_atomic(self._kept / name, data)
        self._new.clear()

    def _get(self, address: str) -> FetchedTable:
        from batchvid.net.table_fetch import TableNotFetched, fetch_table  # late: the HTTP client takes 0.1 s to import

        name = hashlib.sha256(address.encode()).hexdigest()[:16]
        kept = self._kept / name
        try:
            data = fetch_table(address)
        except TableNotFetched as exc:
            return FetchedTable(kept if kept.is_file() else None, problem=str(exc))
        before = kept.read_bytes() if kept.is_file() else None
        self._new[name] = data
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="batchvid-tables-"))
            weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        path = self._temporary / name
        path.write_bytes(data)
        return FetchedTable(path, note=CHANGED if before not in (None, data) else "")
