"""Which variables of a template stand in its text, so that an empty one leaves a hole. Pure; knows no values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jinja2 import nodes

_FILTERS = (
    "capitalize e escape forceescape indent lower replace safe string striptags title trim truncate upper wordwrap"
)
_KEEP_EMPTY = frozenset(_FILTERS.split())
"""Filters that give an empty text for an empty value. Others, such as default, supply something."""


class Outputs(NamedTuple):
    """The variables whose values are written into the text; `is_alone` when the text has nothing else.

    A variable that the template tests (`{% if mood %}`) or replaces (`mood or "calm"`, `mood|default`) is left out.
    A cell is named by its column, also when it is written `row["Product name"]`. `literal` is the text with a 0 for
    each variable; None when the template has logic, so that the text is not known.
    """

    names: tuple[str, ...]
    is_alone: bool
    literal: str | None


def find_outputs(tree: nodes.Template) -> Outputs:
    """The outputs of a parsed template."""
    assigned = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    names = tuple(dict.fromkeys(_written(tree.body, frozenset(assigned))))
    pieces = [piece for output in tree.body if isinstance(output, nodes.Output) for piece in output.nodes]
    is_simple = all(isinstance(node, nodes.Output) for node in tree.body) and all(
        isinstance(piece, nodes.TemplateData) or _name(piece) for piece in pieces
    )
    shown = [piece for piece in pieces if not isinstance(piece, nodes.TemplateData) or piece.data.strip()]
    is_alone = is_simple and len(shown) == 1 and not isinstance(shown[0], nodes.TemplateData)
    literal = "".join(piece.data if isinstance(piece, nodes.TemplateData) else "0" for piece in pieces)
    return Outputs(names, is_alone, literal if is_simple else None)


def _written(body: Iterable[nodes.Node], tested: frozenset[str]) -> Iterator[str]:
    for node in body:
        if isinstance(node, nodes.Output):
            for piece in node.nodes:
                yield from _values(piece, tested)
        elif isinstance(node, nodes.If):
            inner = tested | _names(node.test)
            yield from _written([*node.body, *node.elif_, *node.else_], inner)
        elif isinstance(node, nodes.For):
            yield from _written([*node.body, *node.else_], tested | _names(node.iter))
        elif isinstance(node, nodes.Scope | nodes.With | nodes.FilterBlock):
            yield from _written(node.body, tested)


def _values(node: nodes.Node, tested: frozenset[str]) -> Iterator[str]:
    match node:
        case nodes.Name() | nodes.Getitem() | nodes.Getattr():
            name = _name(node)
            if name and name not in tested:
                yield name
        case nodes.Filter(node=nodes.Node() as inner, name=name) if name in _KEEP_EMPTY:
            yield from _values(inner, tested)
        case nodes.Concat():
            for part in node.nodes:
                yield from _values(part, tested)
        case nodes.Add():
            yield from _values(node.left, tested)
            yield from _values(node.right, tested)
        case nodes.CondExpr():
            tested |= _names(node.test)
            for branch in (node.expr1, node.expr2):
                if branch is not None:
                    yield from _values(branch, tested)
        case nodes.Or():
            yield from _values(node.right, tested)
        case _:
            pass


def _name(node: nodes.Node) -> str:
    """`mood`, or the column of `row["mood"]` and `row.mood`; empty for anything else."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getitem(node=nodes.Name(name="row"), arg=nodes.Const(value=str() as column)):
            return column
        case nodes.Getattr(node=nodes.Name(name="row")):
            return node.attr
    return ""


def _names(node: nodes.Node) -> frozenset[str]:
    """What an expression mentions."""
    found = {_name(node), *(_name(inner) for inner in node.find_all((nodes.Name, nodes.Getitem, nodes.Getattr)))}
    return frozenset(found - {""})
