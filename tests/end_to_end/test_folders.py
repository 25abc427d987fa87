"""Where a batch is: from any directory a manifest finds its clips, and nothing is bought a second time."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import batchvid
from batchvid.errors import UsageError
from tests.end_to_end.conftest import KEY, Bench, Result, environment
from tests.faults import crash_runner

CLIPS = """\
  - {id: kite, prompt: a kite}
  - {id: boat, prompt: a boat}
"""


@dataclass
class Desk:
    """A project folder with a manifest, another directory, and the command line in either."""

    bench: Bench
    project: Path
    elsewhere: Path
    state_home: Path

    @property
    def manifest(self) -> Path:
        return self.project / "clips.yaml"

    def call(self, cwd: Path, *args: str, **variables: str) -> Result:
        """A command in that directory, in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd)
            for name, value in {"XDG_STATE_HOME": str(self.state_home), **variables}.items():
                patch.setenv(name, value)
            return self.bench.run_cli(args)

    def process(self, cwd: Path, *args: str, **variables: str) -> Result:
        """A command in that directory, as a process of its own."""
        command = [sys.executable, "-m", "batchvid", *args]
        variables = {**environment(), "XDG_STATE_HOME": str(self.state_home), **variables}
        ended = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)
        return Result(ended.returncode, ended.stdout, ended.stderr)

    def bought(self) -> int:
        """Paid calls that the emulator counted."""
        return len(self.bench.emulator.ledger()["tasks"])


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Desk:
    """A manifest of two clips that was never run, and an empty index."""
    project, elsewhere = tmp_path / "the project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    bench.write(CLIPS)
    desk = Desk(bench, project, elsewhere, tmp_path / "state")
    bench.manifest.rename(desk.manifest)
    return desk


def stored(folder: Path) -> int:
    """The number of clips in the folder of a batch."""
    return len(list((folder / "clips").rglob("*.mp4")))


class TestBesideTheManifest:
    """The default folder depends on the manifest, not on the working directory."""

    def test_two_directories(self, desk: Desk) -> None:
        """Run from one directory and again from another: one batch, bought once; paths are usable from each."""
        first = desk.process(desk.elsewhere, "run", "../the project/clips.yaml")
        folder = desk.project / "outputs" / "clips"
        assert (first.code, stored(folder), desk.bought()) == (0, 2, 2)
        assert f"report: {folder}/report.csv" in first.out
        second = desk.process(desk.project, "run", "clips.yaml")
        assert (second.code, desk.bought()) == (0, 2)
        assert "report: outputs/clips/report.csv" in second.out
        assert list(desk.elsewhere.iterdir()) == []

    def test_cron(self, desk: Desk) -> None:
        """The small environment of cron, another directory, no home: the batch is the same."""
        assert desk.process(desk.project, "run", "clips.yaml").code == 0
        small = {"PATH": os.environ["PATH"], "PYTHONPATH": environment()["PYTHONPATH"], "TEST_KEY": KEY}
        command = [sys.executable, "-m", "batchvid", "run", str(desk.manifest)]
        ended = subprocess.run(command, cwd="/", env=small, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr, desk.bought()) == (0, "", 2)

    def test_a_link_counts_where_it_is(self, desk: Desk) -> None:
        """The folder of the link is used; what the file it leads to has bought elsewhere is not bought again."""
        link = desk.elsewhere / "clips.yaml"
        link.symlink_to(desk.manifest)
        assert desk.call(desk.project, "run", str(link)).code == 0
        assert stored(desk.elsewhere / "outputs" / "clips") == 2
        refused = desk.call(desk.project, "run", "clips.yaml")
        assert (refused.code, desk.bought()) == (2, 2)

    def test_a_pipe_has_no_folder(self, desk: Desk) -> None:
        """A manifest from a pipe goes below the working directory, each time it is run there."""
        manifest = desk.manifest.read_text("utf-8") + "\nbatch: piped\n"
        for cwd, total in ((desk.elsewhere, 2), (desk.elsewhere, 2), (desk.project, 4)):
            line = f'"{sys.executable}" -m batchvid run /dev/stdin'
            variables = {**environment(), "XDG_STATE_HOME": str(desk.state_home)}
            ended = subprocess.run(["/bin/sh", "-c", line], input=manifest, cwd=cwd, env=variables, text=True)
            assert (ended.returncode, stored(cwd / "outputs" / "piped"), desk.bought()) == (0, 2, total)


