"""What a file is, by its bytes. Names the kinds that are no table, so that a message can say what was given."""

from __future__ import annotations

import codecs
import html
import re
from enum import StrEnum
from typing import NamedTuple

from batchvid.manifest.reading.drawn_tables import is_aligned, is_drawn

HEAD_BYTES = 64 * 1024
"""How much of a file's begin `kind_of` needs."""

YAML = "a YAML file"
_SAVE = "save it as XLSX or CSV UTF-8"


class Kind(StrEnum):
    """How a file must be read."""

    TEXT = "text"
    JSON = "json"
    ZIP = "zip"
    OLE = "ole"
    GZIP = "gzip"
    DRAWN = "drawn"
    OTHER = "other"


class Found(NamedTuple):
    """A kind; for `OTHER` and for what looks like it, what the file is and what to do."""

    kind: Kind
    name: str = ""
    remedy: str = ""


_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", f"open the table that it was made from, and {_SAVE}"),
    (b"{\\rtf", "an RTF document", f"open it, copy the table into a spreadsheet, and {_SAVE}"),
    (b"\x89PNG", "a PNG image", ""),
    (b"\xff\xd8\xff", "a JPEG image", ""),
    (b"GIF8", "a GIF image", ""),
    (b"II*\0", "a TIFF image", ""),
    (b"MM\0*", "a TIFF image", ""),
    (b"8BPS", "a Photoshop file", ""),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)", ""),
    (b"OggS", "an Ogg audio or video file", ""),
    (b"ID3", "an MP3 audio file", ""),
    (b"fLaC", "a FLAC audio file", ""),
    (b"SQLite format 3\0", "an SQLite database", "export its table as CSV: sqlite3 -header -csv FILE 'select ...'"),
    (b"\0\1\0\0Standard ", "an Access database", "export its table as CSV"),
    (b"PAR1", "a Parquet file", "write it as CSV or JSONL, for example with pandas: read_parquet(...).to_csv(...)"),
    (b"ARROW1", "an Arrow (Feather) file", "write it as CSV or JSONL"),
    (b"ORC", "an ORC file", "write it as CSV or JSONL"),
    (b"Obj\x01", "an Avro file", "write it as CSV or JSONL"),
    (b"\x89HDF", "an HDF5 file", "write it as CSV or JSONL"),
    (b"\x93NUMPY", "a NumPy array", "write it as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, and name the table in it"),
    (b"Rar!", "a RAR archive", "unpack it, and name the table in it"),
    (b"BZh", "a bzip2 archive", "unpack it with bunzip2, or compress the table with gzip"),
    (b"\xfd7zXZ", "an xz archive", "unpack it with unxz, or compress the table with gzip"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it with unzstd, or compress the table with gzip"),
    (b"bplist00", "an Apple property list, or a file that is still in iCloud", "download it, or " + _SAVE),
    (b"\x00\x05\x16\x07", "an AppleDouble file (._ before the name)", "name the file without ._"),
    (b"L\0\0\0\x01\x14\x02\0", "a Windows shortcut", "name the file that it leads to"),
    (b"[InternetShortcut]", "a link to a web page", "download the table, and name that file"),
    (b"\x80\x04\x95", "a Python pickle", "write it as CSV or JSONL"),
    (b"\x7fELF", "a program", ""),
    (b"MZ\x90\0", "a program", ""),
    (b"<<<<<<< ", "a file with a merge conflict", "resolve the conflict first"),
    (b"version https://git-lfs.github.com/", "a pointer of Git LFS, not the file", "fetch the file with: git lfs pull"),
    (b"MIME-Version:", "a web archive (MHTML)", f"open it in a spreadsheet program, and {_SAVE}"),
    (b"ID;P", "a SYLK file", f"open it in a spreadsheet program, and {_SAVE}"),
    (b"BEGIN:VC", "a calendar or an address book", "export it as CSV"),
    (b"-----BEGIN ", "a key, a certificate or an encrypted message", ""),
)
_BRANDS = {b"heic": "a HEIC image", b"heix": "a HEIC image", b"mif1": "a HEIC image", b"avif": "an AVIF image"}
_RIFF = {b"WEBP": "a WebP image", b"AVI ": "an AVI video", b"WAVE": "a WAV audio file"}
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_YAML_LINE = re.compile(r"(- )?[A-Za-z_][\w-]*:( [^,;\t|]*)?$|- [^,;\t|]+$|---$")
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})<", re.IGNORECASE)

_ROOT = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*>)*<([a-z_][\w:.-]*)", re.DOTALL)
_COMMENTED_JSON = re.compile(r"(?:(?://[^\n]*\n|/\*.*?\*/)\s*)+[\[{]", re.DOTALL)
_FEEDS = ("rss", "feed", "rdf:rdf", "urlset", "channel", "products", "catalog", "opml")


