"""What can be bought where: the catalogue, overridden by the user's files and by the manifest."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from batchvid import catalog, manifest
from batchvid.catalog import user_files
from batchvid.catalog.provider import overridden
from batchvid.catalog.wire_formats import define_for
from batchvid.domain.job_spec import JobSpec
from batchvid.errors import Unsupported, UsageError
from batchvid.manifest import JobProblem
from batchvid.planning.routing import check, find_route, suggest_models
from batchvid.quoting import shortened

FILE_ONLY = frozenset(
    {
        "wait_initial_s", "grace_s", "read_timeout_s", "submit_read_timeout_s", "total_timeout_s",
        "submit_total_timeout_s", "max_clip_bytes",
    }
)  # fmt: skip
"""Numbers of a provider that only the user's files may set: a manifest has no need of them."""
_POSITIVE = TypeAdapter(dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]])


class Availability:
    """The models and providers for the manifests of one folder. Implements the manifest's ExternalChecks.

    `formats` are the wire formats of the user's files, and of the files that the manifest's providers name.

    Raises UsageError when one of the user's files is wrong.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.formats = user_files.define_formats(folder)
        self.models = catalog.load_models(folder)
        self._user_rows = _user_providers(folder)
        self.providers = catalog.providers(self._complete_rows())
        self._suggestions: dict[tuple[str, str], str] = {}

    def register_provider(self, name: str, provider: manifest.Provider) -> str:
        """Add a provider of the manifest, or override a known one. Returns what is wrong with it, or nothing."""
        try:
            fields = _row(provider, self._folder)
            if one := define_for(fields.get("dialect"), self._folder, self.formats):
                self.formats[one.name] = one
                fields["dialect"] = one.name
            row = overridden(self._user_rows.get(name, {}), fields)
            self.providers |= {name: catalog.providers({name: row})[name]}
        except UsageError as exc:
            return "; ".join(str(exc).splitlines())
        return ""

    def _complete_rows(self) -> dict[str, dict[str, Any]]:
        """Without the rows that only price or limit a provider of the manifest."""
        known = catalog.providers({})
        return {
            name: row for name, row in self._user_rows.items() if name in known or "base_url" in row or "dialect" in row
        }

    def job_problem(self, spec: JobSpec, bad_providers: Collection[str]) -> JobProblem | None:
        """Why the job cannot be bought, or nothing."""
        if spec.provider not in self.providers and spec.provider in bad_providers:
            return None  # its model may be that provider's own id
        try:
            route = find_route(spec, self.providers, self.models)
            check(spec, route)
        except Unsupported as exc:
            problem = f"{exc.field}: {shortened(spec.request.model)}: {exc.reason}"
            if exc.field == "options":  # another model is no way to say what the manifest's own key says
                return JobProblem((exc.field,), problem)
            key = (spec.provider, problem)
            if key not in self._suggestions:  # a suggestion tries every model: once for all jobs with this problem
                self._suggestions[key] = suggest_models(spec, route.provider, self.models)
            return JobProblem((exc.field,), f"{problem}{self._suggestions[key]}")
        except UsageError as exc:
            return JobProblem(("model", "provider"), str(exc))
        return None


def _user_providers(folder: Path) -> dict[str, dict[str, Any]]:
    """The providers of the user's files, checked like those of a manifest: an API key is refused here, too."""
    rows: dict[str, dict[str, Any]] = {}
    for file in user_files.user_catalog_files(folder):
        for name, fields in user_files.read(file).providers.items():
            own = {key: value for key, value in fields.items() if key in FILE_ONLY}
            try:
                written = {key: value for key, value in fields.items() if key not in own}
                if limits := written.pop("models", {}):
                    written["models"] = {
                        name: {key: value for key, value in row.items() if key in user_files.LIMITS}
                        for name, row in limits.items()
                    }
                rows[name] = _row(manifest.Provider.model_validate(written), file.parent) | _POSITIVE.validate_python(
                    own
                )
            except ValidationError as exc:
                error = exc.errors(include_input=False)[0]
                where = ".".join(map(str, error["loc"]))
                problem = error["msg"].removeprefix("Value error, ")
                raise UsageError(f"{file}: providers.{name}: {where}: {problem}") from None
    return rows


def _row(provider: manifest.Provider, folder: Path) -> dict[str, Any]:
    """The row of a provider that stands in a file of this folder."""
    row = provider.model_dump(exclude_none=True, exclude={"budget", "models"})
    if "ca_file" in row:
        row["ca_file"] = str((folder / Path(row["ca_file"]).expanduser()).absolute())
    for limit in manifest.ModelLimits.model_fields:
        values = {model: getattr(limits, limit) for model, limits in provider.models.items()}
        if stated := {model: value for model, value in values.items() if value}:
            row[f"model_{limit}"] = stated
    return row
