"""The dialects with readers of their own: where several share one function, only the first of them is tried."""

from __future__ import annotations

from batchvid.dialects import DIALECTS
from tests.dialects import CODED

_FIRST = {name: DIALECTS[name] for name in reversed(CODED)}  # a later row of the tables below replaces an earlier one
READERS = list({(value.read_submit, value.read_poll): name for name, value in _FIRST.items()}.values())[::-1]
SUBMIT_READERS = list({value.read_submit: name for name, value in _FIRST.items()}.values())[::-1]
