"""Downloads are sorted by link expiry, a dead link is replaced, and a bad one does not block others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from batchvid.clock import utc_now
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState
from batchvid.domain.wire import Asset
from batchvid.runner.downloads.downloader import TRIES_PER_LINK
from tests.builders import MakeClip
from tests.runner.downloads.downloader_harness import DownloaderHarness, open_harness, ready
from tests.runner.servers import Served, serving

CONTENT = Asset(location="/v1/videos/t-1/content", keyed=True)


class Host:
    """Serves the clip on every path, or says what `says` has for a path: statuses, the last one for ever."""

    def __init__(self, data: bytes) -> None:
        self.says: dict[str, list[int]] = {}
        self.location = ""
        self.server = Served("")
        self._data = data

    async def answer(self, request: web.Request) -> web.StreamResponse:
        left = self.says.get(request.path, [200])
        status = left.pop(0) if len(left) > 1 else left[0]
        if status == 200:
            return web.Response(body=self._data, content_type="video/mp4")
        return web.Response(status=status, headers={"Location": self.location} if status == 302 else {})

    def link(self, name: str) -> str:
        """A signed link to a clip of that name."""
        return f"{self.server.base_url}/{name}.mp4?Signature=s1gned"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path.partition("?")[0] for _, path, _ in self.server.asked]


@pytest.fixture
async def host(clips: MakeClip) -> AsyncIterator[Host]:
    """A host of clips of one second."""
    host = Host(clips().read_bytes())
    async with serving(host.answer) as host.server:
        yield host


def in_s(seconds: float) -> datetime:
    """So many seconds from now."""
    return utc_now() + timedelta(seconds=seconds)


def ago(seconds: float) -> dict[str, Any]:
    """A task that was found finished so many seconds ago."""
    return {"at": in_s(-seconds)}


class TestInWhichOrder:
    """The one whose link dies first goes first."""

    async def test_by_what_the_vendor_says(self, tmp_path: Path, host: Host) -> None:
        """Its own word counts, in whatever order the tasks were found finished."""
        lives = {"late": 9000, "soon": 60, "later": 90000, "next": 600}
        jobs = [ready(job_id, expires_at=in_s(left)) for job_id, left in lives.items()]
        async with open_harness(tmp_path, *jobs) as at_work:
            await at_work.fetch({job_id: (host.link(job_id),) for job_id in lives})
        assert at_work.stored == ["soon", "next", "late", "later"]

    async def test_by_the_catalogue_where_it_says_nothing(self, tmp_path: Path, host: Host) -> None:
        """Sora's links live an hour, Runway's a day, Kling's a month; where nobody knows, an hour is feared."""
        jobs = [
            ready("kling", "kling-v2-6", **ago(7000)),
            ready("runway", "gen3a_turbo", **ago(6000)),
            ready("veo", "veo3-fast", **ago(1000)),
            ready("sora", "sora-2", **ago(2000)),
            ready("own-word", "kling-v2-6", expires_at=in_s(30)),
        ]
        async with open_harness(tmp_path, *jobs) as at_work:
            await at_work.fetch({job.id: (host.link(job.id),) for job in jobs})
        assert at_work.stored == ["own-word", "sora", "veo", "runway", "kling"]

    async def test_a_link_that_fails_holds_nobody_up(self, tmp_path: Path, host: Host) -> None:
        """The only worker does not wait beside a host in trouble: it fetches what can be had, and comes back."""
        host.says["/bad.mp4"] = [503, 503, 200]
        jobs = [ready("bad", expires_at=in_s(60)), ready("good", expires_at=in_s(600))]
        async with open_harness(tmp_path, *jobs) as at_work:
            await at_work.fetch({"bad": (host.link("bad"),), "good": (host.link("good"),)})
        assert at_work.stored == ["good", "bad"]
        assert host.paths == ["/bad.mp4", "/good.mp4", "/bad.mp4", "/bad.mp4"]


