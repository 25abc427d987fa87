"""The encodings in which a vendor may echo a key, for every test that looks for one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from urllib.parse import quote

ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "URL": lambda key: "".join(f"%{ord(char):02X}" for char in key),
    "URL in lower case": lambda key: "".join(f"%{ord(char):02x}" for char in key),
    "URL twice": lambda key: quote("".join(f"%{ord(char):02X}" for char in key)),
    "hex": lambda key: key.encode().hex(),
    "hex in upper case": lambda key: key.encode().hex().upper(),
    "JSON": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "JSON in JSON": lambda key: json.dumps("".join(f"\\u{ord(char):04X}" for char in key)),
    "escaped bytes": lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
    "HTML": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "HTML in hex": lambda key: "".join(f"&#x{ord(char):X};" for char in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64 of a login": lambda key: base64.b64encode(f"u:{key}:c".encode()).decode(),
    "base64 of JSON": lambda key: base64.urlsafe_b64encode(json.dumps({"key": key}).encode()).decode(),
    "cut": lambda key: key[:-1],
}
INVISIBLE = ("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\x00", "\n", "\U000e0041")


def core(encoded: str) -> str:
    """The middle of an encoding, in lower case: neither what stands before the key in it nor what neighbours change."""
    return encoded[len(encoded) // 3 : len(encoded) - len(encoded) // 4].lower()


def marks(keys: Iterable[str]) -> list[str]:
    """What must not stand anywhere, in lower case: the core of each encoding of each key."""
    return sorted({core(encode(key)) for key in keys for encode in ENCODINGS.values()})


def leaks(texts: Iterable[tuple[str, bytes]], keys: Iterable[str]) -> list[str]:
    """Which of these named texts holds a key in one of the encodings, also split by invisible characters."""
    wanted = marks(keys)
    found = []
    for name, data in texts:
        text = data.decode("utf-8", "replace").lower()
        for invisible in INVISIBLE:
            text = text.replace(invisible, "")
        found += [f"{mark!r} stands in {name}" for mark in wanted if mark in text]
    return found
