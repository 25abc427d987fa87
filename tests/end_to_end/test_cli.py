"""The command line as people and scripts meet it: exit codes, what is printed and where, and what is never printed."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from batchvid.cli.main import group
from batchvid.emulator import Settings
from batchvid.manifest.schema.models import ManifestModel
from batchvid.renamed_keys import MANIFEST_KEYS
from batchvid.version import __version__
from tests.builders import offered, unsold
from tests.end_to_end.conftest import KEY, Bench, Result, environment, until

Cli = Callable[[Sequence[str]], Result]

KITE = "  - {id: kite, prompt: a paper kite}"
JSON_TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
HOSTILE = "\x1b]0;owned\x07\x1b[2Jrude\r\x08\x00\x9b2J\nINFO all is well"


@pytest.mark.parametrize("command", [[], *([name] for name in group.commands)], ids=lambda command: "".join(command))
def test_every_command_explains_itself(run_cli: Cli, command: list[str]) -> None:
    """--help exits 0, on standard output, with a sentence on what the command does."""
    result = run_cli([*command, "--help"])
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: batchvid {' '.join(command)}".rstrip())
    assert len(result.out.splitlines()) > 4


@pytest.mark.parametrize("command", [["fly"], ["run"], ["run", "--fast", "m.yaml"], ["plan", "gone.yaml"]])
def test_what_cannot_be_is_a_usage_error(run_cli: Cli, command: list[str]) -> None:
    """Exit 2, reported on standard error in a line or two, never as a traceback."""
    result = run_cli(command)
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err
    assert result.err.strip()


class TestWhileAnotherRunIsAtWork:
    """One process holds the batch; others look."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="seconds:60", render="shared", api_key=KEY)

    @pytest.fixture
    def holder(self, bench: Bench) -> Iterator[subprocess.Popen[str]]:
        """A run that has bought a clip and waits for it; killed in the end."""
        bench.write(KITE)
        process = bench.start("run", str(bench.manifest))
        until(lambda: bench.emulator.ledger()["purchases"])
        yield process
        process.kill()
        process.communicate()

    def test_status_answers_and_names_the_holder(self, bench: Bench, holder: subprocess.Popen[str]) -> None:
        """What is under way and who is at it; once that process has died, nobody is."""
        who = f"pid {holder.pid} on {socket.gethostname()}"
        until(lambda: bench.status()["states"]["running"] == 1)
        assert who in bench.status()["running_as"]
        shown = bench.cli("status", "batch")
        assert shown.code == 0
        assert who in shown.out
        assert "1 running" in shown.out
        assert bench.cli("report", "batch").code == 0
        assert [row["state"] for row in bench.rows()] == ["running"]
        holder.kill()
        holder.communicate()
        assert bench.status()["running_as"] == ""
        assert "no run is active" in bench.cli("status", "batch").out

    @pytest.mark.parametrize("command", ["run", "retry"])
    def test_a_second_run_is_refused(self, bench: Bench, holder: subprocess.Popen[str], command: str) -> None:
        """Exit 4, naming who holds the file; nothing is sent, and the first goes on."""
        refused = bench.cli(command, str(bench.manifest))
        assert refused.code == 4
        assert f"pid {holder.pid} on {socket.gethostname()}" in refused.err
        assert "Nothing was done here" in refused.err
        assert bench.emulator.ledger()["submits"] == 1
        assert holder.poll() is None


@pytest.mark.parametrize(
    "rule",
    [
        {"outcome": "fail", "message": HOSTILE},
        {"auth": True, "message": HOSTILE},
        {"invalid": True, "message": HOSTILE},
        {"unavailable": True, "status": 503, "after": True, "message": HOSTILE},
    ],
    ids=["failed", "stopped", "refused", "uncertain"],
)
def test_a_log_holds_no_control_characters(bench: Bench, rule: dict[str, Any]) -> None:
    """Whatever a vendor's message holds, run, status and plan write plain lines to a file."""
    bench.write(KITE)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": rule})
    code, log = bench.logged("run", str(bench.manifest))
    assert code in (1, 5, 6)
    assert b"owned" in log
    for command in ("status", "plan"):
        log += bench.logged(command, str(bench.manifest))[1]
    assert {character for character in log.decode() if not character.isprintable()} == {"\n"}


