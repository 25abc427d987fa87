"""Fetches, checks and stores finished clips."""
