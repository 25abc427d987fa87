"""Where clips go. Today a local folder; buckets are a later room beside it."""

from batchvid.storage.disk_space import SPARE_BYTES, storage_error
from batchvid.storage.local import LocalStore

__all__ = ["SPARE_BYTES", "LocalStore", "storage_error"]
