"""Estimates how long tasks take, and when to poll them. Pure."""
