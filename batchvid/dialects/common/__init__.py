"""What every wire format shares: building requests, and reading replies and errors. Pure."""
