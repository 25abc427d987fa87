"""The faults of wire-notes 10, rules 9 to 11, and of public reports, and how a job must end that meets one.

`python -m tests.faults` tries every one in every wire format and writes docs/faults.md from what the rows say.
"""

from __future__ import annotations

from tests.faults.clip_faults import CLIPS
from tests.faults.poll_faults import POLLS
from tests.faults.submit_faults import SUBMITS
from tests.faults.task_faults import TASKS
from tests.faults.wait_faults import RETRY_AFTER

FAULTS = {f"{fault.group}: {fault.name}": fault for fault in (*SUBMITS, *RETRY_AFTER, *POLLS, *TASKS, *CLIPS)}
