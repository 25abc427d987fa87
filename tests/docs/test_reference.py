"""The reference pages know every command, state, failure kind, exit code, column and key."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest

from batchvid import errors
from batchvid.catalog.model import Model, ModelPrice, Tier
from batchvid.catalog.provider import Provider
from batchvid.cli.main import INTERNAL_ERROR
from batchvid.commands.edit_sheet import COLUMNS as EDIT_COLUMNS
from batchvid.dialects import gateway, kling
from batchvid.domain.attempts import AttemptStatus
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState
from batchvid.emulator import Settings
from batchvid.manifest import ManifestModel
from batchvid.manifest.schema.field_types import ACTIONS
from batchvid.planning.plan_types import PlanAction
from batchvid.report import COLUMNS, LEDGER_COLUMNS
from tests.docs import routes_page
from tests.docs.command_pages import every_command
from tests.docs.texts import read


def schema_keys() -> list[str]:
    schema = ManifestModel.model_json_schema()

    def properties(part: Any) -> Iterator[str]:
        for key, value in part.items():
            if key == "properties":
                yield from value
            if isinstance(value, dict):
                yield from properties(value)

    return sorted(set(properties(schema)))


def error_classes() -> dict[str, type[errors.BatchvidError]]:
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.BatchvidError)
    }


def test_the_route_table_leaves_no_kind_of_call_out() -> None:
    """Every Kling resource, every mode of the gateway's page and every action is in it."""
    table = routes_page.route_table()
    modes = {mode for needs in gateway.NEEDS.values() for mode in needs} | {"t2v"}
    assert [kind for kind in kling.SUPPORTED if f"`/kling/v1/videos/{kind}`" not in table] == []
    assert [mode for mode in modes if f"`/gateway/v1/videos` `{mode}`" not in table] == []
    assert [action for action in ACTIONS if f"| {action} of " not in table] == []


@pytest.mark.parametrize("name", sorted(every_command()))
def test_a_command_has_a_section_and_a_help_text(name: str) -> None:
    assert f"## `batchvid {name}`\n" in read("reference/commands.md")
    assert every_command()[name].get_short_help_str()


def test_every_option_has_a_help_text_and_is_listed() -> None:
    page = read("reference/commands.md")
    for command in every_command().values():
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{command.name} {option.name}"
                assert option.opts[-1] in page


def test_no_option_is_described_that_does_not_exist() -> None:
    known = {flag for command in every_command().values() for param in command.params for flag in param.opts}
    listed = set(re.findall(r"^\| `(?:-\w, )?(--[\w-]+)", read("reference/commands.md"), re.MULTILINE))
    assert listed <= known


@pytest.mark.parametrize(
    ("page", "word"),
    [
        *(("reference/states.md", word) for word in (*JobState, *PlanAction)),
        *(("reference/failure-kinds.md", word) for word in FailureKind),
        *(("reference/report-columns.md", word) for word in (*AttemptStatus, *COLUMNS, *LEDGER_COLUMNS, *EDIT_COLUMNS)),
        *(("reference/manifest-keys.md", word) for word in schema_keys()),
        *(("reference/emulator-settings.md", word) for word in Settings.model_fields),
    ],
)
def test_a_word_that_a_user_can_meet_is_explained(page: str, word: str) -> None:
    assert f"`{word}`" in read(page)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("reference/states.md", {*JobState, *PlanAction}),
        ("reference/failure-kinds.md", set(FailureKind)),
    ],
)
def test_a_page_explains_no_word_that_is_gone(page: str, words: set[str]) -> None:
    assert set(re.findall(r"^\| `([\w ]+)` \|", read(page), re.MULTILINE)) == words


def test_every_column_in_the_page_exists() -> None:
    cells = re.findall(r"^\| (`[^|]+`) \|", read("reference/report-columns.md"), re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)}
    assert named == {*COLUMNS, *LEDGER_COLUMNS, *EDIT_COLUMNS, *AttemptStatus, "var.NAME"}


@pytest.mark.parametrize("kind", [Model, ModelPrice, Tier, Provider], ids=lambda kind: kind.__name__)
def test_every_key_of_the_catalogue_is_explained(kind: Any) -> None:
    """Those of a provider that a manifest takes too are in the page of manifest keys."""
    pages = read("reference/catalogue.md") + read("reference/manifest-keys.md")
    names = [field.name for field in dataclasses.fields(kind) if field.name != "name"]
    assert [name for name in names if f"`{name}`" not in pages] == []


def test_every_exit_code_is_in_the_table() -> None:
    """The codes of the error tree and of a run's end."""
    rows = re.findall(r"^\| (\d+) \|", read("reference/exit-codes.md"), re.MULTILINE)
    codes = {kind.exit_code for kind in error_classes().values()}
    assert set(map(int, rows)) == codes | {0, 3, 5, 6, INTERNAL_ERROR, 130}


def test_the_error_tree_is_drawn_whole() -> None:
    """Every error class is in the picture at the top of errors.py with its exit code."""
    drawn = dict(re.findall(r"(\w+) +(\d+)(?:  |$)", errors.__doc__ or "", re.MULTILINE))
    assert {name: str(kind.exit_code) for name, kind in error_classes().items()} == drawn
