"""docs/reference/dialect-keys.md: every key of a wire format's definition, from its model, and every variable."""

from __future__ import annotations

from pydantic import BaseModel

from batchvid.dialects.json_task import definition as keys
from batchvid.dialects.json_task.variables import FIELDS, TABLED, forms_of
from tests.docs.markdown import GENERATED, sentence, table

INTRO = """# Wire format keys

The keys of `[dialects.NAME]` in `batchvid.toml`, or of a `.toml` that a provider's `dialect` names. [Add a
vendor](../how-to/new-vendor.md) shows how to write one. A *place* is a JSON pointer such as `/data/id`: keys and list
positions from the outside in; `*` is every item of a list, and a step leads on into JSON inside a string. A *call* is a
method and a path below `base_url`. An *HTTP rule* is a status (429), a code of the vendor (`"NO_CREDITS"`), or both
(`"400 NO_CREDITS"`).
"""
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The definition", keys.Definition),
    ("`words`", keys.StatusWords),
    ("`refusals`", keys.Refusals),
    ("`ok`", keys.Envelope),
    ("`success`, each of the list", keys.Condition),
    ("`variants.NAME`", keys.Variant),
    ("`pictures`", keys.Pictures),
    ("`list` and `find`", keys.TaskList),
    ("`idempotency`", keys.Idempotency),
)
TYPES = {
    "CallLine": "call",
    "Place": "place",
    "IdPlace": "place or `header NAME`",
    "ContentPath": "path",
    "Places": "place or list of places",
    "Words": "word or list of words",
    "RuleList": "HTTP rule or list of rules",
    "dict[str, Any]": "table",
    "dict[str, str]": "table of texts",
    "tuple[str, ...]": "list of texts",
    "tuple[int, ...]": "list of HTTP statuses",
    "str": "text",
    "int": "whole number",
    "float": "number",
}


def page() -> str:
    """The whole page."""
    parts = [GENERATED, INTRO.strip()]
    for title, model in TABLES:
        rows = [
            (
                f"`{field.alias or name}`",
                _type(model, name),
                "yes" if field.is_required() else "",
                _text(field.description),
            )
            for name, field in model.model_fields.items()
        ]
        parts += [f"## {title}", table(("key", "value", "required", "meaning"), rows)]
    parts += [
        "## Variables",
        VARIABLES.strip(),
        table(("variable", "forms", "field of the clip", "table"), _variables()),
    ]
    return "\n\n".join(parts) + "\n"


VARIABLES = """
In `body`, in the path of `submit`, and in those of `variants`. A string that is one variable becomes its value; inside
other text it becomes text. A key whose variable is not set is left out, and so is an object or a list item with nothing
else in it. `"*" = "{options}"` takes the `options` of a clip. `width`, `height` and `size` come from an exact
resolution such as 1280x720, or from `values.size` by `"720p 16:9"`; in a body with `{resolution}`, too, a tier goes
there and exact pixels to them. The other paths know `{id}`, the task's id; `follow_up` and `content` also `{/place}` of
the poll's reply.
"""


def _variables() -> list[tuple[str, ...]]:
    return [
        (
            f"`{{{name}}}`",
            ", ".join(f"`{{{name}:{form}}}`" for form in forms_of(name)),
            ", ".join(f"`{field}`" for field in fields),
            f"`values.{name}`" if name in TABLED else "",
        )
        for name, fields in FIELDS.items()
    ]


def _type(model: type[BaseModel], name: str) -> str:
    written = str(model.__annotations__[name]).replace(" | None", "")
    if written.startswith("Literal["):
        words = (word.strip().strip('"') for word in written[8:-1].split(","))
        return " or ".join(f"`{word}`" for word in words)
    return TYPES.get(written, "table")


def _text(description: str | None) -> str:
    assert description, "every key has a description"
    return sentence(description[0].upper() + description[1:])
