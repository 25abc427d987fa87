"""Templates whose logic reads a cell as something else than a text, so that it decides wrongly without a word. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jinja2 import nodes

from batchvid.manifest.schema.cell_values import read_number, truth
from batchvid.quoting import quoted


class Traps(NamedTuple):
    """The names of a template that stand beside a number or a yes or no, alone in a test, or where a list must be."""

    compared: tuple[tuple[str, bool | int | float], ...]
    tested: tuple[str, ...]
    looped: tuple[str, ...]


def find_traps(tree: nodes.Template) -> Traps:
    """What must be looked at when the values are known."""
    loaded = Counter(name.name for name in tree.find_all(nodes.Name) if name.ctx == "load")
    branches = [node.test for node in tree.find_all(nodes.If)] + [node.test for node in tree.find_all(nodes.CondExpr)]
    tested = Counter(name for test in branches for name in _alone(test))
    iterated = [loop.iter for loop in tree.find_all(nodes.For)]
    iterated += [call.node for call in tree.find_all(nodes.Filter) if call.name == "join" and call.node is not None]
    return Traps(
        tuple(_compared(tree)),
        tuple(name for name, count in tested.items() if loaded[name] == count),
        tuple(node.name for node in iterated if isinstance(node, nodes.Name)),
    )


def sprung_trap(traps: Traps, variables: Mapping[str, Any]) -> str:
    """The first wrong decision that the template makes of these values, with what to write; empty if none."""
    for name, constant in traps.compared:
        value = variables.get(name)
        if not isinstance(value, str) or not value.strip():
            continue
        if isinstance(constant, bool):
            operator = "==" if truth(value) is constant else "!="
            return f"compares {name}, a text, with {str(constant).lower()}; write {name} {operator} {_in_quotes(value)}"
        if read_number(value.strip(), ".") is not None:
            return f"compares {name}, a text, with a number; write {name}|float == {constant:g}"
    for name in traps.tested:
        value = variables.get(name)
        if isinstance(value, str) and truth(value) is False and value.strip():
            return (
                f"asks whether {name} is empty, and {quoted(value)} is not empty; write "
                f"{{% if {name} != {_in_quotes(value)} %}}"
            )
    for name in traps.looped:
        if isinstance(variables.get(name), str) and len(variables[name]) > 1:
            return f'takes {name}, a text, letter by letter; write {name}.split(";") with what is between its values'
    return ""


def _in_quotes(text: str) -> str:
    """The text as it stands in a template."""
    return '"' + text.strip().replace('"', "") + '"'


def _alone(test: nodes.Node) -> Iterator[str]:
    match test:
        case nodes.Name():
            yield test.name
        case nodes.Not():
            yield from _alone(test.node)
        case nodes.And() | nodes.Or():
            yield from _alone(test.left)
            yield from _alone(test.right)


def _compared(tree: nodes.Template) -> Iterator[tuple[str, bool | int | float]]:
    for node in tree.find_all(nodes.Compare):
        if len(node.ops) == 1 and node.ops[0].op in ("eq", "ne"):
            for left, right in ((node.expr, node.ops[0].expr), (node.ops[0].expr, node.expr)):
                value = right.value if isinstance(right, nodes.Const) else None
                if isinstance(left, nodes.Name) and isinstance(value, bool | int | float):
                    yield left.name, value
