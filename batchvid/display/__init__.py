"""What a terminal or a log shows during a run."""
