"""What a run knows of each provider: queue, limits, health."""
