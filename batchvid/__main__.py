"""`python -m batchvid` is `batchvid`."""

from batchvid.cli import entry

if __name__ == "__main__":
    entry()