def kind_of(head: bytes) -> Found:
    """What a file with this begin is. `head` has its first `HEAD_BYTES`, or all of it."""
    if head.startswith(b"\x1f\x8b"):
        return Found(Kind.GZIP)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Found(Kind.ZIP)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return Found(Kind.OLE)
    if name := _RIFF.get(head[8:12]) if head.startswith(b"RIFF") else None:
        return _picture(name)
    if head[4:8] == b"ftyp":
        return _picture(_BRANDS.get(head[8:12], "an MP4 or QuickTime video"))
    if head.startswith(b"BM") and b"\0" in head[:16]:
        return _picture("a BMP image")
    if head[257:262] == b"ustar":
        return Found(Kind.OTHER, "a tar archive", "unpack it, and name the table in it")
    for magic, name, remedy in _MAGIC:
        if head.startswith(magic):
            return Found(Kind.OTHER, name, remedy) if remedy else _picture(name)
    return Found(Kind.TEXT)


def is_binary(head: bytes) -> bool:
    """Whether a file of no known kind is no text either, in an encoding where a letter is one byte or several."""
    count = len(_CONTROL.findall(head))
    return count >= 8 and count * 20 > len(head)


def kind_of_text(text: str) -> Found:
    """What a text with this begin is."""
    begin = text.lstrip("\ufeff \t\r\n\f\v")
    if begin.startswith("<"):
        return _markup(begin)
    for magic, name, remedy in _MAGIC:
        if begin.startswith(magic.decode("latin-1")) and magic.isascii():
            return Found(Kind.OTHER, name, remedy or "name a table")
    if re.match(r"\[\s*([\[{\"\]\d-]|true|false|null|$)|\{\s*([\"}]|$)", begin):
        if '"doc_id"' in begin and "docs.google.com" in begin and len(begin) < 2000:
            return Found(Kind.OTHER, "a link to a Google Sheet", f"open it, and {_SAVE}")
        return Found(Kind.JSON)
    if _COMMENTED_JSON.match(begin):
        return Found(Kind.OTHER, "JSON with comments above it", "delete the comments")
    if begin.startswith("```"):
        return Found(Kind.OTHER, "a text in a code fence of Markdown", "delete the lines that begin with ```")
    written = begin.splitlines()
    if is_drawn(written):
        return Found(Kind.DRAWN)
    if is_aligned(written):
        return Found(
            Kind.OTHER, "a table whose columns are held apart by blanks", 'write it with a delimiter: sqlcmd -s "," -W'
        )
    lines = [line.rstrip() for line in begin.splitlines()[:40] if line.strip() and not line.startswith("#")]
    is_yaml = all(_YAML_LINE.match(line) or line.startswith("  ") for line in lines[:-1])
    if len(lines) > 1 and is_yaml and any(":" in line for line in lines):
        return Found(Kind.OTHER, YAML, "write its rows under rows: in the manifest, or name a table")
    return Found(Kind.TEXT)


def _picture(name: str) -> Found:
    return Found(
        Kind.OTHER, name, "name a table; a column of it may name pictures" if "image" in name else "name a table"
    )


def _markup(text: str) -> Found:
    low = text[:HEAD_BYTES].lower()
    if "urn:schemas-microsoft-com:office:spreadsheet" in low and "<workbook" in low:
        return Found(Kind.OTHER, "an XML spreadsheet of Excel 2003", f"open it in a spreadsheet program, and {_SAVE}")
    if "urn:oasis:names:tc:opendocument" in low:
        return Found(Kind.OTHER, "a flat XML spreadsheet (FODS)", f"open it in a spreadsheet program, and {_SAVE}")
    if "<svg" in low[:2000]:
        return _picture("an SVG image")
    root = _ROOT.match(low)
    is_xml = root is not None and (low.startswith("<?xml") or root[1] in _FEEDS) and root[1] != "html"
    if not is_xml and re.search(r"<!doctype html|<(html|head|body|table|meta|div|script|title)\b", low[:4000]):
        title = _TITLE.search(text)
        name = f' ("{" ".join(html.unescape(title[1]).split())[:80]}")' if title else ""
        if "<table" in low or "urn:schemas-microsoft-com:office" in low:
            return Found(
                Kind.OTHER, f"an HTML page{name} with a table", f"open it in a spreadsheet program, and {_SAVE}"
            )
        return Found(
            Kind.OTHER, f"an HTML page{name}", "a login or an error page came instead of the table: download it again"
        )
    if low.startswith("<?xml") or (re.match(r"<[a-z_][\w:.-]*[\s>/]", low) and ("</" in low or "/>" in low)):
        feed = " (Google Shopping)" if "base.google.com/ns" in low or "<g:" in low else ""
        feed = feed or (" (RSS or Atom)" if re.search(r"<(rss|feed|rdf:rdf)\b", low) else "")
        return Found(
            Kind.OTHER,
            f"an XML feed{feed}" if feed else "an XML file",
            "export the same data as CSV or TSV, and name it",
        )
    return Found(Kind.TEXT)
