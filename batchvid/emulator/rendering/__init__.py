"""Renders the small real clips that the emulator sells."""
