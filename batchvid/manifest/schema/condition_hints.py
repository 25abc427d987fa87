"""Corrects usual mistakes in conditions of `where`: SQL, other languages, missing quotes, names of columns. Pure.

A correction is offered only if the caller's `works` accepts it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.schema.variable_names import normalized, written_name
from batchvid.near_matches import near_matches
from batchvid.quoting import quoted, shortened

MAX_NAMED_COLUMNS = 20
_STRING = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_TOKEN = re.compile(rf"{_STRING}|\s+|\w+|&&|\|\||<>|=>|=<|===|!==|==|!=|>=|<=|.", re.DOTALL)
_QUOTES = str.maketrans("“”„‟«»″‘’‚‛′", '"""""""\'\'\'\'\'')
_OPERATORS = {
    "&&": " and ", "&": " and ", "||": " or ", "!": " not ", "<>": "!=", "=>": ">=", "=<": "<=", "===": "==",
    "!==": "!=", "=": "==", "≠": "!=", "≤": "<=", "≥": ">=", ";": " and ",
}  # fmt: skip
_KEYWORDS = {"and", "or", "not", "in", "is", "true", "false", "none", "if", "else"}
_OTHER_WORDS = {"null": "none", "nil": "none", "und": "and", "oder": "or", "nicht": "not"}
_NAME = r'(?P<name>\w+(?:\[(?:"[^"]*"|\'[^\']*\')\])?)'
_TEXT = rf"(?P<text>{_STRING})"
_PHRASES: tuple[tuple[str, str], ...] = (
    (rf"{_NAME}\s*==\s*{_TEXT}\s+or\s+(?P<other>{_STRING})(?!\s*(?:[=!<>]|in\b))", "{name} in [{text}, {other}]"),
    (rf"{_NAME}\s*!=\s*{_TEXT}\s+(?:and|or)\s+(?P<other>{_STRING})(?!\s*[=!<>])", "{name} not in [{text}, {other}]"),
    (r"(?P<name>\b\w+)\s*==\s*(?P<one>\d+)\s+or\s+(?P<other>\d+)(?!\s*[=!<>.\d])", "{name} in [{one}, {other}]"),
    (rf"{_NAME}\s*(?:=?~|(?:matches|regexp|rlike)\b)\s*{_TEXT}", "{found}"),
    (r"(?P<operator>[<>=]=?\s*)(?P<date>\d{4}-\d\d-\d\d)(?!\w)", '{operator}"{date}"'),
    (r"(?P<operator>[=!]=\s*)(?P<date>\d\d?[./]\d\d?[./]\d+)", '{operator}"{date}"'),
    (rf"{_NAME}\.(?:contains|includes)\({_TEXT}\)", "{found}"),
    (r"\b(?P<name>\w+)\.startsWith\(", "{name}.startswith("),
    (r"\b(?P<name>\w+)\.endsWith\(", "{name}.endswith("),
    (r"\b(?P<name>\w+)\.to(?P<case>Lower|Upper)Case\(", "{name}.{case}("),
    (r"\bnot\s+(?:is_?)?(?:empty|blank|null)\((?P<name>\w+)\)", '{name} != ""'),
    (r"\b(?:is_?)?not_?(?:empty|blank|null)\((?P<name>\w+)\)", '{name} != ""'),
    (r"\b(?:is_?)?(?:empty|blank|null)\((?P<name>\w+)\)", '{name} == ""'),
    (
        rf"{_NAME}\s*(?P<first>[<>=!]=?)\s*(?P<low>{_STRING}|[\d.]+)\s+(?P<both>and|or)\s+(?P<second>[<>=!]=?)",
        "{name} {first} {low} {both} {name} {second}",
    ),
    (r"\blen\((?P<name>\w+)\)", "{name}|length"),
    (r"\b(?P<function>lower|upper|trim|length|int|float|abs|round)\((?P<name>\w+)\)", "{name}|{function}"),
    (r"(?P<operator>[<>=]\s*)[€$£¥]\s*(?=\d)", "{operator}"),
    (r"(?P<digits>[<>=]\s*\d+(?:[.,]\d+)?)\s*(?:[€$£¥%]|(?:EUR|USD|GBP|CHF)\b)", "{digits}"),
    (r"(?P<whole>[<>=]\s*\d+),(?P<rest>\d+)\b", "{whole}.{rest}"),
    (rf"^{_NAME}\s*:\s*(?=\S)", "{name} == "),
    (r"(?P<left>\|\s*(?:float|int)(?:\([^)]*\))?\s*[<>=!]=?\s*)[\"'](?P<number>[\d.]+)[\"']", "{left}{number}"),
    (rf"{_NAME}\s+is\s+not\s+(?:none|null|empty|blank)\b", '{name} != ""'),
    (rf"{_NAME}\s+is\s+(?:none|null|empty|blank)\b", '{name} == ""'),
    (rf"{_NAME}\s+(?:does\s+)?not\s+(?:i?like|contains?|includes?)\s+{_TEXT}", "not ({found})"),
    (rf"{_NAME}\s+(?:i?like|contains?|includes?|has)\s+{_TEXT}", "{found}"),
    (rf"{_NAME}\s+(?:starts?_?\s?with|begins?\s+with)\s+{_TEXT}", "{name}.startswith({text})"),
    (rf"{_NAME}\s+(?:ends?_?\s?with)\s+{_TEXT}", "{name}.endswith({text})"),
    (rf"{_NAME}\s+(?:not\s+equals?|is\s+not)\s+{_TEXT}", "{name} != {text}"),
    (rf"{_NAME}\s+(?:equals?|eq|is)\s+{_TEXT}", "{name} == {text}"),
    (
        r"\b(?P<name>\w+)\s+is\s+(?!(?:not|none|true|false|defined|number|odd|even|in)\b)(?P<word>[^\W\d]\w*)\s*$",
        '{name} == "{word}"',
    ),
    (rf"{_NAME}\s+not\s+between\s+(?P<low>[^\s]+)\s+and\s+(?P<high>[^\s]+)", "not ({low} <= {name} <= {high})"),
    (rf"{_NAME}\s+between\s+(?P<low>[^\s]+)\s+and\s+(?P<high>[^\s]+)", "{low} <= {name} <= {high}"),
)
_BARE = re.compile(
    r"(?P<operator>(?:==|!=)\s*)(?P<words>(?:\d+)?[^\W\d][^\"'()\[\]=!<>|]*?)(?=\s*(?:$|\)|\band\b|\bor\b))"
)
_OPEN_TEXT = re.compile(r"(?P<operator>(?:==|!=|<|>)\s*)(?P<quote>[\"'])(?P<words>[^\"']*)$")
_CLOSED_TEXT = re.compile(r"(?P<operator>(?:==|!=)\s*)(?P<words>[^\W\d][^\"'()\[\]=!<>|]*)[\"']\s*$")
_ITEMS = re.compile(r"\bin\s*(?:[\[(](?P<listed>[^\])]+)[\])]|(?P<bare>\w+(?:\s*,\s*\w+)+))")
_SEARCHED = re.compile(r"(?<![\w\"'.|])(?P<word>[^\W\d]\w*)(?P<rest>\s+(?:not\s+)?in\s+\w+)")
_SQL_NAME = re.compile(r"(?<![\w\])])\[\s*(?P<name>[^\W\d]\w*)\s*\](?=\s*(?:[=!<>]|is\b|in\b|like\b))", re.IGNORECASE)
_YAML_STARTS = "\"'[]{}!&*?|>%@`#-,:"


def correct(text: str, columns: tuple[str, ...], works: Callable[[str], bool]) -> str:
    """The condition that is probably meant, as it is written after `where:`; empty if none is found."""
    for candidate in _candidates(text, columns):
        if candidate != text and works(candidate):
            return _in_yaml(candidate)
    return ""


def condition_text(value: Any) -> Any:
    """The condition as it is written. Raises ValueError for a mapping or a list, with what to write instead."""
    if isinstance(value, Mapping):
        kind, parts = "mapping", [_equal(normalized(str(name)) or "column", wanted) for name, wanted in value.items()]
    elif isinstance(value, list):
        kind, parts = "list", [part for part in value if isinstance(part, str)]
    else:
        return value
    hint = _in_yaml(" and ".join(parts) or 'status == "ready"')
    raise ValueError(f"must be one text, not a {kind}; write where: {hint}")


def _equal(name: str, wanted: Any) -> str:
    if isinstance(wanted, list):
        return f"{name} in [{', '.join(_literal(one) for one in wanted)}]"
    return f"{name} == {_literal(wanted)}"


def _literal(value: Any) -> str:
    text = isinstance(value, str) or value is None
    return json.dumps(value or "", ensure_ascii=False) if text else text_of(value)


def describe_unknown(name: str, columns: tuple[str, ...], hint: str) -> str:
    """The message for a name that no column has."""
    shown = [written_name(column, columns) for column in columns if column != "row"]
    more = f" and {len(shown) - MAX_NAMED_COLUMNS} more" if len(shown) > MAX_NAMED_COLUMNS else ""
    there_is = f"there is: {shortened(', '.join(shown[:MAX_NAMED_COLUMNS]), 400)}{more}" if shown else "there is none"
    write = f"; write {hint}" if hint else ""
    return f"no column is called {quoted(name)}{write} ({there_is})"


def _candidates(text: str, columns: tuple[str, ...]) -> Iterator[str]:
    """The text with more and more changes; each stage includes those before it."""
    text = _tidy(_unwrapped(text.translate(_QUOTES)))
    yield text
    text = _tidy(_with_phrases(_tidy(_with_names(_with_operators(text), columns))))
    yield text
    for pattern in (_OPEN_TEXT, _CLOSED_TEXT):
        yield pattern.sub(_quoted_words, text)
    text = _BARE.sub(lambda match: _quoted_unless_known(match, columns), text)
    yield text
    text = _ITEMS.sub(lambda match: _quoted_items(match, columns), text)
    yield text
    yield _SEARCHED.sub(lambda match: _quoted_search(match, columns), text)
    yield _with_near_names(text, columns)


def _unwrapped(text: str) -> str:
    text = text.strip()
    for pattern in (r"\{%-?\s*if\b(.*?)-?%\}.*", r"\{\{(.*?)\}\}", r"\$\{(.*?)\}"):
        text = re.sub(pattern, r"\1", text, flags=re.DOTALL).strip()
    text = re.sub(r"`([^`]*)`|[$@](?=[^\W\d])", lambda match: match[1] or "", text)
    text = _SQL_NAME.sub(r"\g<name>", text)
    return re.sub(r"^(?:where|when|if)\b\s*:?|[;:]\s*$", "", text, flags=re.IGNORECASE).strip()


def _with_operators(text: str) -> str:
    return "".join(_operator(token) for token in _TOKEN.findall(text))


def _operator(token: str) -> str:
    lowered = token.lower()
    if lowered in _KEYWORDS:
        return lowered
    return _OTHER_WORDS.get(lowered) or _OPERATORS.get(token, token)


def _with_names(text: str, columns: tuple[str, ...]) -> str:
    """The names of columns with blanks or signs in them, and quoted ones before an operator, as they are written."""
    for column in sorted(columns, key=len, reverse=True):
        written = written_name(column, columns)
        if written != column or not column.isidentifier():
            name = r"\s+".join(map(re.escape, column.split()))
            pattern = re.compile(rf"(?P<text>{_STRING})|\[?(?<![\w]){name}(?![\w])\]?", re.IGNORECASE)
            text = pattern.sub(lambda match, written=written: match["text"] or written, text)  # type: ignore[misc]
    known = {normalized(column).casefold(): column for column in columns}

    def unquoted(match: re.Match[str]) -> str:
        column = known.get(normalized(match["text"][1:-1]).casefold())
        return match[0] if column is None else f"{written_name(column, columns)}{match['rest']}"

    return re.sub(rf"(?<!\[){_TEXT}(?P<rest>\s*(?:==|!=|<=|>=|<|>|\bis\b|\bin\b|\blike\b))", unquoted, text)


def _with_phrases(text: str) -> str:
    for pattern, replacement in _PHRASES:
        text = re.sub(pattern, lambda match, to=replacement: _phrase(match, to), text, flags=re.IGNORECASE)  # type: ignore[misc]
    return text


def _phrase(match: re.Match[str], replacement: str) -> str:
    found = {
        name: value.lower() if name in ("case", "function") else value for name, value in match.groupdict().items()
    }
    if "{found}" in replacement:
        found["found"] = _like(found["name"], found["text"])
    return replacement.format_map(found)


def _like(name: str, text: str) -> str:
    """SQL's LIKE with `%` at the ends; without any, the text is searched."""
    inner = text[1:-1]
    bare = json.dumps(inner.strip("%"), ensure_ascii=False)
    if inner.startswith("%") is inner.endswith("%"):
        return f"{bare} in {name}"
    return f"{name}.endswith({bare})" if inner.startswith("%") else f"{name}.startswith({bare})"


