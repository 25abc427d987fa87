"""YAML manifests: validated and expanded to JobSpecs with their places in the file."""

from batchvid.domain.job_spec import RowPlace
from batchvid.manifest.expansion.job_count import MAX_JOBS
from batchvid.manifest.load import expand, load, parse, select
from batchvid.manifest.reading.problems import Place
from batchvid.manifest.schema.json_schema import json_schema
from batchvid.manifest.schema.models import (
    BatchBudget,
    Budget,
    BudgetLimits,
    ManifestModel,
    ModelLimits,
    Provider,
)
from batchvid.manifest.source_names import source_name
from batchvid.manifest.types import EntryCounts, FetchedTable, JobProblem, Manifest, ParsedManifest, PlacedJob

__all__ = [
    "MAX_JOBS",
    "BatchBudget",
    "Budget",
    "BudgetLimits",
    "EntryCounts",
    "FetchedTable",
    "JobProblem",
    "Manifest",
    "ManifestModel",
    "ModelLimits",
    "ParsedManifest",
    "Place",
    "PlacedJob",
    "Provider",
    "RowPlace",
    "expand",
    "json_schema",
    "load",
    "parse",
    "select",
    "source_name",
]
