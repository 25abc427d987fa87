"""`python -m batchvid` is `batchvid`."""

from batchvid.cli.main import entry

if __name__ == "__main__":
    entry()
