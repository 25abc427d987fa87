"""docs/routes.md: what manifests/every-route.yaml buys, entry by entry."""

from __future__ import annotations

from pathlib import Path

from batchvid import commands
from batchvid.dialects import DIALECTS
from batchvid.domain.job_spec import JobSpec
from batchvid.planning.dependencies import ANY_PARENT
from batchvid.planning.routing import build_order, find_route
from tests.docs.markdown import GENERATED, table

ROOT = Path(__file__).parents[2]
INTRO = """# Routes

One clip of every kind that batchvid can buy. `manifests/every-route.yaml` holds these entries; against the emulator it
needs no key: `batchvid run manifests/every-route.yaml`.
"""


def page() -> str:
    """The whole page."""
    return f"{GENERATED}\n\n{INTRO.strip()}\n\n{route_table()}\n"


def route_table() -> str:
    """One row per entry of the manifest."""
    batch = commands.load(ROOT / "manifests" / "every-route.yaml", out=ROOT / "outputs")
    rows = []
    for placed in batch.manifest.jobs:
        spec = placed.spec
        dialect, call = _call(spec, batch)
        rows.append((f"`{spec.id}`", dialect, _kind(spec), f"`{spec.request.model}`", call))
    return table(("entry", "wire format", "from", "model", "call"), rows)


def _kind(spec: JobSpec) -> str:
    roles = {image.role for image in spec.request.images}
    kind = spec.request.action or (
        "references" if "reference" in roles else "first and last frame" if "last" in roles else
        "image" if roles else "text"
    )  # fmt: skip
    return f"{kind} {'of' if spec.request.action else 'and'} `{spec.parent}`" if spec.parent else kind


def _call(spec: JobSpec, batch: commands.Batch) -> tuple[str, str]:
    """The wire format of a job, and the paid call that it becomes: its path, and the gateway's mode."""
    route = find_route(spec, batch.providers, batch.models)
    parent = ANY_PARENT if spec.parent else None
    order = build_order(spec, model=route.model.name, terms=route.terms, parent=parent)
    request = DIALECTS[route.model.dialect].submit(order)
    mode = (request.json or {}).get("mode") if route.model.dialect == "gateway" else None
    path = f"`{route.prefix}{request.path.replace(f'/{ANY_PARENT.task_id}/', '/ID/')}`"
    return route.model.dialect, f"{path} `{mode}`" if mode else path
