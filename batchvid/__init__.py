"""batchvid: a batch job runner for AI video."""

__version__ = "0.1.0"
