"""Mistakes in a `json-task` definition that the general checks name, and odd values that its places hold."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from batchvid.dialects.json_task import read_definition
from batchvid.dialects.json_task.costs import cost_usd
from batchvid.dialects.json_task.pointers import as_word, find_values, parse_pointer
from tests.dialects.test_json_task import BASE, dialect


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"poll": "PUT /v2/renders/{id}"}, "must be a GET or a POST, not PUT"),
        ({"poll_body": {"no": "{id}"}}, "write POST before the path"),
        ({"cancel_until": "queued"}, "is required with cancel_until"),
        ({"cancel": "DELETE /v2/renders/{id}"}, "cancel_until is required"),
        ({"follow_up": "POST /v2/files/{id}"}, "must be a GET, not POST"),
        ({"body": {"engine": "{model}", "text": "{prompt}", "all": "{options}"}}, '"*" = "{options}"'),
        ({"body": {"engine": "{model}", "text": "{prompt}", "picture": "{image:file}"}}, "multipart"),
        ({"values": {"size": {"1280x720": "wide"}}}, "must be pixels"),
        ({"words": {"queued": "in", "running": 2, "failed": "burnt"}}, "the words of a task that ended so"),
        ({"id": "job"}, "must be the place of a value"),
        ({"id": "/job//no"}, "empty step"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], said: str) -> None:
    """Before anything is planned."""
    _definition, problems = read_definition({**copy.deepcopy(BASE), **changes})
    assert any(said in str(problem) for problem in problems), problems


@pytest.mark.parametrize(
    ("value", "word"),
    [(True, "true"), (False, "false"), (2.0, "2"), (2.5, "2.5"), ("in", "in"), (None, None), ([1], None), ({}, None)],
)
def test_a_plain_value_is_a_word(value: object, word: str | None) -> None:
    """Numbers and booleans, as well as texts; never a list or an object."""
    assert as_word(value) == word


@pytest.mark.parametrize(
    ("document", "pointer", "found"),
    [
        ({"a": {"x": {"link": 1}, "y": {"link": 2}}}, "/a/*/link", [1, 2]),
        ({"a": [{"link": 1}, {"link": None}, {"link": 3}]}, "/a/*/link", [1, 3]),
        ({"a": [10, 20]}, "/a/1", [20]),
        ({"a": [10, 20]}, "/a/2", []),
        ({"a": [10, 20]}, "/a/x", []),
        ({"a": '{"b": [7]}'}, "/a/b/0", [7]),
        ({"a": "no JSON"}, "/a/b", []),
        ({"a/b": {"c~d": 5}}, "/a~1b/c~0d", [5]),
    ],
)
def test_a_pointer_follows_lists_objects_and_json(document: object, pointer: str, found: list[object]) -> None:
    """A place that is not there gives nothing."""
    assert list(find_values(document, parse_pointer(pointer))) == found


@pytest.mark.parametrize(
    ("value", "usd"),
    [("0.5", "0.005"), (250, "2.5"), (True, ""), ("many", ""), ("NaN", ""), ("1e99", ""), (None, "")],
)
def test_a_cost_is_a_sane_number(value: object, usd: str) -> None:
    """In units, with their worth; nothing else is an amount."""
    definition, problems = read_definition({**copy.deepcopy(BASE), "cost": "/job/units", "usd_per_unit": 0.01})
    assert definition is not None, problems
    assert cost_usd(definition, {"job": {"units": value}}) == usd


def test_without_a_place_there_is_no_cost() -> None:
    """The base definition names none."""
    definition, _ = read_definition(copy.deepcopy(BASE))
    assert definition is not None
    assert cost_usd(definition, {"job": {"units": 5}}) == ""
    assert dialect().read_poll is not None
