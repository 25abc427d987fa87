"""The README and ARCHITECTURE.md know every command, state, exit code, column and key; their examples run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click
import pytest

from batchvid import commands, errors
from batchvid.cli.main import group
from batchvid.dialects import DIALECTS, gateway, kling
from batchvid.domain.attempts import AttemptStatus as LedgerVerdict
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import TRANSITIONS, JobState
from batchvid.manifest import ManifestModel
from batchvid.manifest.schema.field_types import ACTIONS
from batchvid.manifest.schema.models import BatchBudget, ClipEntry, Provider
from batchvid.planning.dependencies import ANY_PARENT
from batchvid.planning.plan import PlanAction
from batchvid.planning.routing import build_order, find_route
from batchvid.report import COLUMNS, LEDGER_COLUMNS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "batchvid" / "ARCHITECTURE.md").read_text("utf-8")


def diagram() -> str:
    """The job's life as a mermaid state diagram, made from the table of transitions."""
    edges = [
        f"    {before or '[*]'} --> {after}: {event.__name__}"
        for event, moves in TRANSITIONS.items()
        for before, afters in moves.items()
        for after in afters
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *edges, "```"])


def call_of(spec: JobSpec, batch: commands.Batch) -> tuple[str, str]:
    """The wire format of a job, and the paid call that it becomes: its path, and the gateway's mode."""
    route = find_route(spec, batch.providers, batch.models)
    parent = ANY_PARENT if spec.parent else None
    order = build_order(spec, model=route.model.name, terms=route.terms, parent=parent)
    request = DIALECTS[route.model.dialect].submit(order)
    mode = (request.json or {}).get("mode") if route.model.dialect == "gateway" else None
    path = f"`{route.prefix}{request.path.replace(f'/{ANY_PARENT.task_id}/', '/ID/')}`"
    return route.model.dialect, f"{path} `{mode}`" if mode else path


def route_table() -> str:
    """What manifests/every-route.yaml asks for, as the README's table."""
    batch = commands.load(ROOT / "manifests" / "every-route.yaml", out=ROOT / "outputs")
    rows = ["| entry | wire format | from | model | call |", "|---|---|---|---|---|"]
    for placed in batch.manifest.jobs:
        spec = placed.spec
        roles = {image.role for image in spec.images}
        kind = spec.action or (
            "references" if "reference" in roles else "first and last frame" if "last" in roles else
            "image" if roles else "text"
        )  # fmt: skip
        if spec.parent:
            kind += f" {'of' if spec.action else 'and'} `{spec.parent}`"
        dialect, call = call_of(spec, batch)
        rows.append(f"| `{spec.id}` | {dialect} | {kind} | `{spec.model}` | {call} |")
    return "\n".join(rows)


def test_the_route_table_is_made_from_the_manifest() -> None:
    """The README shows what manifests/every-route.yaml asks for, entry by entry."""
    assert route_table() in README


def test_the_route_table_leaves_no_kind_of_call_out() -> None:
    """Every Kling resource, every mode of the gateway's page and every action stand in it."""
    table = route_table()
    modes = {mode for needs in gateway.NEEDS.values() for mode in needs} | {"t2v"}
    assert [kind for kind in kling.SPOKEN if f"`/kling/v1/videos/{kind}`" not in table] == []
    assert [mode for mode in modes if f"`/gateway/v1/videos` `{mode}`" not in table] == []
    assert [action for action in ACTIONS if f"| {action} of " not in table] == []


@pytest.mark.parametrize("name", sorted(group.commands))
def test_every_command_is_in_the_readme_and_has_a_help_text(name: str) -> None:
    """`batchvid NAME` stands in the README, and its help says what it does."""
    assert f"`batchvid {name}" in README
    assert group.commands[name].get_short_help_str()


