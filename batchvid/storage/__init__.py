"""Where clips go. Today a local folder; buckets are a later room beside it."""

from batchvid.storage.local import LocalStore

__all__ = ["LocalStore"]
