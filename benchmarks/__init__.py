"""What batchvid itself costs, measured beside the floor and its peers in one run. Nothing here is a test."""
