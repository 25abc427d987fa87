"""Templates in the manifest's texts: `{{ name }}` in a sandbox. Knows no field, no file, no job.

Rendering is deterministic: anything that could differ between two plans of the same manifest (random choices,
addresses of objects) is refused, because a prompt that changes would be bought again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.schema.template_columns import ROW, quoted_texts, row_attributes
from batchvid.manifest.schema.template_filters import (
    REPEATED,
    is_repeated_number,
    number,
    plain_reason,
    rounded,
    unknown_filter,
    whole_number,
)
from batchvid.manifest.schema.template_mistakes import explain
from batchvid.manifest.schema.template_outputs import Outputs, find_outputs
from batchvid.manifest.schema.template_traps import find_traps, sprung_trap
from batchvid.manifest.schema.variable_names import (
    AmbiguousName,
    RowValues,
    find_name,
    means_row_number,
    misread_names,
    written_name,
)

MAX_CHARS = 32_000  # of a rendered text; the longest prompt that any vendor documents is far below
_MAX_POWER = 10_000  # for exponents and repetitions

Variables = Mapping[str, Any]


class TemplateProblem(ValueError):
    """The template cannot be rendered; the message has the reason and the known variables."""


def is_template(text: str) -> bool:
    """Whether the text must be rendered. `$19.99`, `{name}` and JSON are plain text; `{# a comment #}` is removed."""
    return "{{" in text or "{%" in text or ("{#" in text and "#}" in text[text.index("{#") :])


class Templates:
    """Compiles each text once, however many jobs it is rendered for."""

    def __init__(self) -> None:
        self._environment = Sandbox(undefined=jinja2.StrictUndefined, finalize=_printable)
        self._renderers: dict[str, Callable[[Variables], str]] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._columns: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self._outputs: dict[str, Outputs] = {}

    def render(self, text: str, variables: Variables) -> str:
        """The rendered text. Raises TemplateProblem."""
        if not is_template(text):
            return text
        renderer = self._renderers.get(text)
        if renderer is None:
            try:
                renderer = self._renderers[text] = self._compile(text)
            except TemplateProblem as exc:
                raise TemplateProblem(misread_names(text, tuple(variables)) or str(exc)) from None
        return renderer(variables)

    def names(self, text: str) -> frozenset[str]:
        """The variables that the text uses; none for a plain text. Raises TemplateProblem."""
        if not is_template(text):
            return frozenset()
        if text not in self._names:
            try:
                found = meta.find_undeclared_variables(self._parse(text))
            except TemplateProblem as exc:
                raise TemplateProblem(misread_names(text, ()) or str(exc)) from None
            self._names[text] = frozenset(found - self._environment.globals.keys())
        return self._names[text]

    def columns(self, text: str, known: tuple[str, ...]) -> frozenset[str]:
        """Which of the known columns the text reads, by name or from `row`. Raises TemplateProblem."""
        if not is_template(text):
            return frozenset()
        if (text, known) not in self._columns:
            names: frozenset[str] | None = self.names(text)
            if ROW in self.names(text):
                read = row_attributes(self._parse(text))
                names = None if read is None else self.names(text) | read
            self._columns[text, known] = frozenset(known) if names is None else _find_all(names, known)
        return self._columns[text, known]

    def complete(self, text: str, variables: Variables) -> Variables:
        """The variables, also under the names by which the text means them: `Product_name` for "Product name".

        Raises TemplateProblem when two of them fit one name.
        """
        missing = [name for name in self.names(text) if name not in variables]
        if not missing:
            return variables
        known = tuple(variables)
        try:
            found = {name: find_name(name, known) for name in missing}
        except AmbiguousName as exc:
            raise TemplateProblem(str(exc)) from None
        return {**variables, **{name: variables[key] for name, key in found.items() if key is not None}}

    def outputs(self, text: str) -> Outputs:
        """The variables whose values stand in the rendered text. Raises TemplateProblem."""
        found = self._outputs.get(text)
        if found is None:
            found = self._outputs[text] = find_outputs(self._parse(text))
        return found

    def _compile(self, text: str) -> Callable[[Variables], str]:
        tree = self._parse(text)
        parts = _plain_parts(tree)
        if parts is not None:
            return lambda variables: self._fill(text, parts, variables)
        quoted = quoted_texts(tree)
        traps = find_traps(tree)
        try:
            template = self._environment.from_string(text)
        except jinja2.TemplateError as exc:
            raise TemplateProblem(explain(text, str(exc), 1)) from None

        def run(variables: Variables) -> str:
            for name in quoted & variables.keys():
                written = written_name(name, tuple(variables))
                raise TemplateProblem(f'{{{{ "{name}" }}}} is only that text; write {{{{ {written} }}}}')
            if any(traps) and (trap := sprung_trap(traps, self.complete(text, variables))):
                raise TemplateProblem(trap)
            return self._run(text, template, variables)

        return run

    def _parse(self, text: str) -> nodes.Template:
        try:
            tree = self._environment.parse(text)
        except jinja2.TemplateSyntaxError as exc:
            raise TemplateProblem(explain(text, str(exc.message), exc.lineno)) from None
        if problem := unknown_filter(tree, self._environment.filters, self._environment.tests):
            raise TemplateProblem(problem)
        _check_loops(tree)
        return tree

    def _fill(self, text: str, parts: list[tuple[bool, str]], variables: Variables) -> str:
        """The fast path for texts with nothing but names: about a tenth of the time of a full render."""
        try:
            try:
                filled = "".join([_printable(variables[part]) if is_name else part for is_name, part in parts])
            except KeyError:
                found = self.complete(text, variables)
                filled = "".join([_printable(found[part]) if is_name else part for is_name, part in parts])
        except KeyError as exc:
            raise TemplateProblem(self._undefined(text, variables, exc)) from None
        except jinja2.TemplateError as exc:
            raise TemplateProblem(str(exc)) from None
        return _check_length(filled)

    def _run(self, text: str, template: jinja2.Template, variables: Variables) -> str:
        chunks, size = [], 0
        found = self.complete(text, variables)
        try:
            for chunk in template.generate(found):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_CHARS:
                    break
        except jinja2.UndefinedError as exc:
            raise TemplateProblem(self._undefined(text, variables, exc)) from None
        except Exception as exc:  # the user's own template: it may fail in any way
            misread = misread_names(text, tuple(variables))
            raise TemplateProblem(misread or f"the template cannot be filled in: {plain_reason(exc)}") from None
        return _check_length("".join(chunks))

    def _undefined(self, text: str, variables: Variables, error: Exception) -> str:
        if misread := misread_names(text, tuple(variables)):
            return misread
        missing = sorted(self.names(text) - self.complete(text, variables).keys())
        if not missing:
            return f"the template cannot be filled in: {plain_reason(error)}"
        return _unknown_name(missing[0], tuple(sorted(variables)))


def _find_all(names: frozenset[str], known: tuple[str, ...]) -> frozenset[str]:
    try:
        return frozenset(filter(None, (find_name(name, known) for name in names)))
    except AmbiguousName as exc:
        raise TemplateProblem(str(exc)) from None


class Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox of templates and conditions: without what differs between two plans or builds any length.

    It limits the two operators that can fill the memory in one step.
    """

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("random", "center", "format"):  # random is not deterministic; the others build any length
            self.filters.pop(name)
        self.filters |= {"default": _default, "d": _default, "float": number, "int": whole_number, "round": rounded}
        self.globals.pop("lipsum")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """The result of one operator. Raises SecurityError."""
        if operator == "%" and isinstance(left, str):
            raise SecurityError("% is for numbers here; write {{ name }} into the text instead")
        if operator == "*" and is_repeated_number(left, right):
            raise SecurityError(REPEATED)
        if operator != "%" and (_is_large(left) or _is_large(right)) and not _are_plain_factors(operator, left, right):
            raise SecurityError(f"the numbers beside {operator} are too large")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A column of a row before a method of the same name."""
        if not isinstance(obj, RowValues) or (attribute not in obj and hasattr(dict, attribute)):
            return super().getattr(obj, attribute)
        if means_row_number(attribute) and find_name(attribute, tuple(obj)) is None:
            raise jinja2.TemplateRuntimeError(f"there is no column {attribute}; {_ROW_NUMBER}")
        return obj[attribute]


_ROW_NUMBER = "the number of the row is {{ row_number }}"


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Jinja's `default`, where an empty cell counts as missing."""
    is_empty = isinstance(value, str) and not value.strip()
    return default_value if is_empty else jinja2.filters.do_default(value, default_value, boolean)