class TestDeadLinks:
    """A dead link costs a free question, never the clip."""

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    async def test_a_fresh_link_before_the_content_route(self, tmp_path: Path, host: Host, status: int) -> None:
        """First the task is asked once for another link; when that is dead, too, the provider's own route is taken."""
        host.says["/kite.mp4"] = [status]
        async with open_harness(tmp_path, ready("kite"), base_url=host.server.base_url) as at_work:
            await at_work.fetch({"kite": (host.link("kite"), CONTENT)})
            assert [job.dead_links for job in at_work.asked] == [1]
            await at_work.answer("kite", Asset(location=host.link("kite")), CONTENT)
        key = "Bearer sk-the-key"
        keys = [None, key] if status in (401, 403) else [None]  # the link is on the provider's own server
        assert host.server.keys == [*keys, *keys, key]
        assert host.paths == ["/kite.mp4"] * 2 * len(keys) + [CONTENT.location]
        assert at_work.state("kite") is JobState.SUCCEEDED
        assert len(at_work.asked) == 1

    @pytest.mark.parametrize("status", [400, 403, 404])
    async def test_a_refused_link_is_no_proof_of_the_end(self, tmp_path: Path, host: Host, status: int) -> None:
        """The vendor's storage may get the clip later: it is polled for minutes, then it stays ready."""
        host.says["/kite.mp4"] = [status]
        async with open_harness(tmp_path, ready("kite"), wait_initial_s=0.002, patience_s=0.02) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            while at_work.state("kite") is JobState.RUNNING:
                await at_work.answer("kite", Asset(location=host.link("kite")))
            assert at_work.state("kite") is JobState.READY
        assert len(host.paths) > 3
        assert at_work.notices[-1] == (
            f"kite: the link answers {status}. Its clip is paid for and waits: run again to fetch it"
        )

    async def test_a_link_that_is_gone_twice_is_expired(self, tmp_path: Path, host: Host) -> None:
        """410 of a link, and of the one that a new poll gives: `retry` may ask the task again."""
        host.says["/kite.mp4"] = [410]
        async with open_harness(tmp_path, ready("kite")) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            await at_work.answer("kite", Asset(location=host.link("kite")))
            job = at_work.context.job("kite")
        assert (job.state, job.kind, job.task_failed) == (JobState.FAILED, FailureKind.EXPIRED, False)
        assert len(host.paths) == 2

    async def test_an_old_link_that_a_poll_does_not_renew_is_expired(self, tmp_path: Path, host: Host) -> None:
        """Its lifetime has passed, and the links of two new polls do not work either."""
        host.says["/kite.mp4"] = [403]
        async with open_harness(tmp_path, ready("kite", **ago(40 * 86400))) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            for _ in range(2):
                await at_work.answer("kite", Asset(location=host.link("kite")))
            job = at_work.context.job("kite")
        assert (job.state, job.kind) == (JobState.FAILED, FailureKind.EXPIRED)

    @pytest.mark.parametrize("model", ["sora-2", "kling-v2-6"])
    async def test_an_expiry_in_the_past_asks_first(self, tmp_path: Path, host: Host, model: str) -> None:
        """By the vendor's word or the catalogue's: a link that should be dead is not tried, a fresh one is asked for.

        It is asked for once: where the next link is no younger, a clock is wrong, and it is tried all the same.
        """
        past = ago(40 * 86400) | ({"expires_at": in_s(-1)} if model == "sora-2" else {})
        async with open_harness(tmp_path, ready("kite", model, **past)) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            assert [job.dead_links for job in at_work.asked] == [0]
            assert host.paths == []
            await at_work.answer("kite", Asset(location=host.link("kite")), expires_at=in_s(-1))
        assert at_work.stored == ["kite"]
        assert len(at_work.asked) == 1

    async def test_what_does_not_age_is_not_asked_for_again(self, tmp_path: Path, host: Host) -> None:
        """The provider's own route needs no signature: it is opened whenever the clip was due."""
        job = ready("kite", expires_at=in_s(-1))
        async with open_harness(tmp_path, job, base_url=host.server.base_url) as at_work:
            await at_work.fetch({"kite": (CONTENT,)})
        assert (at_work.stored, at_work.asked) == (["kite"], [])

    async def test_trouble_that_does_not_pass_leaves_it_ready(self, tmp_path: Path, host: Host) -> None:
        """A host that is down for long says nothing about the clip: it stays paid for, and the next run fetches it."""
        host.says["/kite.mp4"] = [503]
        async with open_harness(tmp_path, ready("kite"), wait_initial_s=0.001) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            while at_work.state("kite") is JobState.RUNNING:
                await at_work.answer("kite", Asset(location=host.link("kite")))
            assert at_work.state("kite") is JobState.READY
        assert len(host.paths) >= 2 * TRIES_PER_LINK
        assert "Its clip is paid for and waits: run again to fetch it" in at_work.notices[-1]


