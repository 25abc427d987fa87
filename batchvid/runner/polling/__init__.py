"""Polls the tasks in flight and handles what ends them."""