@lru_cache(maxsize=64)
def _unknown_name(name: str, names: tuple[str, ...]) -> str:
    """Cached, because one misspelled name may be in each of 100,000 rows."""
    if "row_number" in names and means_row_number(name):
        return f"nothing is called {name}; {_ROW_NUMBER}"
    written = sorted(written_name(one, names) for one in names)
    close = get_close_matches(name, written, 1)
    hint = f", did you mean {close[0]}?" if close else ";"
    return f"nothing is called {name}{hint} there is: {', '.join(written) or 'no variables'}"


def _is_large(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) > _MAX_POWER


def _are_plain_factors(operator: str, left: Any, right: Any) -> bool:
    return operator == "*" and isinstance(left, int | float) and isinstance(right, int | float)


def _printable(value: Any) -> Any:
    """Only words and numbers may be in a text: a None, a list or an object is always a mistake."""
    if isinstance(value, str | jinja2.Undefined):
        return value
    if isinstance(value, int | float):
        return text_of(value)
    kinds: dict[type, str] = {dict: "a mapping", list: "a list", type(None): "nothing"}
    unknown = "an object (a call without its brackets?)"
    what = next((name for kind, name in kinds.items() if isinstance(value, kind)), unknown)
    raise jinja2.TemplateRuntimeError(f"a value in the template is {what}, where a word or a number is needed")


def _plain_parts(tree: nodes.Template) -> list[tuple[bool, str]] | None:
    """(is a name, text) pieces of a template without any logic; None when there is logic."""
    parts: list[tuple[bool, str]] = []
    for output in tree.body:
        for node in output.nodes if isinstance(output, nodes.Output) else [output]:
            if isinstance(node, nodes.TemplateData):
                parts.append((False, node.data))
            elif isinstance(node, nodes.Name) and node.name not in jinja2.defaults.DEFAULT_NAMESPACE:
                parts.append((True, node.name))
            else:
                return None
    return parts


def _check_loops(tree: nodes.Template) -> None:
    """Raises TemplateProblem for loops that can run for ever without output, so that no limit on the text ends them."""
    if tree.find(nodes.Macro) or tree.find(nodes.CallBlock):
        raise TemplateProblem("a macro is more than a prompt needs: write its text out, or give it as a variable")
    if any(loop.recursive or loop.find(nodes.For) for loop in tree.find_all(nodes.For)):
        raise TemplateProblem("a loop inside a loop is more than a prompt needs: use matrix, or a variable")


def _check_length(text: str) -> str:
    if len(text) > MAX_CHARS:
        raise TemplateProblem(f"is longer than {MAX_CHARS:,} characters once it is filled in")
    return text
