"""Vendors made at random, each with whole runs against it; they count what they sold, the ledger must say the same."""
