"""Tests of the wire formats. CODED are those in Python, whose replies may come in any envelope of the vendors.

A `json-task` definition reads only what it names; test_json_task.py has the tests of that.
"""

from batchvid import catalog  # defines the json-task dialects that ship with batchvid
from batchvid.dialects import DIALECTS

assert catalog
CODED = DIALECTS.coded
