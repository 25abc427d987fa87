"""Reads the files of a manifest: YAML, includes, CSV. Collects problems with their places."""
