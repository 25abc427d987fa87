"""The keys of a manifest: types, checks and templates."""
