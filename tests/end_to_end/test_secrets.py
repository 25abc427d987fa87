"""What a vendor or a spreadsheet says goes to files and screens without signed links and without control characters."""

from __future__ import annotations

import os
import stat
from typing import Any

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench

SIGNED = "s1gned-and-worth-m0ney"
LINK = f"https://cdn.example/clip.mp4?X-Amz-Signature={SIGNED}"
QUICK = "downloads: {wait_s: 0.1}"  # for clips that never come
OWNED = "\x1b[2J\x1b]0;owned\x07"


def output_of(bench: Bench, *commands: str) -> bytes:
    """What these commands print on the manifest, as it lands in a file."""
    return b"".join(bench.logged(command, str(bench.manifest))[1] for command in commands)


def holders(bench: Bench, secret: bytes) -> list[str]:
    """The files of the batch that hold these bytes."""
    return [path.name for path in bench.batch.rglob("*") if path.is_file() and secret in path.read_bytes()]


@pytest.mark.parametrize(
    ("step", "deed"),
    [
        ("submit", {"outcome": "fail", "message": f"{OWNED} see {LINK} for more"}),
        ("submit", {"invalid": True, "message": f"{OWNED} see {LINK} for more"}),
        ("download", {"status": 200, "json": {"url": LINK}}),
        ("download", {"status": 200, "body": f"{OWNED} see {LINK} for more"}),
    ],
    ids=["failed", "refused", "JSON instead of a clip", "text instead of a clip"],
)
def test_a_vendors_words(bench: Bench, step: str, deed: dict[str, Any]) -> None:
    """A signed link in them lands nowhere, an escape is obeyed by nobody, and the words themselves are kept."""
    bench.write("  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}", top=QUICK)
    bench.emulator.set_faults({"match": {"step": step}, "do": deed})
    output = output_of(bench, "run", "status", "report")
    assert b"https://cdn.example/clip.mp4?..." in output
    assert "https://cdn.example/clip.mp4?..." in bench.rows()[0]["message"]
    assert SIGNED.encode() not in output
    assert holders(bench, SIGNED.encode()) == []
    assert b"\x1b" not in output
    assert holders(bench, b"\x1b]0;") == []
    assert bench.rows()[0]["message"].isprintable()


def test_a_signed_link_in_a_spreadsheet(bench: Bench) -> None:
    """A picture's address with its signature is sent to the vendor, and neither sidecar, report nor log shows it."""
    (bench.folder / "rows.csv").write_text(f"sku,picture\nK-1,https://cdn.example/p.png?Signature={SIGNED}\n", "utf-8")
    picture = "prompt: a boat, model: kling-v2-6, duration_s: 5, image: '{{ picture }}'"
    bench.write(f"  - {{id: '{{{{ sku }}}}', rows: rows.csv, {picture}}}")
    bench.manifest.write_text(bench.manifest.read_text("utf-8").replace(", aspect_ratio: 16:9", ""), "utf-8")
    output = output_of(bench, "run", "status", "report", "plan")
    (row,) = bench.rows()
    assert (row["state"], row["var.picture"]) == ("succeeded", "https://cdn.example/p.png?...")
    assert SIGNED.encode() not in output
    assert {name for name in holders(bench, SIGNED.encode()) if not name.startswith("state.sqlite3")} == set()


LINKS: dict[str, dict[str, Any]] = {
    "expired": {"expired": True},
    "redirect": {"redirect": True},
    "page": {"html_200": True},
    "cut": {"truncate": True},
    "cloud": {"status": 302, "headers": {"Location": f"http://169.254.169.254/?token={SIGNED}"}},
    "ftp": {"status": 302, "headers": {"Location": f"ftp://127.0.0.1/?token={SIGNED}"}},
}
"""What may become of a link, by the word in the prompt of the clip that it becomes of."""


class TestEveryFile:
    """What a run leaves on disk, whether its links were good or not."""

    @pytest.fixture
    def settings(self) -> Settings:
        """Sora's object names a signed link, too."""
        return Settings(render="shared", api_key=KEY, sora_shape="video_url")

    def test_no_signature_and_no_key(self, bench: Bench) -> None:
        """Whatever becomes of a link, its query is in no file, and the key is in none: state, log, report, sidecars."""
        bench.write(
            f"  - {{id: boat, model: kling-v2-6, duration_s: 5, matrix: {{link: {['good', *LINKS]}}}, "
            f"prompt: 'a boat, {{{{ link }}}}'}}\n"
            f"  - {{id: crane, model: sora-2, prompt: a crane}}\n"
            f"  - {{id: veo, prompt: 'a kite, expired'}}",
            top=QUICK,
        )
        bench.emulator.set_faults(
            *({"match": {"step": "download", "prompt": word, "nth": [1, 2]}, "do": do} for word, do in LINKS.items())
        )
        output = "".join(run.out + run.err for run in (bench.run("--allow-retired"), bench.run("--allow-retired")))
        ends = {row["id"]: row["state"] for row in bench.rows()}
        assert [ends[name] for name in ("boat_good", "crane", "veo")] == ["succeeded"] * 3
        assert len(list(bench.batch.glob("**/*.json"))) >= 3
        for secret in ("sig=", "expires=", SIGNED, KEY):
            assert secret not in output
            assert holders(bench, secret.encode()) == []


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o700), (0o022, 0o755)])
def test_the_users_umask_counts(bench: Bench, umask: int, mode: int) -> None:
    """With 077 every file and folder of the batch is its owner's alone; with 022 colleagues may read them all."""
    bench.write("  - {id: veo, prompt: a kite}")
    before = os.umask(umask)
    try:
        assert bench.run().code == 0
    finally:
        os.umask(before)
    made = [bench.batch.parent, *bench.batch.parent.rglob("*")]
    assert {".mp4", ".json", ".csv", ".log", ".sqlite3"} <= {path.suffix for path in made}
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == (mode if path.is_dir() else mode & 0o666), path
