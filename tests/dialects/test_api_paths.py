"""The paths that an address may end with are those that the dialects send."""

from __future__ import annotations

import pytest

from batchvid.dialects import DIALECTS
from tests.exchanges import load


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_recorded_path_begins_with_one_of_the_dialect(dialect: str) -> None:
    """Submits and polls."""
    recorded = {str(one.request["path"]) for one in load(dialect) if one.request}
    assert recorded
    for path in recorded:
        assert path.startswith(DIALECTS[dialect].api_paths), path
