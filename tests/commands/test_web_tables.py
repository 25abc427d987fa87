"""Tables of the web, over real sockets: fetched once, kept, and without them nothing is bought."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from yarl import URL

from batchvid import commands
from batchvid.errors import ManifestError
from batchvid.net.table_fetch import TableNotFetched, fetch_table, is_downgraded
from batchvid.planning.plan_types import PlanAction

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"


@dataclass
class Site:
    """What the server answers, and the paths of the requests."""

    url: str = ""
    status: int = 200
    body: bytes = b"sku,name\nA1,a red kite\nA2,a blue boat\n"
    location: str = ""
    wait_s: float = 0.0
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    """A small server on loopback."""
    answer = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.asked.append(self.path)
            time.sleep(answer.wait_s)
            self.send_response(302 if answer.location else answer.status)
            if answer.location:
                self.send_header("Location", answer.location)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # a client that has enough hangs up
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answer.url = f"http://127.0.0.1:{server.server_port}/plan.csv?key=SECRET"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield answer
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def manifest(site: Site, tmp_path: Path) -> Path:
    """An entry whose rows are on the web, and one without rows."""
    path = tmp_path / "m.yaml"
    path.write_text(
        "batch: b\ndefaults: {provider: emulator, model: veo3-fast, duration_s: 4}\nclips:\n"
        f'  - {{id: "{{{{ sku }}}}", rows: "{site.url}", prompt: "{{{{ name }}}}"}}\n'
        "  - {id: own, prompt: a quiet harbour}\n"
    )
    return path


def actions(batch: commands.Batch) -> dict[str, PlanAction]:
    return {job.spec.id: job.action for job in commands.plan(batch).jobs}


def test_the_rows_of_an_address(manifest: Path, site: Site, tmp_path: Path) -> None:
    """One fetch for a plan; the query, which may be a secret, is shown nowhere."""
    batch = commands.load(manifest, out=tmp_path / "out")
    assert actions(batch) == dict.fromkeys(("A1", "A2", "own"), PlanAction.NEW)
    assert site.asked == ["/plan.csv?key=SECRET"]
    assert not (tmp_path / "out").exists()
    assert "SECRET" not in str(batch.manifest.jobs[0].row)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b"", "HTTP 403: share it"),
        (404, b"", "HTTP 404: the link is wrong"),
        (200, HTML, 'an HTML page ("Sign in") instead of a table: share it'),
        (200, b" \n", "an empty file"),
        (500, b"oops", "HTTP 500"),
    ],
)
def test_a_table_that_cannot_be_fetched_buys_nothing(
    manifest: Path, site: Site, tmp_path: Path, status: int, body: bytes, words: str
) -> None:
    """Its entry is left out with a warning, the other entries go on, and nothing counts as removed."""
    site.status, site.body = status, body
    batch = commands.load(manifest, out=tmp_path / "out")
    planned = commands.plan(batch)
    assert [job.spec.id for job in planned.to_buy] == ["own"]
    (warning,) = planned.warnings
    assert words in warning
    assert "buys nothing now" in warning
    assert "SECRET" not in warning
    assert not batch.manifest.is_complete


def test_a_run_keeps_the_table_for_the_day_without_it(manifest: Path, site: Site, tmp_path: Path) -> None:
    """Stored jobs stay stored, new rows of the copy are not bought, and the exit code shows that."""
    out = tmp_path / "out"
    first = commands.run(commands.load(manifest, out=out, only=["A1"]))
    assert first.exit_code == 0
    site.status = 503
    batch = commands.load(manifest, out=out)
    planned = commands.plan(batch)
    found = {job.spec.id: (job.action, job.reason) for job in planned.jobs}
    assert found["A1"] == (PlanAction.STORED, "stored, a rehearsal")
    assert found["A2"][0] is PlanAction.NOT_BOUGHT
    assert "its table cannot be fetched now: the server answers HTTP 503" in found["A2"][1]
    assert "the rows are those of the last copy" in planned.warnings[0]
    outcome = commands.run(batch)
    assert (outcome.exit_code, outcome.counts.total()) == (1, 2)
    assert "a table was not fetched" in outcome.reason
    site.status, site.body = 200, b"sku,name\nA1,a red kite\n"
    again = commands.load(manifest, out=out)
    assert "changed since the last run" in "".join(again.manifest.notes)


def test_an_address_that_is_never_fetched_is_a_problem(tmp_path: Path) -> None:
    """An unencrypted one, with the line of the manifest."""
    path = tmp_path / "m.yaml"
    path.write_text('clips: [{id: "{{ a }}", model: m, prompt: "{{ a }}", rows: "http://shop.example/t.csv"}]')
    with pytest.raises(ManifestError) as raised:
        commands.load(path, out=tmp_path)
    assert "rows: shop.example/t.csv must begin with https://" in raised.value.problems[0]


@pytest.mark.parametrize(
    ("hops", "is_refused"),
    [
        (["https://a.example/t", "https://b.example/t"], False),
        (["https://a.example/t", "http://b.example/t"], True),
        (["https://a.example/t", "http://b.example/t", "https://c.example/t"], True),
        (["http://127.0.0.1/t", "http://127.0.0.1/u"], False),
    ],
)
def test_a_redirect_keeps_the_encryption(hops: list[str], is_refused: bool) -> None:
    """Prompts that somebody on the way can change would be bought."""
    assert is_downgraded([URL(hop) for hop in hops]) is is_refused


def test_compressed_and_large_tables(site: Site) -> None:
    """gzip is a table as well; one above the limit is not read to its end."""
    site.body = gzip.compress(b"a\n1\n", mtime=0)
    assert fetch_table(site.url) == site.body
    site.body = b"a\n" * 1000
    with pytest.raises(TableNotFetched, match="larger than"):
        fetch_table(site.url, max_bytes=100)


def test_a_server_that_does_not_answer(site: Site) -> None:
    """The wait ends."""
    site.wait_s = 0.5
    with pytest.raises(TableNotFetched, match=r"did not answer within 0\.1 seconds"):
        fetch_table(site.url, total_s=0.1)


def test_a_redirect_may_not_leave_https_for_a_private_address(site: Site) -> None:
    """A public page must not make this machine read its own network; here the origin is private itself."""
    site.location = "http://169.254.169.254/latest/meta-data"
    with pytest.raises(TableNotFetched, match="cannot be reached"):
        fetch_table(site.url)