class TestWhereLinksLead:
    """Nothing of this machine's own network is asked on a vendor's word."""

    PUBLIC = "https://1.1.1.1"

    async def test_a_refused_link_keeps_the_clip(self, tmp_path: Path, host: Host) -> None:
        """It is not asked, not tried again and not given up: the notice says which word of the user would allow it."""
        async with open_harness(tmp_path, ready("kite"), base_url=self.PUBLIC) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            assert at_work.state("kite") is JobState.READY
        assert (host.paths, at_work.asked) == ([], [])
        (said,) = at_work.notices[-1:]
        assert "kite: the link leads to 127.0.0.1, which is a private address" in said
        assert "allow_private_links: true" in said
        assert "s1gned" not in said

    async def test_with_the_users_leave_it_is_fetched(self, tmp_path: Path, host: Host) -> None:
        """`allow_private_links: true` on the provider; that such links are in the clear is said once, not twice."""
        jobs = [ready("kite"), ready("boat")]
        async with open_harness(tmp_path, *jobs, base_url=self.PUBLIC, allow_private_links=True) as at_work:
            await at_work.fetch({job.id: (host.link(job.id),) for job in jobs})
        assert at_work.stored == ["kite", "boat"]
        assert at_work.notices == [
            "cometapi links to its clips by unencrypted http: others on the network can read them"
        ]

    async def test_another_way_to_the_clip_is_taken(self, tmp_path: Path, host: Host) -> None:
        """A link that is led astray is no reason to leave the provider's own route untried."""
        host.says["/kite.mp4"], host.location = [302], "http://169.254.169.254/latest/meta-data/"
        async with open_harness(tmp_path, ready("kite"), base_url=host.server.base_url) as at_work:
            await at_work.fetch({"kite": (host.link("kite"), CONTENT)})
        assert at_work.stored == ["kite"]


class TestExpiryWarnings:
    """A finished clip that is not downloaded shortly before its link expires is reported once."""

    @staticmethod
    def late(at_work: DownloaderHarness) -> list[str]:
        return [said for said in at_work.notices if "not downloaded yet" in said]

    async def test_warns_once_and_in_time(self, tmp_path: Path, host: Host) -> None:
        """A quarter of an hour before the expiry, not sooner, not twice, and not about a stored clip."""
        jobs = [ready("kite", expires_at=in_s(7200)), ready("boat", expires_at=in_s(7200))]
        host.says["/kite.mp4"] = [503]
        async with open_harness(tmp_path, *jobs, patience_s=0.0) as at_work:
            await at_work.fetch({job.id: (host.link(job.id),) for job in jobs})
            at_work.expiry_monitor.check(in_s(7200 - 910))
            assert self.late(at_work) == []
            for _ in range(2):
                at_work.expiry_monitor.check(in_s(7200 - 890))
            (said,) = self.late(at_work)
        assert said.startswith("kite: its clip is finished but not downloaded yet, and is available only until ")
        assert f"{jobs[0].expires_at:%Y-%m-%d %H:%M:%S} UTC" in said

    async def test_a_new_link_replaces_the_expiry(self, tmp_path: Path, host: Host) -> None:
        """Only the new link's expiry counts."""
        host.says["/kite.mp4"] = [403]
        async with open_harness(tmp_path, ready("kite", expires_at=in_s(1000)), wait_initial_s=0.001) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            host.says["/kite.mp4"] = [200]
            at_work.store.part("kite.mp4").mkdir()
            again = Asset(location=host.link("kite"))
            await at_work.answer("kite", again, expires_at=in_s(9000))
            at_work.expiry_monitor.check(in_s(990))
            assert self.late(at_work) == []
            at_work.expiry_monitor.check(in_s(8990))
            assert len(self.late(at_work)) == 1

    async def test_a_run_checks_automatically(self, tmp_path: Path, host: Host) -> None:
        """A clip that still waits when three quarters of its link's lifetime are over is reported."""
        host.says["/kite.mp4"] = [503]
        async with open_harness(
            tmp_path, ready("kite", expires_at=in_s(1.2)), wait_initial_s=0.4, patience_s=9
        ) as at_work:
            await at_work.fetch({"kite": (host.link("kite"),)})
            assert len(self.late(at_work)) == 1
        assert [job.dead_links for job in at_work.asked] == [0]
