"""What can be bought where for one manifest: the catalogue, with the user's own files and the manifest laid over it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from batchvid import catalog, manifest
from batchvid.catalog import user_files
from batchvid.domain.job_spec import JobSpec
from batchvid.errors import Unsupported, UsageError
from batchvid.planning.routing import check, find_route, suggest_models


class Availability:
    """The models and providers for manifests in one folder; tells a manifest what cannot be bought (manifest.Beyond).

    Raises UsageError where one of the user's own files is wrong.
    """

    def __init__(self, folder: Path) -> None:
        self.models = catalog.load_models(folder)
        self._own = _own_providers(folder)
        self.providers = catalog.providers(self._own)
        self._told: dict[str, str] = {}

    def provider_problem(self, name: str, said: manifest.Provider) -> str:
        """See manifest.Beyond."""
        try:
            row = {**self._own.get(name, {}), **_row(said)}
            self.providers |= {name: catalog.providers({name: row})[name]}
        except UsageError as exc:
            return str(exc)
        return ""

    def job_problem(self, spec: JobSpec, unsound: Collection[str]) -> str:
        """See manifest.Beyond."""
        if spec.provider not in self.providers and spec.provider in unsound:
            return self._model_problem(spec)
        try:
            route = find_route(spec, self.providers, self.models)
            check(spec, route)
        except Unsupported as exc:
            problem = f"{exc.field}: {spec.model}: {exc.reason}"
            if problem not in self._told:  # looking for a way out tries every model: once for all jobs alike
                self._told[problem] = f"{problem}{suggest_models(spec, route.provider, self.models)}"
            return self._told[problem]
        except UsageError as exc:
            return str(exc)
        return ""

    def _model_problem(self, spec: JobSpec) -> str:
        try:
            self.models.find(spec.model)
        except UsageError as exc:
            return str(exc)
        return ""


def _own_providers(folder: Path) -> dict[str, dict[str, Any]]:
    """The providers of the user's own files, checked like those of a manifest: a key itself is refused there, too."""
    rows: dict[str, dict[str, Any]] = {}
    for file in user_files.user_catalog_files(folder):
        for name, said in user_files.read(file).providers.items():
            try:
                rows[name] = _row(manifest.Provider.model_validate(said))
            except ValidationError as exc:
                error = exc.errors(include_input=False)[0]
                where = ".".join(map(str, error["loc"]))
                raise UsageError(f"{file}: providers.{name}: {where}: {error['msg']}") from None
    return rows


def _row(said: manifest.Provider) -> dict[str, Any]:
    row = said.model_dump(exclude_none=True, exclude={"budget", "models"})
    for limit in manifest.ModelLimits.model_fields:
        if narrowed := {model: value for model, one in said.models.items() if (value := getattr(one, limit))}:
            row[f"model_{limit}"] = narrowed
    return row
