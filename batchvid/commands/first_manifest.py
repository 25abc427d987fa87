"""The text of a first manifest: for the columns of a sheet, or with a small example. Reads nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchvid.catalog import Model
from batchvid.manifest.schema.variable_names import written_name

SCHEMA_NAME = "batchvid.schema.json"
MAX_ID_CHARS = 40
_KEY_NAMES = ("id", "sku", "ean", "gtin", "asin", "article", "artikel", "handle", "code", "number", "nr", "no", "key")
_PROMPT_NAMES = ("prompt", "prompts", "shot", "scene", "text", "description", "beschreibung", "title", "name")
_PICTURE = re.compile(r"\S.*\.(jpe?g|png|webp|heic|avif|tiff?|gif|bmp)(\?.*)?", re.IGNORECASE)
_CODE = re.compile(r"(?=.*[A-Za-z])(?=.*\d)\S+")  # letters and digits: neither a word nor a price
_TWO_WORDS = re.compile(r"\S\s+\S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table: its `file` as the manifest names it, and the first rows by column.

    `picture_folder` is where the pictures that it names are, if they are not beside the manifest.
    """

    file: str
    rows: Sequence[Mapping[str, str]]
    picture_folder: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.rows[0]) if self.rows else ()

    def cells(self, column: str) -> list[str]:
        """The cells of a column."""
        return [row.get(column, "") for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which columns are the key, the prompt and the picture; empty for none."""

    key: str
    prompt: str
    picture: str


def find_roles(sheet: Sheet) -> Roles:
    """The columns by their names and cells."""
    picture = next((name for name in sheet.columns if _is_picture(sheet.cells(name))), "")
    keys = [name for name in sheet.columns if name != picture and _is_key(name, sheet.cells(name))]
    key = min(keys, key=lambda name: (_rank(name, _KEY_NAMES), sheet.columns.index(name)), default="")
    texts = [name for name in sheet.columns if name not in (picture, key) and any(sheet.cells(name))]
    prompt = min(
        texts,
        key=lambda name: (_is_constant(sheet.cells(name)), _rank(name, _PROMPT_NAMES), -_words(sheet.cells(name))),
        default="",
    )
    return Roles(key=key, prompt=prompt, picture=picture)


def manifest_for(sheet: Sheet | None, *, file: str, batch: str, provider: str, name: str, model: Model) -> str:
    """The manifest's text. `file` is its own name, `batch` the name of the output folder, `name` that of the model."""
    clips = _example() if sheet is None else _clips_of(sheet, has_ratio="aspect_ratio" in _shape_of(model))
    rehearsal = provider == "emulator"
    how = (
        "With `provider: emulator` nothing is sent over the network and nothing costs money. For real clips, write\n"
        "# another provider there, and put its key into the environment or a file .env (see .env.example)."
        if rehearsal
        else "Put the key into the environment or a file .env beside this one (see .env.example). To rehearse\n"
        f"# without cost: batchvid run {file} --set defaults.provider=emulator"
    )
    return f"""# yaml-language-server: $schema={SCHEMA_NAME}
# A manifest for batchvid. Show what it would do, then run it:
#   batchvid plan {file}
#   batchvid run {file}
# {how}
batch: {batch}{" " * max(1, 32 - len(batch))}# clips go to outputs/{batch}/ beside this file
budget: {{usd: 5}}                       # never exceeded
defaults:
  provider: {provider}
  model: {name}{" " * max(1, 30 - len(name))}# `batchvid models` lists all models
{_shape_of(model)}clips:
{clips}"""


def _shape_of(model: Model) -> str:
    """The shortest length and the usual ratio of the model, where it has a choice."""
    steps = [step for step in model.durations_s if step not in model.doubtful_durations_s]
    lines = [f"  duration_s: {min(steps):g}\n"] if steps else []
    if "16:9" in model.aspect_ratios or not model.aspect_ratios:
        lines.append("  aspect_ratio: 16:9\n")
    return "".join(lines)


def _example() -> str:
    return """  - id: kite
    prompt: A paper kite drifting above a {{ field }} field on a windy afternoon
    matrix: {field: [wheat, poppy], aspect_ratio: [16:9, 9:16]}
    takes: 1                           # variants of each clip

  # One clip for each row of a spreadsheet (XLSX, ODS, CSV); its columns are variables:
  # - id: "{{ sku }}"
  #   rows: products.csv
  #   prompt: "{{ name }} on a marble table, {{ mood }}"
  #   image: "pictures/{{ packshot }}"
"""


def _clips_of(sheet: Sheet, *, has_ratio: bool) -> str:
    roles, known = find_roles(sheet), sheet.columns
    lines = []
    if roles.key:
        lines.append(f"id: '{_template(roles.key, known)}'")
    else:
        lines.append("id: 'clip-{{ hash }}'                # no column names each row: a short hash of the row")
    lines.append(f"rows: {_quoted(sheet.file)}")
    subject = _template(roles.prompt, known) if roles.prompt else "A product"
    is_sentence = roles.prompt and _words(sheet.cells(roles.prompt)) >= len(sheet.rows) * 3
    lines.append(f"prompt: '{subject}'" if is_sentence else f"prompt: '{subject} on a marble table in morning light'")
    if roles.picture:
        above = f"{sheet.picture_folder}/" if sheet.picture_folder else ""
        lines.append(f"image: {_in_quotes(above + _template(roles.picture, known))}")
        if has_ratio and not any("://" in cell for cell in sheet.cells(roles.picture)):
            lines.append(
                "fit: cover                         # crops the pictures to the ratio; converts HEIC, TIFF, ..."
            )
    body = "\n    ".join(lines)
    names = ", ".join(_template(name, known) for name in known)
    return f"  # The columns: {names}\n  - {body}\n"


def _template(column: str, known: tuple[str, ...]) -> str:
    return f"{{{{ {written_name(column, known)} }}}}"


def _quoted(text: str) -> str:
    return _in_quotes(text) if re.search(r"[^A-Za-z0-9_./-]", text) else text


def _in_quotes(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_picture(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(_PICTURE.fullmatch(cell) for cell in filled)


def _is_constant(cells: Sequence[str]) -> bool:
    """Whether all rows have the same text: with such a column alone, all prompts would be equal."""
    return len(cells) > 1 and len(set(cells)) == 1


def _is_key(name: str, cells: Sequence[str]) -> bool:
    """Whether each row has a short value of its own, which is no text: a text changes, and so would the id."""
    if not all(cells) or len(set(cells)) < len(cells) or max(map(len, cells), default=0) > MAX_ID_CHARS:
        return False
    is_named = _rank(name, _KEY_NAMES) < len(_KEY_NAMES)
    return is_named or all(_CODE.fullmatch(cell) for cell in cells)


def _rank(name: str, names: Sequence[str]) -> int:
    """The place of a column's name in a list of usual names; behind all of them if it is none."""
    words = re.split(r"[\W_]+", name.casefold())
    return next((place for place, usual in enumerate(names) if usual in words), len(names))


def _words(cells: Sequence[str]) -> int:
    return sum(len(cell.split()) for cell in cells if _TWO_WORDS.search(cell))
