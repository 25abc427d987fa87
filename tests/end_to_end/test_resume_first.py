"""A resumed run collects what is paid for before it has expanded the manifest, and buys nothing until it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from batchvid import commands
from batchvid.commands import Batch
from batchvid.commands.batch import LazyManifest
from batchvid.errors import ManifestError
from batchvid.manifest import Manifest
from batchvid.state.readers import read_meta
from tests.end_to_end.conftest import Bench, until

KITE = "  - {id: kite, prompt: a kite}"
BOAT = "  - {id: boat, prompt: a boat}"
BROKEN = "  - {id: boat, prompt: a boat, image: gone.png}"


def die_with_a_task(bench: Bench) -> None:
    """Buy a kite, and die right after its task's id was written down."""
    bench.write(KITE)
    process = bench.start("2", str(bench.manifest), module="tests.end_to_end.kill_after_events")
    process.communicate(timeout=60)
    assert bench.status()["states"]["running"] == 1


@pytest.fixture
def at_the_vendor(bench: Bench) -> Bench:
    """A kite is being made for a run that died."""
    die_with_a_task(bench)
    return bench


def slow(bench: Bench, happened: Callable[[], object]) -> Batch:
    """The batch as a resumed run gets it, with a manifest that takes until then to be expanded."""
    batch = commands.open_batch(bench.manifest, out=bench.folder / "outputs")

    def expand() -> Manifest:
        until(happened)
        return batch.manifest

    return replace(batch, lazy_manifest=LazyManifest(expand, folder=batch.folder))


def test_a_clip_is_stored_before_the_manifest_is_expanded(at_the_vendor: Bench) -> None:
    """What runs is polled and fetched from the state file alone; then the new clip is bought; each once."""
    at_the_vendor.write(f"{KITE}\n{BOAT}")
    batch = slow(at_the_vendor, lambda: list(at_the_vendor.batch.glob("clips/kite/*.mp4")))
    assert commands.run(batch).exit_code == 0
    assert [row["state"] for row in at_the_vendor.rows()] == ["succeeded", "succeeded"]
    assert at_the_vendor.emulator.ledger()["purchases"] == 2


def test_nothing_is_bought_or_kept_of_a_broken_manifest(at_the_vendor: Bench) -> None:
    """The mistake ends the run; the task is asked, not bought again; the next run resumes with a corrected manifest."""
    at_the_vendor.write(f"{KITE}\n{BROKEN}", top="batch: batch")
    before = read_meta(at_the_vendor.batch / "state.sqlite3")
    batch = slow(at_the_vendor, lambda: at_the_vendor.emulator.ledger()["polls"])
    with pytest.raises(ManifestError, match=r"there is no file gone\.png"):
        commands.run(replace(batch, sets=("defaults.seed=1",)))
    assert at_the_vendor.emulator.ledger()["purchases"] == 1
    assert read_meta(at_the_vendor.batch / "state.sqlite3") == before
    assert at_the_vendor.run().code == 2
    at_the_vendor.write(f"{KITE}\n{BOAT}")
    assert at_the_vendor.run().code == 0
    assert at_the_vendor.emulator.ledger()["purchases"] == 2


def test_a_task_that_failed_meanwhile_is_bought_again_as_the_manifest_allows(bench: Bench) -> None:
    """Whether it may be is known once the manifest is expanded: until then the failure waits, and is not lost."""
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "internal error"}})
    die_with_a_task(bench)
    bench.emulator.set_faults()
    bench.write(KITE, top="retries: 1")
    batch = slow(bench, lambda: bench.emulator.ledger()["polls"])
    assert commands.run(batch).exit_code == 0
    assert bench.emulator.ledger()["purchases"] == 2


def test_a_provider_that_only_the_new_manifest_needs(at_the_vendor: Bench) -> None:
    """Its provider is started while the tasks of the other one are polled, and its clip is bought there."""
    at_the_vendor.write(f"{KITE}\n  - {{id: demo, prompt: a demo, provider: emulator}}")
    assert at_the_vendor.run().code == 0
    rows = {row["id"]: (row["state"], row["provider"]) for row in at_the_vendor.rows()}
    assert rows == {"kite": ("succeeded", "cometapi"), "demo": ("succeeded", "emulator")}
    assert at_the_vendor.emulator.ledger()["purchases"] == 1


def test_a_missing_key_of_a_new_provider_is_told_before_anything_is_bought(at_the_vendor: Bench) -> None:
    """The run ends with the name of the variable; what an earlier run bought is not bought again."""
    office = 'office: {dialect: veo, base_url: "http://127.0.0.1:9", api_key_env: NO_KEY}, '
    text = at_the_vendor.manifest.read_text("utf-8").replace("providers: {", f"providers: {{{office}")
    at_the_vendor.manifest.write_text(f"{text}  - {{id: boat, prompt: a boat, provider: office}}\n", "utf-8")
    ended = at_the_vendor.run()
    assert (ended.code, "NO_KEY" in ended.err) == (2, True)
    assert at_the_vendor.emulator.ledger()["purchases"] == 1
