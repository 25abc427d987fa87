"""batchvid: a batch job runner for AI video."""