class TestOtherDirectories:
    """--out, BATCHVID_OUT and a project file, in this order."""

    def test_order(self, desk: Desk) -> None:
        """Each wins over those after it; a relative one of the file is relative to the file."""
        (desk.project.parent / "batchvid.toml").write_text('out = "renders"\n', "utf-8")
        out = ["--out", "here"]
        variable = {"BATCHVID_OUT": str(desk.project / "there")}
        folders = (
            (desk.process(desk.elsewhere, "run", str(desk.manifest), *out, **variable), desk.elsewhere / "here"),
            (
                desk.process(desk.elsewhere, "run", str(desk.manifest), "--new-batch", **variable),
                desk.project / "there",
            ),
            (desk.process(desk.elsewhere, "run", str(desk.manifest), "--new-batch"), desk.project.parent / "renders"),
        )
        for result, folder in folders:
            assert (result.code, stored(folder / "clips")) == (0, 2)
        assert not (desk.project / "outputs").exists()

    def test_the_nearest_project_file(self, desk: Desk) -> None:
        """A file without `out` is passed over; one beside the manifest wins over one above."""
        (desk.project.parent / "batchvid.toml").write_text('out = "renders"\n', "utf-8")
        (desk.project / "batchvid.toml").write_text("[models]\n", "utf-8")
        assert "../renders" not in desk.call(desk.project, "run", "clips.yaml").out
        assert stored(desk.project.parent / "renders" / "clips") == 2
        (desk.project / "batchvid.toml").write_text('out = "mine"\n', "utf-8")
        refused = desk.call(desk.project, "plan", "clips.yaml")
        assert (refused.code, desk.bought()) == (2, 2)
        assert "In mine/clips every clip would be bought again" in refused.err

    def test_a_project_file_that_is_wrong(self, desk: Desk) -> None:
        """It is named, with the key that was meant; nothing is bought into another folder."""
        (desk.project.parent / "batchvid.toml").write_text('output = "renders"\n', "utf-8")
        refused = desk.call(desk.project, "run", "clips.yaml")
        assert (refused.code, desk.bought()) == (2, 0)
        assert "batchvid.toml: output: unknown key; did you mean out? Allowed: out, models, providers" in refused.err

    def test_python_obeys_the_same_rules(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """The folder beside the manifest, a project file, the variable, the argument; and the same refusal."""
        monkeypatch.setenv("XDG_STATE_HOME", str(desk.state_home))
        monkeypatch.chdir(desk.elsewhere)
        batch = batchvid.load(desk.manifest)
        assert batch.folder == desk.project / "outputs" / "clips"
        assert batchvid.run(batch).exit_code == 0
        (desk.project / "batchvid.toml").write_text('out = "renders"\n', "utf-8")
        assert batchvid.load(desk.manifest).folder == desk.project / "renders" / "clips"
        monkeypatch.setenv("BATCHVID_OUT", "there")
        assert batchvid.load(desk.manifest).folder == Path("there/clips")
        moved = batchvid.load(desk.manifest, out="here")
        assert moved.folder == Path("here/clips")
        for act in (batchvid.plan, batchvid.run, batchvid.retry):
            with pytest.raises(UsageError, match="to continue"):
                act(moved)
        assert desk.bought() == 2
        again = batchvid.load(desk.manifest, out="here", new_batch=True)
        assert (batchvid.run(again).exit_code, desk.bought()) == (0, 4)


class TestOldDefault:
    """`outputs` in the working directory, where older versions put a batch."""

    def test_it_is_continued(self, desk: Desk) -> None:
        """Found by what its state file says, also without the index; the notice's command moves it."""
        assert desk.process(desk.elsewhere, "run", str(desk.manifest), "--out", "outputs").code == 0
        shutil.rmtree(desk.state_home)
        for command in ("plan", "run"):
            shown = desk.process(desk.elsewhere, command, str(desk.manifest))
            assert (shown.code, desk.bought()) == (0, 2)
            assert "outputs/clips is continued: this manifest was run into it" in shown.out
        (line,) = [line for line in shown.out.splitlines() if "To move this one: " in line]
        subprocess.run(["/bin/sh", "-ec", line.partition("To move this one: ")[2]], cwd=desk.elsewhere, check=True)
        after = desk.process(desk.elsewhere, "run", str(desk.manifest))
        assert (after.code, desk.bought(), stored(desk.project / "outputs" / "clips")) == (0, 2, 2)
        assert "is continued" not in after.out + after.err

    def test_of_another_manifest_it_is_left_alone(self, desk: Desk) -> None:
        """A batch of the same name that another manifest was run into."""
        copy = desk.elsewhere / "clips.yaml"
        shutil.copy(desk.manifest, copy)
        assert desk.call(desk.elsewhere, "run", "clips.yaml").code == 0
        assert desk.call(desk.elsewhere, "run", str(desk.manifest)).code == 0
        assert (desk.bought(), stored(desk.project / "outputs" / "clips")) == (4, 2)


class TestRunElsewhere:
    """A manifest that was run into another folder is refused before anything is bought."""

    @pytest.fixture
    def ran(self, desk: Desk) -> Desk:
        """The manifest was run into a folder of its own."""
        assert desk.call(desk.project, "run", "clips.yaml", "--out", "my renders").code == 0
        return desk

    @pytest.mark.parametrize("command", ["plan", "run", "retry"])
    def test_it_is_refused(self, ran: Desk, command: str) -> None:
        """Plan gives the verdict of run. The two commands that the message shows work as they stand."""
        refused = ran.process(ran.elsewhere, command, "../the project/clips.yaml")
        assert (refused.code, refused.out, ran.bought()) == (2, "", 2)
        assert list(ran.elsewhere.iterdir()) == []
        assert not (ran.project / "outputs").exists()
        lines = [line.partition(": ")[2].strip() for line in refused.err.splitlines()]
        proceed, again = (line.replace("batchvid", f"{sys.executable} -m batchvid", 1) for line in lines[1:3])
        variables = {**environment(), "XDG_STATE_HOME": str(ran.state_home)}
        assert subprocess.run(["/bin/sh", "-c", proceed], cwd=ran.elsewhere, env=variables).returncode == 0
        assert ran.bought() == 2
        assert subprocess.run(["/bin/sh", "-c", again], cwd=ran.elsewhere, env=variables).returncode == 0
        assert (ran.bought(), stored(ran.project / "outputs" / "clips")) == (4, 2)
        assert ran.call(ran.elsewhere, "run", str(ran.manifest)).code == 0  # each batch goes on in its folder
        assert ran.bought() == 4

    def test_validate_is_about_the_manifest(self, ran: Desk) -> None:
        """It gives the same verdict wherever the batch is."""
        assert ran.call(ran.elsewhere, "validate", str(ran.manifest)).code == 0

    def test_another_name_is_another_batch(self, ran: Desk) -> None:
        """A second batch under its own name is no conflict, but `plan` and `run` say that all is bought again."""
        for command in ("plan", "run"):
            shown = ran.call(ran.elsewhere, command, str(ran.manifest), "--set", "batch=second")
            assert shown.code == 0
            assert "was run as batch clips into" in shown.out + shown.err
            assert "every clip is bought" in shown.out + shown.err
        assert "was run as" not in ran.call(ran.elsewhere, "plan", str(ran.manifest), "--set", "batch=second").out
        assert (ran.bought(), stored(ran.project / "outputs" / "second")) == (4, 2)

    def test_a_copy_is_another_manifest(self, ran: Desk) -> None:
        """The same text at another path is no conflict."""
        shutil.copy(ran.manifest, ran.elsewhere)
        assert ran.call(ran.elsewhere, "run", "clips.yaml").code == 0
        assert ran.bought() == 4

    def test_a_manifest_that_was_moved_is_the_same(self, ran: Desk) -> None:
        """Its new place would get a folder of its own: it is recognized by its inode."""
        ran.manifest.rename(ran.elsewhere / "clips.yaml")
        refused = ran.call(ran.elsewhere, "run", "clips.yaml")
        assert (refused.code, ran.bought()) == (2, 2)
        assert f"--out '{ran.project}/my renders'" in refused.err

    def test_a_project_that_was_moved_is_no_conflict(self, desk: Desk) -> None:
        """The manifest and its folder are both at the new place: the batch goes on there."""
        assert desk.call(desk.project, "run", "clips.yaml").code == 0
        moved = desk.project.rename(desk.elsewhere / "moved")
        assert desk.call(moved, "run", "clips.yaml").code == 0
        assert desk.bought() == 2

    def test_a_folder_that_was_moved_away_is_no_conflict(self, ran: Desk) -> None:
        """Its state file is gone, so the manifest may begin again."""
        (ran.project / "my renders").rename(ran.elsewhere / "archive")
        assert ran.call(ran.project, "run", "clips.yaml").code == 0
        assert ran.bought() == 4

    def test_the_index_of_an_older_version(self, ran: Desk) -> None:
        """It names the folder only; the manifest stands in the state file there."""
        index = ran.state_home / "batchvid" / "index.sqlite3"
        with closing(sqlite3.connect(index)) as connection:
            connection.executescript("DROP TABLE manifests; PRAGMA user_version = 0;")
        refused = ran.call(ran.elsewhere, "run", str(ran.manifest))
        assert (refused.code, ran.bought()) == (2, 2)
        assert f"--out '{ran.project}/my renders'" in refused.err

    @pytest.mark.parametrize("command", ["status", "report"])
    def test_what_buys_nothing_finds_it(self, ran: Desk, command: str) -> None:
        """By its manifest, from anywhere."""
        shown = ran.call(ran.elsewhere, command, str(ran.manifest))
        assert shown.code == 0
        assert f"{ran.project}/my renders/clips" in shown.out

    def test_a_broken_manifest_is_collected(self, ran: Desk) -> None:
        """What it bought elsewhere is fetched."""
        ran.manifest.write_text("clips: [", "utf-8")
        collected = ran.call(ran.elsewhere, "run", str(ran.manifest), "--collect-only")
        assert collected.code == 0
        assert f"collecting what was bought into {ran.project}/my renders/clips" in collected.err

    @pytest.mark.parametrize("trouble", ["no home", "a file in the way", "no database"])
    def test_without_the_index_nothing_fails(self, ran: Desk, trouble: str) -> None:
        """A run in the same folder goes on without a word about it."""
        folder = ran.state_home / "batchvid"
        shutil.rmtree(ran.state_home)
        if trouble == "a file in the way":
            ran.state_home.write_text("", "utf-8")
        elif trouble == "no database":
            folder.mkdir(parents=True)
            (folder / "index.sqlite3").write_bytes(b"rubbish" * 500)
        variables = {"HOME": "/nonexistent", "XDG_STATE_HOME": ""} if trouble == "no home" else {}
        again = ran.call(ran.project, "run", "clips.yaml", "--out", "my renders", **variables)
        assert (again.code, again.err, ran.bought()) == (0, "", 2)

    @pytest.mark.skipif(sys.platform != "linux", reason="rights are given up by a Linux call")
    def test_an_index_that_may_only_be_read(self, ran: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """It still tells where the manifest was run."""
        folder = ran.state_home / "batchvid"
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555)
        monkeypatch.chdir(ran.elsewhere)
        monkeypatch.setenv("XDG_STATE_HOME", str(ran.state_home))
        monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
        code, output = crash_runner.told_without_rights(["run", str(ran.manifest)], ran.elsewhere / "log.txt")
        assert (code, ran.bought()) == (2, 2)
        assert "to continue" in output


class TestNames:
    """A batch is found by its name: below --out, in the project's directory, in outputs here, in the index."""

    COMMANDS = (
        ["plan", "clips"],
        ["validate", "clips"],
        ["run", "clips"],
        ["retry", "clips"],
        ["status", "clips"],
        ["report", "clips"],
        ["resolve", "--batch", "clips"],
        ["cancel", "clips"],
        ["run", "clips", "--collect-only"],
    )

    def test_from_anywhere(self, desk: Desk) -> None:
        """Every command with a target finds it in the index."""
        assert desk.call(desk.project, "run", "clips.yaml").code == 0
        for args in self.COMMANDS:
            assert desk.call(desk.elsewhere, *args).code == 0, args
        assert desk.bought() == 2
        refused = desk.call(desk.elsewhere, "accept", "clips", "kite")
        assert (refused.code, "job kite is succeeded" in refused.err) == (2, True)
        relocated = desk.call(desk.elsewhere, "relocate", "clips", "--from", "http://127.0.0.1:1", "--to", "http://x")
        assert "no job of this batch is at http://127.0.0.1:1" in relocated.err
        assert "2 clips to buy" not in (doctor := desk.call(desk.elsewhere, "doctor", "clips")).out
        assert "manifest: 0 clips to buy" in doctor.out

    def test_in_the_project(self, desk: Desk) -> None:
        """Without an index: from a folder below the project file."""
        (desk.project / "batchvid.toml").write_text('out = "renders"\n', "utf-8")
        assert desk.call(desk.project, "run", "clips.yaml").code == 0
        shutil.rmtree(desk.state_home)
        below = desk.project / "notes"
        below.mkdir()
        assert f"{desk.project}/renders/clips: 2 jobs" in desk.call(below, "status", "clips").out
        assert f"{desk.project}/renders/clips: 2 jobs" in desk.call(below, "status").out

    def test_two_hits_are_listed(self, desk: Desk) -> None:
        """Nothing is done with either until its folder is given; --out names one."""
        shutil.copy(desk.manifest, desk.elsewhere)
        for cwd in (desk.project, desk.elsewhere):
            assert desk.call(cwd, "run", "clips.yaml").code == 0
        for args in self.COMMANDS:
            refused = desk.call(desk.elsewhere, *args)
            assert refused.code == 2
            assert f"  outputs/clips\n  '{desk.project}/outputs/clips'\n" in refused.err
        assert desk.bought() == 4
        assert desk.call(desk.elsewhere, "status", "outputs/clips").code == 0
        assert desk.call(desk.elsewhere, "status", "clips", "--out", str(desk.project / "outputs")).code == 0
        out = {"BATCHVID_OUT": str(desk.project / "outputs")}
        assert desk.call(desk.elsewhere, "status", "clips", **out).code == 0

    def test_near_misses(self, desk: Desk) -> None:
        """At most five manifests here and known batches."""
        assert desk.call(desk.project, "run", "clips.yaml", "--set", "batch=kites").code == 0
        for number in range(7):
            shutil.copy(desk.manifest, desk.project / f"clips{number}.yaml")
        missed = desk.call(desk.project, "run", "clps")
        assert (missed.code, missed.err.count(".yaml")) == (2, 5 + 1)  # and "neither a manifest (*.yaml)"
        assert "did you mean clips.yaml or " in missed.err
        assert "did you mean kites?" in desk.call(desk.elsewhere, "run", "kits").err
        missed = desk.call(desk.project, "plan", "clps.yaml")
        assert (missed.code, "clps.yaml: there is no such file; did you mean clips.yaml" in missed.err) == (2, True)
        assert desk.bought() == 2

    def test_without_a_name(self, desk: Desk) -> None:
        """The only batch here; elsewhere the known ones are named."""
        assert desk.call(desk.project, "run", "clips.yaml").code == 0
        assert "outputs/clips: 2 jobs" in desk.call(desk.project, "status").out
        refused = desk.call(desk.elsewhere, "status")
        assert (refused.code, "which batch? below outputs/ there are: none yet" in refused.err) == (2, True)
        assert "elsewhere, for example: clips" in refused.err


@pytest.fixture
def complete(desk: Desk) -> Callable[..., list[str]]:
    """What bash gets for these words in a directory; nothing is ever printed beside it."""

    def call(cwd: Path, *words: str) -> list[str]:
        variables = {
            "_BATCHVID_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("batchvid", *words)),
            "COMP_CWORD": str(len(words)),
        }
        act = desk.process if "cancel" in words else desk.call
        result = act(cwd, **variables)
        assert result.err == ""
        return [line.partition(",")[2] for line in result.out.splitlines() if line]

    return call


def test_completion(desk: Desk, complete: Callable[..., list[str]]) -> None:
    """Manifests, names of batches, job ids and kinds; an unreadable state file completes nothing."""
    assert desk.call(desk.project, "run", "clips.yaml", "--set", "batch=clouds").code == 0
    assert complete(desk.project, "run", "cl") == ["clips.yaml", "clouds"]
    assert complete(desk.elsewhere, "status", "cl") == ["clouds"]
    assert complete(desk.elsewhere, "cancel", "clouds", "k") == ["kite"]
    assert complete(desk.elsewhere, "accept", "clouds", "b") == ["boat"]
    assert complete(desk.elsewhere, "resolve", "--batch", "clouds", "") == ["kite", "boat"]
    assert complete(desk.elsewhere, "retry", "clouds", "--kind", "time") == ["timeout"]
    (desk.project / "outputs" / "clouds" / "state.sqlite3").write_bytes(b"rubbish" * 500)
    assert complete(desk.elsewhere, "cancel", "clouds", "k") == []
