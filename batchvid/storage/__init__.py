"""Where clips go. Today a local folder; buckets are a later room beside it."""

from batchvid.storage.local import LocalStore
from batchvid.storage.room import SPARE_BYTES, storage_error

__all__ = ["SPARE_BYTES", "LocalStore", "storage_error"]
