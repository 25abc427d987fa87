"""Checks a definition when it is read. Every problem has the place of its key, so that file and line can be named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from batchvid.dialects.json_task.definition import Call, Definition, Rule
from batchvid.dialects.json_task.phases import PHASES
from batchvid.dialects.json_task.pointers import parse_pointer
from batchvid.dialects.json_task.problems import KeyPath, Problem
from batchvid.dialects.json_task.refusals import KINDS
from batchvid.dialects.json_task.requests import placed_fields
from batchvid.dialects.json_task.safety_checks import SAFETY_CHECKS, oversized
from batchvid.dialects.json_task.template import Variable, keys_beside_options, variables_in
from batchvid.dialects.json_task.variables import FIELDS, PIXEL_SIZE, TABLED, forms_of
from batchvid.near_matches import did_you_mean

INPUTS = ("image", "end_image", "reference_images")
ACTIONS = ("extend", "edit", "remix", "lip-sync")
NO_EVIDENCE = (
    "is no evidence that nothing was made: name it with the vendor's code, such as {example}, or leave it uncertain"
)
_STRAY = re.compile(r"\{[^{}]*\}")


def read_definition(table: Mapping[str, Any]) -> tuple[Definition | None, list[Problem]]:
    """Read a definition. With problems it is None; they come in the order of the keys."""
    if problems := list(oversized(table)):
        return None, problems
    try:
        definition = Definition.model_validate(table)
    except ValidationError as exc:
        return None, [_problem(error["loc"], error["type"], error["msg"]) for error in exc.errors(include_input=False)]
    problems = [problem for check in (*CHECKS, *SAFETY_CHECKS) for problem in check(definition)]
    return (None if problems else definition), problems


def keys_at(path: KeyPath) -> tuple[str, ...]:
    """Return the keys that a table of a definition may have, the deepest that the path leads to."""
    model: type[BaseModel] | None = Definition
    for step in path:
        if model is None or isinstance(step, int):
            continue
        field = next((f for name, f in model.model_fields.items() if step in (name, f.alias)), None)
        inner = _models_in(field.annotation) if field is not None else []
        model = inner[0] if inner else model if field is None else None
    return tuple(field.alias or name for name, field in model.model_fields.items()) if model else ()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in _models_in(inner)]


def _problem(place: tuple[str | int, ...], kind: str, message: str) -> Problem:
    path = tuple(place)
    if kind == "extra_forbidden":
        keys = keys_at(path[:-1])
        hint = did_you_mean(str(path[-1]), keys, limit=1) or f"there are {', '.join(keys)}"
        return Problem(path, f"unknown key; {hint}")
    if kind == "missing":
        return Problem(path, "is required")
    return Problem(path, message.removeprefix("Value error, ").removeprefix("Input "))


def _calls(definition: Definition) -> Iterator[Problem]:
    submits: dict[KeyPath, Call] = {("submit",): definition.submit}
    submits |= {("variants", key, "submit"): v.submit for key, v in definition.variants.items() if v.submit}
    for path, call in submits.items():
        if call.method not in (None, "POST"):
            yield Problem(path, f"must be a POST, not {call.method}")
    polls = {("poll",): definition.poll} | {
        ("variants", key, "poll"): v.poll for key, v in definition.variants.items() if v.poll
    }
    for path, call in polls.items():
        if call.method not in (None, "GET", "POST"):
            yield Problem(path, f"must be a GET or a POST, not {call.method}")
        yield from _of_task(path, call.path, definition.poll_body, is_needed=True)
    if definition.poll_body is not None and definition.poll.method != "POST":
        yield Problem(("poll",), "has a poll_body: write POST before the path")


def _calls_after(definition: Definition) -> Iterator[Problem]:
    if definition.cancel:
        yield from _of_task(("cancel",), definition.cancel.path, definition.cancel_body, is_needed=True)
        if definition.cancel_until is None:
            yield Problem(("cancel",), 'cancel_until is required with it: "queued", or "running" for both')
    elif definition.cancel_until:
        yield Problem(("cancel",), "is required with cancel_until")
    if definition.content:
        yield from _of_task(("content",), definition.content, None, is_needed=False, takes_places=True)
    if definition.follow_up:
        if definition.follow_up.method not in (None, "GET"):
            yield Problem(("follow_up",), f"must be a GET, not {definition.follow_up.method}")
        yield from _of_task(("follow_up",), definition.follow_up.path, None, is_needed=False, takes_places=True)
        if not any(variables_in(definition.follow_up.path)):
            yield Problem(("follow_up",), "must hold {id}, or a place of the poll's reply such as {/data/file_id}")


def _lookups(definition: Definition) -> Iterator[Problem]:
    for name, tasks in (("list", definition.list), ("find", definition.find)):
        if tasks is None:
            continue
        if tasks.request.method not in (None, "GET"):
            yield Problem((name, "request"), "must be a GET")
        wanted = {"external_id"} if name == "find" else set()
        found = {variable.name for variable in variables_in(tasks.request.path)}
        if found != wanted:
            yield Problem((name, "request"), "must hold {external_id}" if wanted else "takes no variables")


def _of_task(
    path: KeyPath, written: str, body: object, *, is_needed: bool, takes_places: bool = False
) -> Iterator[Problem]:
    found = [*variables_in(written), *variables_in(body)]
    names = [variable.name for variable in found]
    if any(variable.form not in ("", "int") for variable in found):
        yield Problem(path, "{id} has one form: {id:int}, a number in a body")
    if is_needed and "id" not in names:
        yield Problem(path, "must hold {id}, the task's id")
    for name in names:
        if name.startswith("/") and takes_places:
            try:
                parse_pointer(name)
            except ValueError as exc:
                yield Problem(path, f"{{{name}}} {exc}")
        elif name != "id":
            yield Problem(
                path, f"unknown variable {{{name}}}; there is {{id}}{' and {/place}' if takes_places else ''}"
            )


def _templates(definition: Definition) -> Iterator[Problem]:
    yield from _template(("submit",), definition.submit.path)
    yield from _template(("body",), definition.body)
    for key, variant in definition.variants.items():
        if variant.submit:
            yield from _template(("variants", key, "submit"), variant.submit.path)
        yield from _template(("variants", key, "body"), variant.body)
    for path, call, body in _orders(definition):
        placed = placed_fields(call, body)
        if "model" not in placed and not definition.models:
            yield Problem(path, "the model is nowhere: write {model} into the path or the body, or list `models`")
        if "prompt" not in placed:
            yield Problem(path, "the prompt is nowhere: write {prompt} into the body")
        in_parts = any(v.form == "file" for v in variables_in(body))
        if in_parts and definition.body_as != "multipart":
            yield Problem(path, 'a file part needs body_as = "multipart"')
    if keys_beside_options(definition.body) is None and any(v.name == "options" for v in variables_in(definition.body)):
        yield Problem(("body",), 'write "*" = "{options}" in the object that takes the options')
    for name in definition.values:
        if name not in TABLED:
            yield Problem(
                ("values", name), f"no table is possible here; {did_you_mean(name, TABLED) or _listed(TABLED)}"
            )
    for word in map(str, definition.values.get("size", {}).values()):
        if not PIXEL_SIZE.fullmatch(word):
            yield Problem(("values", "size"), f"must be pixels such as 1280x720 or 1280*720, not {word}")


def _orders(definition: Definition) -> Iterator[tuple[KeyPath, str, object]]:
    """Yield each submit that can be made: the place of its body, its path, its body."""
    yield ("body",), definition.submit.path, definition.body
    for key, variant in definition.variants.items():
        if variant.body is None and variant.submit is None:
            continue
        body = definition.body if variant.body is None else variant.body
        yield ("variants", key), (variant.submit or definition.submit).path, body


def _template(path: KeyPath, written: object) -> Iterator[Problem]:
    """Yield unknown variables and forms, each at its own key."""
    if isinstance(written, Mapping):
        for key, value in written.items():
            yield from _template((*path, key), value)
    elif isinstance(written, list | tuple):
        for number, value in enumerate(written):
            yield from _template((*path, number), value)
    elif isinstance(written, str):
        found = list(variables_in(written))
        for variable in found:
            yield from _variable(path, variable)
        known = {str(variable) for variable in found}
        for stray in _STRAY.findall(written):
            if stray not in known:
                yield Problem(path, f"{stray} is no variable; there are {_listed(FIELDS)}")


def _variable(path: KeyPath, variable: Variable) -> Iterator[Problem]:
    if variable.name not in FIELDS:
        hint = did_you_mean(variable.name, FIELDS) or f"there are {_listed(FIELDS)}"
        yield Problem(path, f"unknown variable {{{variable.name}}}; {hint}")
    elif variable.form and variable.form not in forms_of(variable.name):
        forms = ", ".join(f"{{{variable.name}:{form}}}" for form in forms_of(variable.name))
        yield Problem(path, f"unknown form in {variable}; {f'there are {forms}' if forms else 'it has no forms'}")


def _variants(definition: Definition) -> Iterator[Problem]:
    for key in definition.variants:
        parts = key.split("+")
        inputs = parts[1:] if parts[0] in ACTIONS else parts
        if not set(inputs) <= set(INPUTS):
            unknown = next(part for part in inputs if part not in INPUTS)
            hint = did_you_mean(unknown, (*INPUTS, *ACTIONS)) or _listed((*INPUTS, *ACTIONS))
            yield Problem(("variants", key), f"unknown input or action {unknown}; {hint}")
        elif inputs != [name for name in INPUTS if name in inputs]:
            ordered = "+".join([*(parts[:1] if parts[0] in ACTIONS else []), *(n for n in INPUTS if n in inputs)])
            yield Problem(("variants", key), f"write it {ordered}")


def _words(definition: Definition) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for key in PHASES:
        for word in getattr(definition.words, key):
            other = owners.setdefault(word.strip().casefold(), key)
            if other != key:
                yield Problem(("words", key), f"{word!r} has two meanings: it stands in {other}, too")
    for key in ("succeeded", "failed"):
        if not getattr(definition.words, key):
            yield Problem(("words", key), "is required: the words of a task that ended so")


def _clips(definition: Definition) -> Iterator[Problem]:
    if not (definition.clips or definition.content or definition.inline):
        yield Problem(("clips",), "is required: where the links of a finished task stand (or content, or inline)")
    if definition.usd_per_unit is not None and definition.cost is None:
        yield Problem(("usd_per_unit",), "needs cost, the place where the units stand")


def _refusals(definition: Definition) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for key in (*KINDS, "uncertain"):
        for rule in getattr(definition.refusals, key):
            other = owners.setdefault(str(rule).casefold(), key)
            if other != key:
                yield Problem(("refusals", key), f"{rule} has two meanings: it stands in {other}, too")
            if key != "uncertain" and not _is_evidence(rule):
                example = f'"{rule.status} SOME_CODE"'
                yield Problem(("refusals", key), f"{rule} {NO_EVIDENCE.format(example=example)}")


def _is_evidence(rule: Rule) -> bool:
    """Whether a rule can prove a refusal: a code can, and an HTTP status that says no, but not a 409 or a 5xx."""
    if rule.code:
        return True
    return rule.status is not None and 400 <= rule.status < 500 and rule.status not in (408, 409, 425, 499)


def _listed(names: Any) -> str:
    return ", ".join(sorted(names) if isinstance(names, frozenset | set) else names)


CHECKS = (_calls, _calls_after, _lookups, _templates, _variants, _words, _clips, _refusals)
