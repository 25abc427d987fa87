"""Text files as lines: encoding, byte order mark, line ends of all systems. A wrong byte is reported with its line."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from batchvid.manifest.reading.tables import BadTable
from batchvid.quoting import shortened

MAX_TEXT_BYTES = 512 * 2**20
"""Of a compressed text, unpacked. Lines are read one by one, so this bounds time and not memory."""
MAX_LINE_CHARS = 16 * 2**20

_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNICODE = re.compile(r"utf[-_]?(8|16|32)")
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1b-\x1f]")
_OTHER_ENDS = re.compile("[\x85\u2028\u2029]")


def encoding_of(head: bytes, declared: str = "") -> str:
    """The codec for a text that begins so; UTF-8 when nothing shows another one."""
    for mark, name in _MARKS:
        if head.startswith(mark) and (not declared or _UNICODE.match(declared)):
            return name
    return declared or _utf_without_mark(head) or "utf-8"


def _utf_without_mark(head: bytes) -> str:
    """UTF-16 or UTF-32 by where the zero bytes of ASCII characters are; empty if it is neither."""
    head = head[: len(head) // 4 * 4]
    if b"\0" not in head:
        return ""
    quarter = len(head) / 4
    zeros = [head[offset::4].count(0) / quarter for offset in range(4)]
    if zeros[3] == 1 and zeros[2] > 0.8 and zeros[0] < 0.5 and _decodes(head, "utf-32-le"):
        return "utf-32-le"
    if zeros[0] == 1 and zeros[1] > 0.8 and zeros[3] < 0.5 and _decodes(head, "utf-32-be"):
        return "utf-32-be"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    for many, few, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if many > 0.05 and few * 2 < many and (many > 0.9 or _is_no_utf8(head)) and _decodes(head, name):
            return name
    return ""


def _is_no_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return True
    return bool(_CONTROL.search(head))


def _decodes(head: bytes, name: str) -> bool:
    try:
        codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


class TextLines:
    """The decoded lines of a file with their ends. `number` counts them; `last` is the latest one."""

    def __init__(self, file: BinaryIO, encoding: str, max_line_chars: int = MAX_LINE_CHARS) -> None:
        self.encoding = encoding
        self.max_line_chars = max_line_chars
        self.number = 0
        self.last = ""
        is_wide = encoding.startswith(("utf-16", "utf-32"))
        self._text = io.TextIOWrapper(file, encoding, errors="strict" if is_wide else "surrogateescape", newline="")
        self._pieces: Iterator[str] = iter(())

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._pieces, None)
        if line is None:
            line = self._read()
            if self.number == 0 and _OTHER_ENDS.search(line) and not line.endswith(("\n", "\r")):
                self._pieces = iter(_split_other_ends(line))  # mainframes and editors that end lines in their own way
                line = next(self._pieces)
        self.number += 1
        self.last = line
        self._check(line)
        return line.rstrip("\x1a") if line.endswith("\x1a") else line

    def _read(self) -> str:
        try:
            line = self._text.readline(self.max_line_chars + 1)
        except UnicodeError as exc:
            name = self.encoding[:6].upper()
            raise BadTable(f"line {self.number + 1}: is not valid {name}: {_reason(exc)}; save it as UTF-8") from None
        if not line:
            raise StopIteration
        if len(line) > self.max_line_chars:
            raise BadTable(f"line {self.number + 1}: has more than {self.max_line_chars:,} characters")
        return line

    def _check(self, line: str) -> None:
        if not line.isascii() and (found := _SURROGATE.search(line)):
            raise BadTable(f"line {self.number}: {self._wrong_byte(line, found.start())}")
        if "\0" in line:
            raise BadTable(f"line {self.number}: contains a zero byte; this is not a text file")

    def _wrong_byte(self, line: str, index: int) -> str:
        byte = ord(line[index]) - 0xDC00
        if not 0x80 <= byte <= 0xFF:
            return "contains half of a surrogate pair, which is no character"
        if not self.encoding.startswith("utf-8"):
            return f"byte 0x{byte:02x} is not {self.encoding}; write the right encoding, or save it as CSV UTF-8"
        data = line.encode("utf-8", "surrogateescape")
        if _is_east_asian(data):
            return (
                'is not UTF-8, and has letters of East Asia; save it as "CSV UTF-8", or write encoding: shift_jis, '
                "gb18030, big5 or euc-kr beside file: under rows"
            )
        at = len(line[:index].encode("utf-8", "surrogateescape"))
        name = "cp1251" if _CYRILLIC.search(data) else "cp1252"
        word = next(match[0] for match in re.finditer(rb"[^\s,;\t]+", data) if match.end() > at)
        shown = shortened(repr(word.decode(name, "replace")), 40)
        return (
            f"byte 0x{byte:02x} at column {at + 1} is not UTF-8 ({shown} in "
            f'{_NAMES[name]}); save it as "CSV UTF-8", or write encoding: {name} beside file: under rows'
        )


_NAMES = {"cp1251": "Windows-1251", "cp1252": "Windows-1252"}
_CYRILLIC = re.compile(rb"(?<![\x80-\xff])[\xc0-\xff]{4,}")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uff61-\uff9f\uac00-\ud7a3]")


def _is_east_asian(data: bytes) -> bool:
    """Whether a text in a one-byte encoding of Europe cannot be it: signs in place of letters, and pairs of bytes."""
    high = [byte for byte in data if byte >= 0x80]
    if len(high) < 4 or _CYRILLIC.search(data):
        return False
    western = data.decode("cp1252", "replace")
    letters = sum(c.isalpha() and not c.isascii() for c in western)
    for name in ("shift_jis", "gb18030", "big5", "euc-kr"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if letters * 2 <= len(high) and len(_EAST_ASIAN.findall(text)) * 2 >= len(high) * 0.8:
            return True
    return False


def _reason(exc: UnicodeError) -> str:
    return exc.reason if isinstance(exc, UnicodeDecodeError) else str(exc)


def _split_other_ends(line: str) -> list[str]:
    parts = _OTHER_ENDS.split(line)
    return [*(f"{part}\n" for part in parts[:-1]), *parts[-1:]] if parts[-1] else [f"{part}\n" for part in parts[:-1]]
