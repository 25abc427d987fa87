"""What the tests of the catcher share: a batch's folder, a client, and one call that fetches a clip into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchvid.domain.job_spec import Clip
from batchvid.domain.wire import Asset
from batchvid.net.access import bearer
from batchvid.net.transport import Transport
from batchvid.runner.downloads.differences import Expected
from batchvid.runner.downloads.fetch import FetchRequest, fetch_clip
from batchvid.runner.downloads.worker_threads import close_pool, create_pool
from batchvid.storage import LocalStore

KEY = "sk-the-key"


@dataclass(frozen=True)
class Net:
    """A folder and a client."""

    folder: Path
    transport: Transport

    @property
    def store(self) -> LocalStore:
        """As a new run opens it."""
        return LocalStore(self.folder)

    async def catch(self, location: str, **fields: Any) -> Clip:
        """Fetch this asset; what is not said is ordinary."""
        given: dict[str, Any] = {
            "asset": Asset(location=location, keyed=bool(fields.pop("keyed", False))),
            "base_url": "http://127.0.0.1",
            "access": bearer(KEY),
            "clip_key": "kite/1.mp4",
            "task_id": "t-1",
            "expected": Expected(duration_s=fields.pop("duration_s", 1.0), fails=fields.pop("fails", False)),
            "sidecar": {"prompt": "a kite"},
            **fields,
        }
        pool = create_pool()
        try:
            return await fetch_clip(self.transport, self.store, FetchRequest(**given), pool)
        finally:
            await close_pool(pool)

    def files(self) -> Mapping[str, bytes]:
        """Every file of the batch, by its path."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}

    def sidecar(self, key: str = "kite/1.mp4") -> dict[str, Any]:
        """What stands beside a clip."""
        said: dict[str, Any] = json.loads((self.folder / "clips" / f"{key}.json").read_text("utf-8"))
        return said
