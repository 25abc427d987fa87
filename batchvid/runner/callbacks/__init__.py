"""Callbacks of vendors: they wake the poll of one task, and decide nothing."""
