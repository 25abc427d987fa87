"""Explains a key that the manifest does not have: what is probably meant, or where it belongs. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from batchvid.manifest.schema import models
from batchvid.near_matches import near_matches

MIN_LIKENESS = 0.65  # of difflib: camera_motion is no aspect_ratio
MAX_LISTED = 14  # keys of one mapping in a message
_OTHER_NAMES: Mapping[str, str] = {
    "prompt": "text description caption scene beschreibung description_text texte texto descripcion testo 提示词",
    "duration_s": "duration seconds secs length time dauer laenge länge duree durée duracion duración durata",
    "aspect_ratio": "ratio aspect format orientation seitenverhältnis seitenverhaeltnis relacion proporcion",
    "resolution": "size quality aufloesung auflösung",
    "image": "first_frame start_frame start_image picture photo bild img image_url foto imagen immagine",
    "end_image": "last_frame end_frame last_image",
    "reference_images": "references reference_image",
    "model": "modell modele modèle modelo modello engine",
    "takes": "count n variants variations versions num anzahl copies repeat",
    "rows": "csv sheet table spreadsheet data tabelle file xlsx",
    "where": "filter condition if when",
    "sound": "audio_on with_sound generate_audio",
    "id": "name title",
    "negative_prompt": "negative neg",
    "vars": "variables",
    "clips": "prompts videos jobs scenes shots tasks",
    "batch": "project name title",
}
_FIELD_OF: dict[str, tuple[str, ...]] = {}
for _field, _names in _OTHER_NAMES.items():
    for _name in _names.split():
        _FIELD_OF[_name] = (*_FIELD_OF.get(_name, ()), _field)


def explain_unknown_key(key: str, path: Sequence[str | int], allowed: Collection[str]) -> str:
    """Why the key is unknown, as a sentence. `path` leads to the mapping with the key; `allowed` are its keys."""
    plain = _plain(key)
    if plain in allowed:
        return f"unknown key; write {plain}:"
    if found := [field for field in _FIELD_OF.get(plain, ()) if field in allowed]:
        return f"unknown key; did you mean {found[0]}? batchvid schema lists all keys"
    if elsewhere := _elsewhere(plain, path):
        return f"unknown key; {elsewhere}"
    if near := near_matches(key, allowed, limit=3, cutoff=MIN_LIKENESS):
        return f"unknown key; did you mean {' or '.join(near)}? batchvid schema lists all keys"
    if " " in key.strip():
        return "unknown key; if it belongs to the text above it, put the whole text in quotes, on one line"
    if len(allowed) > MAX_LISTED and path:
        return "unknown key; batchvid schema lists all keys"
    return f"unknown key; Allowed: {', '.join(sorted(allowed))}"


def is_written(key: str, entry: Any) -> bool:
    """Whether the key is there in another spelling, such as `ID`."""
    return isinstance(entry, Mapping) and any(other != key and _plain(str(other)) == key for other in entry)


def _elsewhere(key: str, path: Sequence[str | int]) -> str:
    """Where a key that is written in the wrong mapping belongs."""
    in_clip = len(path) == 2 and path[0] == "clips"
    if (in_clip or list(path) == ["defaults"]) and key in models.ManifestModel.model_fields:
        return f"{key} belongs to the whole manifest: write {key}: at the beginning of a line, beside clips:"
    if list(path) == ["defaults"] and key in models.ClipEntry.model_fields:
        return f"{key} belongs in a clip, below its - id:"
    if path or key not in models.ClipEntry.model_fields:
        return ""
    if key in models.ClipFields.model_fields and key not in ("prompt", "image"):
        return f"{key} belongs in a clip, or for all clips: defaults: {{{key}: ...}}"
    return f"{key} belongs in a clip: write a line clips:, and below it - id: kite, and below that {key}:"


def _plain(key: str) -> str:
    """The key in lower case, with _ between its words and without quotation marks."""
    text = unicodedata.normalize("NFKC", key).strip("\"'“”„‚‘’«» \u200b\ufeff").casefold()
    return "_".join(text.replace("-", " ").replace("_", " ").split())
