"""A run that listens: the addresses outlive it, and a later run knows the tasks of an earlier one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aiohttp

from batchvid.catalog import providers
from batchvid.clock import utc_now
from batchvid.domain.jobs import JobState
from batchvid.known_keys import known_keys
from batchvid.net.credentials import Credentials
from batchvid.net.transport import Transport
from batchvid.runner.callbacks.opening import open_callbacks
from batchvid.runner.polling.poller import Poller
from batchvid.state.state_file import StateFile
from tests.builders import job_in
from tests.runner.callbacks.harness import listening
from tests.runner.downloads.downloader_harness import open_harness
from tests.runner.polling.test_poller import ignore
from tests.runner.polling.test_woken_polls import running
from tests.runner.servers import serving


async def test_a_callback_for_a_task_of_an_earlier_run_is_understood(tmp_path: Path) -> None:
    """Its address is made from the secret of the batch; nothing shows it."""
    settings, rows, keys = listening(), providers({}), Credentials()
    urls = []
    async with Transport() as transport, serving(running) as server:
        for _ in range(2):
            with StateFile(tmp_path / "state.sqlite3") as state:
                async with open_callbacks(settings, state, rows, keys, transport, print) as receiver:
                    assert receiver is not None
                    urls.append(receiver.addresses.url("kite", 3))
        assert urls[0] == urls[1]
        assert urls[0].rpartition("/")[2] not in known_keys.hide(f"cannot call {urls[0]}")
        job = replace(
            job_in(JobState.RUNNING, "kite"), task_id="t", origin=server.base_url, watched_from=utc_now(), attempts=3
        )
        (tmp_path / "batch").mkdir()
        async with open_harness(tmp_path / "batch", job, base_url=server.base_url, poll_every_s=30) as at_work:
            with StateFile(tmp_path / "state.sqlite3") as state:
                async with open_callbacks(settings, state, rows, keys, transport, print) as receiver:
                    at_work.context.callbacks = receiver
                    poller = Poller(at_work.context, dispatch=ignore)
                    poller.track(job, at_once=True)
                    async with aiohttp.ClientSession() as session, session.post(urls[0], data=b"{}") as reply:
                        assert reply.status == 200
                    assert receiver is not None
                    assert "unknown" not in receiver.counts
