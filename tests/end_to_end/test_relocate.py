"""A gateway that moved: its paid tasks are collected at the new address, after it has shown that it knows one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs, replay
from tests.end_to_end.conftest import KEY, Bench, ServedEmulator
from tests.end_to_end.interrupted import leave_running

KITE = "  - {id: kite, prompt: a kite}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server that keeps its tasks in a file, so that another process can go on with them."""
    return Settings(life="polls:1", render="shared", api_key=KEY, state_file=tmp_path / "tasks.jsonl")


@pytest.fixture
def moved(bench: Bench, settings: Settings) -> Iterator[ServedEmulator]:
    """The same server at another port, once a task was bought at the first one."""
    bench.write(KITE)
    leave_running(bench)
    with ServedEmulator(settings) as emulator:
        yield emulator


def relocate(bench: Bench, to: str, *more: str) -> tuple[int, str]:
    """`batchvid relocate batch` from the first address; exit code and words."""
    result = bench.cli("relocate", "batch", "--from", bench.emulator.base_url, "--to", to, *more)
    return result.code, result.out + result.err


def origins(bench: Bench) -> list[str]:
    """Where the jobs' tasks are, by the state file."""
    return [job.origin for job in read_jobs(bench.batch / "state.sqlite3")]


def test_what_was_bought_is_collected_at_the_new_address(bench: Bench, moved: ServedEmulator) -> None:
    """The run names the command; then the clip is stored by name alone, bought once, and the log tells the same."""
    old = bench.emulator.base_url
    bench.manifest.write_text(bench.manifest.read_text("utf-8").replace(old, moved.base_url), "utf-8")
    ended = bench.run()
    assert ended.code == 1
    assert f"batchvid relocate outputs/batch --from {old} --to {moved.base_url}" in ended.out
    code, words = relocate(bench, moved.base_url + "/v1/")
    assert code == 0
    (job,) = read_jobs(bench.batch / "state.sqlite3")
    assert f"{moved.base_url} knows task {job.task_id}" in words
    assert f"1 jobs moved from {old} to {moved.base_url}: kite" in words
    assert job == replay(bench.batch / "state.sqlite3")["kite"]
    assert bench.cli("run", "batch", "--collect-only").code == 0
    assert bench.run().code == 0
    assert [row["state"] for row in bench.rows()] == ["succeeded"]
    assert moved.ledger()["submits"] == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_a_dry_run_changes_nothing(bench: Bench, moved: ServedEmulator) -> None:
    """It asks and shows."""
    code, words = relocate(bench, moved.base_url, "--dry-run")
    assert code == 0
    assert "1 jobs would move from" in words
    assert origins(bench) == [bench.emulator.base_url]


def test_an_address_that_does_not_know_the_task_is_refused(bench: Bench, moved: ServedEmulator) -> None:
    """Another server, no server, one that fails, no address: exit code 2 with its reply, nothing is changed."""
    (job,) = read_jobs(bench.batch / "state.sqlite3")
    with ServedEmulator(Settings(api_key=KEY)) as stranger:
        code, words = relocate(bench, stranger.base_url)
    assert code == 2
    assert f"{stranger.base_url} does not know the tasks of cometapi (task {job.task_id} of job kite: " in words
    assert "Nothing was changed" in words
    code, words = relocate(bench, "http://127.0.0.1:9")
    assert (code, "no connection to http://127.0.0.1:9" in words) == (2, True)
    moved.set_faults({"match": {"step": "poll"}, "do": {"status": 502}})
    assert relocate(bench, moved.base_url)[0] == 2
    for address in ("gw.example.com", "http://a b", "http://user:pw@127.0.0.1:9"):
        code, words = relocate(bench, address)
        assert (code, "--to: " in words) == (2, True)
        assert "pw" not in words
    assert origins(bench) == [bench.emulator.base_url]


def test_an_address_of_no_job_is_refused(bench: Bench, moved: ServedEmulator) -> None:
    """A slip in --from: the addresses that there are."""
    result = bench.cli("relocate", "batch", "--from", "http://127.0.0.1:9", "--to", moved.base_url)
    assert result.code == 2
    assert f"no job of this batch is at http://127.0.0.1:9; there are: {bench.emulator.base_url}" in result.err


def test_a_name_of_this_machine_is_as_good_as_another(bench: Bench) -> None:
    """`127.0.0.1` became `localhost` in the manifest: it is the same server, and nothing is to be moved."""
    bench.write(KITE)
    leave_running(bench)
    bench.manifest.write_text(bench.manifest.read_text("utf-8").replace("127.0.0.1", "localhost"), "utf-8")
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_a_base_url_of_the_command_line_moves_along(bench: Bench, moved: ServedEmulator) -> None:
    """The batch was run with --set: `run NAME` goes to the new address then."""
    old = bench.emulator.base_url
    bench.run("--set", f"providers.cometapi.base_url={old}", "--max-clips", "1")
    bench.manifest.write_text(bench.manifest.read_text("utf-8").replace(old, moved.base_url), "utf-8")
    assert relocate(bench, moved.base_url)[0] == 0
    ended = bench.cli("run", "batch")
    assert ended.code == 0
    assert "was bought at" not in ended.out
