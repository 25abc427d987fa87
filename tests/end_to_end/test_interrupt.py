"""Ctrl-C and a service manager's SIGTERM: the first ends in order, the second at once, and neither buys or loses."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from batchvid.runner.shutdown import SIGNALS
from tests.end_to_end.conftest import Bench, until

INTERRUPTED = 130
QUICK = "providers.cometapi.submits_per_min=60000"
THREE = "  - {id: a, prompt: a kite}\n  - {id: b, prompt: a boat}\n  - {id: c, prompt: a crane}"


@contextmanager
def run_until(bench: Bench, happened: Callable[[], object]) -> Iterator[subprocess.Popen[str]]:
    """A run as a process of its own, once this has happened; killed at the end if it still lives."""
    process = bench.start("run", str(bench.manifest))
    try:
        until(happened)
        yield process
    finally:
        process.kill()
        process.communicate()


def a_later_run_completes(bench: Bench) -> None:
    """Run again as a user would, with nothing in its way: all is stored, and each clip was bought once."""
    bench.emulator.set_faults()
    assert bench.run("--set", QUICK).code == 0
    assert [row["state"] for row in bench.rows()] == ["succeeded"] * 3
    assert [row["attempts"] for row in bench.rows()] == ["1"] * 3
    assert bench.emulator.ledger()["purchases"] == 3
    assert not list(bench.batch.glob("clips/**/*.part*"))


@pytest.fixture
def terminal() -> Iterator[None]:
    """As on a terminal: a suite that `nohup` starts ignores SIGHUP, and its children inherit that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.usefixtures("terminal")
def test_the_first_signal_lets_a_download_end(bench: Bench, number: signal.Signals) -> None:
    """The clip that is on its way is stored, nothing more is bought, exit 130; a later run does the rest."""
    bench.write(THREE, submits_per_min=1)  # the second purchase would come a minute later
    bench.emulator.set_faults({"match": {"step": "download"}, "do": {"slow": 150_000}})
    with run_until(bench, lambda: bench.emulator.ledger()["downloads"]) as process:
        assert not list(bench.batch.glob("clips/**/*.mp4"))
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == INTERRUPTED
    assert f"{number.name}: submitting nothing more" in out
    assert "interrupted; run again to go on" in err
    assert len(list(bench.batch.glob("clips/**/*.mp4"))) == 1
    assert bench.emulator.ledger()["purchases"] == 1
    states = bench.status()["states"]
    assert (states["succeeded"], states["pending"]) == (1, 2)
    a_later_run_completes(bench)


def test_the_second_signal_leaves_at_once(bench: Bench) -> None:
    """A download that would take minutes is left as it is, exit 130; a later run stores every clip."""
    bench.write(THREE, submits_per_min=1)
    bench.emulator.set_faults({"match": {"step": "download"}, "do": {"slow": 1000}})
    with run_until(bench, lambda: bench.emulator.ledger()["downloads"]) as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        next(line for line in process.stdout if "A second signal leaves at once" in line)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    assert process.returncode == INTERRUPTED
    assert "nothing is lost: run again to go on" in out
    assert not list(bench.batch.glob("clips/**/*.mp4"))
    assert bench.emulator.ledger()["purchases"] == 1
    a_later_run_completes(bench)


def test_a_signal_waits_for_the_verdict_of_a_paid_call(bench: Bench) -> None:
    """A submit that is out may be a purchase: its task id is written down before the process ends."""
    bench.write(THREE, submits_per_min=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"delay_s": 1.0}})
    with run_until(bench, lambda: bench.emulator.ledger()["submits"]) as process:
        assert bench.status()["states"]["submitting"] == 1
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == INTERRUPTED
    states = bench.status()["states"]
    assert (states["running"], states["uncertain"], states["pending"]) == (1, 0, 2)
    a_later_run_completes(bench)


def test_a_signal_does_not_wait_for_the_vendor(bench: Bench) -> None:
    """Tasks go on without us: the run ends while all three are unfinished, and a later one collects them."""
    bench.write(THREE)
    bench.emulator.set_faults({"match": {"step": "poll"}, "do": {"unavailable": True}})
    with run_until(bench, lambda: bench.emulator.ledger()["polls"] > 3) as process:
        until(lambda: bench.status()["states"]["running"] == 3)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == INTERRUPTED
    assert bench.status()["states"]["running"] == 3
    a_later_run_completes(bench)


def test_a_signal_between_two_runs_is_no_interruption_of_the_next(bench: Bench) -> None:
    """A run that was interrupted leaves no lock behind: the next one begins at once and says nothing of it."""
    bench.write(THREE, submits_per_min=1)
    with run_until(bench, lambda: bench.emulator.ledger()["purchases"]) as process:
        assert f"pid {process.pid}" in bench.status()["running_as"]
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert bench.status()["running_as"] == ""
    a_later_run_completes(bench)