def test_every_option_explains_itself() -> None:
    """No option is without a help text."""
    silent = [
        f"{command.name} {option.name}"
        for command in group.commands.values()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


@pytest.mark.parametrize("word", [*JobState, *FailureKind, *LedgerVerdict])
def test_every_state_failure_kind_and_verdict_is_in_the_readme(word: str) -> None:
    """A word that a user can meet is explained."""
    assert f"`{word}`" in README


@pytest.mark.parametrize("column", [*COLUMNS, *LEDGER_COLUMNS])
def test_every_report_column_is_in_the_readme(column: str) -> None:
    """A column that a user can meet is explained."""
    assert f"`{column}`" in README


@pytest.mark.parametrize(
    "key",
    [
        *ManifestModel.model_fields,
        *BatchBudget.model_fields,
        *ClipEntry.model_fields,
        *Provider.model_fields,
    ],
)
def test_every_manifest_key_is_in_the_readme(key: str) -> None:
    """A key that a user can write is explained."""
    assert f"`{key}`" in README


def test_every_exit_code_is_in_the_readme() -> None:
    """The codes of the error tree and of a run's end stand in the table."""
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.BatchvidError)
    }
    for code in sorted(codes | {0, 3, 5, 6, 130}):
        assert re.search(rf"^\| {code} \|", README, re.MULTILINE)


def test_the_error_tree_is_drawn_whole() -> None:
    """Every error class stands in the picture at the top of errors.py with its exit code."""
    drawn = dict(re.findall(r"(\w+) +(\d+)(?:  |$)", errors.__doc__ or "", re.MULTILINE))
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.BatchvidError)
    }
    assert {name: str(kind.exit_code) for name, kind in classes.items()} == drawn


def test_the_state_diagram_is_made_from_the_table() -> None:
    """ARCHITECTURE.md shows the transitions as they are."""
    assert diagram() in ARCHITECTURE


def test_the_readmes_yaml_example_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest of the README, saved beside the sample files, is valid as it stands and plans what it says."""
    example = re.search(r"```yaml\n(# example: everything\n.*?)```", README, re.DOTALL)
    assert example
    for name in ("pictures", "products.csv"):
        source = ROOT / "manifests" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "everything.yaml").write_text(example[1], "utf-8")
    plan = commands.plan(commands.load(tmp_path / "everything.yaml", out=tmp_path))
    assert plan.counts == {PlanAction.NEW: 6 + 2 + 2 + 1}


def test_the_readmes_example_of_parents_plans(tmp_path: Path) -> None:
    """Each job of the example waits for the one that the text says."""
    example = re.search(r"```yaml\n(# example: a clip made from a clip\n.*?)```", README, re.DOTALL)
    assert example
    (tmp_path / "m.yaml").write_text(example[1], "utf-8")
    plan = commands.plan(commands.load(tmp_path / "m.yaml", out=tmp_path))
    waits = {job.spec.id: job.reason.partition("; ")[2] for job in plan.to_buy}
    assert waits == {
        "kite_wheat": "",
        "kite_poppy": "",
        "longer-wheat": "waits for kite_wheat",
        "longer-poppy": "waits for kite_poppy",
        "longest": "waits for longer-wheat",
    }


def test_the_readmes_catalogue_example_counts(tmp_path: Path) -> None:
    """The file of the README, saved beside a manifest, brings its model and its provider."""
    example = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert example
    (tmp_path / "batchvid.toml").write_text(example[1], "utf-8")
    manifest = "clips: [{id: a, prompt: p, model: house-model, provider: office, resolution: 1280x720}]"
    (tmp_path / "m.yaml").write_text(manifest, "utf-8")
    (job,) = commands.plan(commands.load(tmp_path / "m.yaml", out=tmp_path)).to_buy
    assert (job.duration_s, job.price.basis) == (6, "estimate: our contract, 2026-11")


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_sample_manifests_plan_as_they_are(path: Path, tmp_path: Path) -> None:
    """Every manifest in manifests/ is valid and prices."""
    assert commands.plan(commands.load(path, out=tmp_path)).to_buy


def test_the_readmes_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library example, run as it is written in a copy of the samples, ends with exit code 0."""
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    monkeypatch.chdir(tmp_path)
    exec(example[1], {})
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 ")
