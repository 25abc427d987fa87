"""Polls the tasks in flight and handles their ends."""
