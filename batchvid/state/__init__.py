"""The state file: SQLite in WAL mode; an event log and the jobs it leads to, written in one transaction.

`StateFile` belongs to the one process that runs; the readers work at any time, in any process.
"""

from batchvid.state.readers import read_attempts, read_jobs, read_meta, replay
from batchvid.state.state_file import RecordedEvent, StateFile, record_offline

__all__ = ["RecordedEvent", "StateFile", "read_attempts", "read_jobs", "read_meta", "record_offline", "replay"]
