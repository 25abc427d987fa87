"""Which columns of a row a template reads: by name, as `row.name` or as `row["name"]`. Pure."""

from __future__ import annotations

from jinja2 import nodes

ROW = "row"


def row_attributes(tree: nodes.Template) -> frozenset[str] | None:
    """The names that are read from `row`; None when the template uses the row as a whole."""
    read: tuple[nodes.Getattr | nodes.Getitem, ...] = (*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem))
    named = [_attribute(node) for node in read if _is_row(node.node)]
    rows = sum(1 for node in tree.find_all(nodes.Name) if _is_row(node))
    if rows > len(named) or None in named:
        return None
    return frozenset(name for name in named if name)


def quoted_texts(tree: nodes.Template) -> frozenset[str]:
    """The texts in quotes that the template writes alone, as `{{ "Product name" }}` does."""
    written = (node for output in tree.find_all(nodes.Output) for node in output.nodes if isinstance(node, nodes.Const))
    return frozenset(node.value for node in written if isinstance(node.value, str))


def _is_row(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == ROW and node.ctx == "load"


def _attribute(node: nodes.Node) -> str | None:
    """The name of a column; None for a method of the row, or a name that is computed."""
    if isinstance(node, nodes.Getattr):
        return None if hasattr(dict, node.attr) else node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return str(node.arg.value)
    return None
