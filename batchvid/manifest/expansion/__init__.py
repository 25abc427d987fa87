"""Expands clip entries into jobs: rows, images, matrix, takes."""
