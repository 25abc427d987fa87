"""Compares the manifest with what was done, and finds a route and a price for each job."""