def test_a_good_run_is_plain_lines_too(bench: Bench) -> None:
    """A cron log of a run: dated lines and one of the sum, no bar; the report's place is named."""
    bench.write(KITE)
    code, log = bench.logged("run", str(bench.manifest))
    lines = log.decode().splitlines()
    assert (code, len(lines)) == (0, 2)
    assert "kite: stored clips/kite/kite.mp4 (4.0 s, 1280x720) [1/1" in lines[0]
    assert lines[1] == "1 succeeded; report: outputs/batch/report.csv"  # below the working directory
    assert min(log) == ord("\n")


def test_a_missing_key_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 with the variable that should hold it; no request is sent, and plan needs none."""
    bench.write(KITE)
    monkeypatch.delenv("TEST_KEY")
    assert bench.cli("plan", str(bench.manifest)).code == 0
    refused = bench.run()
    assert refused.code == 2
    assert "set TEST_KEY in the environment or in a .env file" in refused.err
    ledger = bench.emulator.ledger()
    assert (ledger["submits"], ledger["polls"], ledger["downloads"]) == (0, 0, 0)
    (bench.folder / ".env").write_text(f"TEST_KEY={KEY}\n", "utf-8")
    assert bench.run().code == 0


def test_the_key_is_nowhere(bench: Bench) -> None:
    """Neither what a run and its failures print nor any file that they leave holds it, though vendors quote it."""
    quoting = f"Incorrect API key provided: {KEY}. Yours: Bearer {KEY}"
    bench.write(f"{KITE}\n  - {{id: rude, prompt: rude}}\n  - {{id: lost, prompt: lost}}")
    bench.emulator.set_faults(
        {"match": {"step": "submit", "prompt": "rude"}, "do": {"moderation": True, "message": quoting}},
        {"match": {"step": "submit", "prompt": "lost"}, "do": {"reset_after": True}},
    )
    output = bench.logged("run", str(bench.manifest))[1]
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"auth": True, "message": quoting}})
    for command, *more in (("plan",), ("retry", "--kind", "moderation_input"), ("status",), ("report",)):
        output += bench.logged(command, str(bench.manifest), *more)[1]
    files = [path for path in bench.folder.rglob("*") if path.is_file()]
    assert {"report.csv", "run.log", "state.sqlite3", "kite.mp4.json"} <= {path.name for path in files}
    assert output.count(b"Incorrect API key provided") > 3
    assert KEY.encode() not in output
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []
    assert bench.emulator.ledger()["key_leaks"] == 0


def test_resolve_knows_its_jobs(bench: Bench) -> None:
    """An unknown job, a batch that is not there, both or none of the two answers: exit 2, and nothing changes."""
    bench.write(KITE)
    assert bench.run().code == 0
    unknown = bench.cli("resolve", "kiet", "--abandon", "--batch", "batch")
    assert unknown.code == 2
    assert "there is no job 'kiet'" in unknown.err
    assert bench.cli("resolve", "kite", "--abandon", "--batch", "gone").code == 2
    assert bench.cli("resolve", "kite", "--batch", "batch").code == 2
    assert bench.cli("resolve", "kite", "--abandon", "--task-id", "t", "--batch", "batch").code == 2
    assert bench.status()["states"]["succeeded"] == 1


def test_a_batch_can_be_called_by_its_folder(bench: Bench) -> None:
    """Its name, its folder and its state file all mean the manifest that it came from, as that is now."""
    bench.write(KITE)
    assert bench.run().code == 0
    bench.write(f"{KITE}\n  - {{id: boat, prompt: a boat}}")
    for name in ("batch", str(bench.batch), str(bench.batch / "state.sqlite3")):
        assert bench.cli("run", name).code == 0
    assert [row["id"] for row in bench.rows()] == ["kite", "boat"]
    assert bench.emulator.ledger()["purchases"] == 2
    bench.manifest.unlink()
    gone = bench.cli("run", "batch")
    assert gone.code == 2
    assert str(bench.manifest) in gone.err
    assert bench.cli("run", "gone").code == 2


def test_a_dry_run_sends_nothing(bench: Bench) -> None:
    """It shows what a run would buy and for how much, and leaves no file behind."""
    bench.write(KITE)
    shown = bench.run("--dry-run")
    assert shown.code == 0
    assert "to buy: 1 clips, 4 s, $0.20" in shown.out
    assert shown.out == bench.cli("plan", str(bench.manifest)).out
    assert bench.emulator.ledger()["submits"] == 0
    assert not bench.batch.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run_cli: Cli, shell: str) -> None:
    """A script that the shell evaluates, and only that."""
    result = run_cli(["completion", shell])
    assert (result.code, result.err) == (0, "")
    assert "_BATCHVID_COMPLETE" in result.out
    assert f"{shell}_complete" in result.out


def test_the_schema_is_one_that_editors_take(run_cli: Cli) -> None:
    """Valid JSON Schema: known types only, every reference leads somewhere, and every key of a manifest is there."""
    result = run_cli(["schema"])
    schema = json.loads(result.out)
    nodes = list(_objects(schema))
    assert {node["type"] for node in nodes if isinstance(node.get("type"), str)} <= JSON_TYPES
    assert {node["$ref"] for node in nodes if "$ref" in node} == {f"#/$defs/{name}" for name in schema["$defs"]}
    assert result.code == 0
    assert (schema["type"], schema["additionalProperties"], schema["required"]) == ("object", False, ["clips"])
    deprecated = {key for key, value in schema["properties"].items() if value.get("deprecated")}
    assert set(schema["properties"]) - deprecated == set(ManifestModel.model_fields)
    assert deprecated == set(MANIFEST_KEYS)


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in it, itself included."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _objects(inner)


def test_models_lists_all_there_are(run_cli: Cli) -> None:
    """Every model of the catalogue with --all, else what providers sell; each in a line of its own for each of them."""
    result = run_cli(["models", "--all"])
    assert result.code == 0
    names = [name for name, _provider in offered()]
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == [*names, *unsold()]
    sold = run_cli(["models"])
    assert [line.split()[0] for line in sold.out.splitlines()[1:]] == names
    assert f"{len(unsold())} more in wire formats that no configured provider speaks" in sold.err
    one = run_cli(["models", "--provider", "cometapi"])
    assert [line.split()[0] for line in one.out.splitlines()[1:]] == [n for n, p in offered() if p == "cometapi"]


def test_a_first_manifest_can_be_planned(run_cli: Cli, bench: Bench) -> None:
    """`init` writes one that holds, and never writes over one that is there."""
    assert run_cli(["init", "spring.yaml"]).code == 0
    before = Path("spring.yaml").read_bytes()
    assert bench.cli("validate", "spring.yaml").code == 0
    again = run_cli(["init", "spring.yaml"])
    assert again.code == 2
    assert "spring.yaml exists already" in again.err
    assert Path("spring.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ("spring", "spring.yaml"),
        ("spring.yml", "spring.yml"),
        ("v1.2", "v1.2.yaml"),
        ("spring kites: 夕", "spring kites: 夕.yaml"),
    ],
)
def test_a_first_manifest_may_have_any_name(run_cli: Cli, bench: Bench, asked: str, made: str) -> None:
    """The file is named as asked, the batch so that it can be a folder, and the next command can be pasted."""
    result = run_cli(["init", asked])
    assert result.code == 0
    assert Path(made).is_file()
    assert shlex.split(result.out.partition("Next: ")[2]) == ["batchvid", "plan", made]
    assert shlex.quote(made) in Path(made).read_text("utf-8")
    assert bench.cli("validate", made).code == 0


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    """`python -m batchvid --version`, from any folder."""
    command = [sys.executable, "-m", "batchvid", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"batchvid, version {__version__}\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_emulator_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    """It says where it listens, takes the dials that were set, and ends with 0 and without a word."""
    command = [sys.executable, "-m", "batchvid", "emulator", "--port", "0", "--set", "seed=7"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
    ) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().split()[0]
            with urllib.request.urlopen(f"{base_url}/_emulator/ledger") as reply:
                assert json.load(reply)["purchases"] == 0
            process.send_signal(number)
            assert process.communicate() == ("", "")
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "wrong", [["--life", "slow"], ["--set", "seed"], ["--set", "sede=7"], ["--faults", "gone.json"]]
)
def test_the_emulators_dials_are_checked(run_cli: Cli, wrong: list[str]) -> None:
    """A dial that cannot be: exit 2 before anything listens."""
    result = run_cli(["emulator", "--port", "0", *wrong])
    assert result.code == 2
    assert result.err.strip()
