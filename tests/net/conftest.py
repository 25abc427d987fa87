"""The fetcher of clips, for the tests of links that are refused."""

from tests.runner.conftest import net

__all__ = ["net"]
