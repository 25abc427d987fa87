"""Where clips are stored: a local folder."""

from batchvid.storage.disk_space import SPARE_BYTES, storage_error
from batchvid.storage.local import LocalStore

__all__ = ["SPARE_BYTES", "LocalStore", "storage_error"]