def _tidy(text: str) -> str:
    return (
        "".join(token if token[0] in "\"'" else re.sub(r"\s+", " ", token) for token in _TOKEN.findall(text))
        .replace("( ", "(")
        .strip()
    )


def _quoted_words(match: re.Match[str]) -> str:
    return f"{match['operator']}{json.dumps(match['words'].strip(), ensure_ascii=False)}"


def _quoted_unless_known(match: re.Match[str], columns: Sequence[str]) -> str:
    words = match["words"].strip()
    is_known = words.lower() in _KEYWORDS or words in columns or words in map(normalized, columns)
    return match[0] if is_known else _quoted_words(match)


def _quoted_search(match: re.Match[str], columns: Sequence[str]) -> str:
    is_known = match["word"].lower() in _KEYWORDS or match["word"] in {written_name(one, columns) for one in columns}
    return match[0] if is_known else f'"{match["word"]}"{match["rest"]}'


def _with_near_names(text: str, columns: tuple[str, ...]) -> str:
    """Names that no column has, replaced by the nearest column."""
    written = {written_name(column, columns): column for column in columns}

    def near(token: str) -> str:
        if not token.isidentifier() or token in _KEYWORDS or token in written:
            return token
        close = near_matches(token, written, limit=1)
        return close[0] if close else token

    return _changed_names(text, near)


def _quoted_items(match: re.Match[str], columns: tuple[str, ...]) -> str:
    """A list whose items are texts, unless they are columns, numbers or texts already."""
    written = {written_name(column, columns) for column in columns}

    def item(words: str) -> str:
        is_value = words in written or words in _KEYWORDS or re.fullmatch(rf"{_STRING}|[-\d.]+", words)
        return words if is_value else json.dumps(words, ensure_ascii=False)

    return f"in [{', '.join(item(words.strip()) for words in (match['listed'] or match['bare']).split(','))}]"


def _changed_names(text: str, change: Callable[[str], str]) -> str:
    """The text with its names changed, but no filter, test, method, or name in quotes."""
    parts, before = [], ""
    tokens = _TOKEN.findall(text)
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        parts.append(token if before in ("|", ".", "is") or after == "(" else change(token))
        if not token.isspace() and (before, token) != ("is", "not"):
            before = token
    return "".join(parts)


def _in_yaml(text: str) -> str:
    """The text as YAML reads it after `where: `."""
    if text[0] in _YAML_STARTS or ": " in text or " #" in text or text.endswith(":"):
        return "'" + text.replace("'", "''") + "'"
    return text
