"""This file knows how folders of checkpoints become claims: read once, and compared with all that were read before."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.novelty import Tier
from graph.progress import Progress, Silent
from graph.records import ClaimRecord, Evidence
from graph.snapshot import Source
from graph.tables import CHANGES, SIMILAR, TENSORS
from ingest.finish import finish
from ingest.parse import PartBuilder
from ingest.reading import Item, read_all
from ingest.report import MAX_BAD_FRACTION, Report
from ingest.staging import WEIGHTS_ANEW, Staging
from ingest.weights.adapter import Bases
from ingest.weights.change import Change, Changes
from ingest.weights.compare import Comparison
from ingest.weights.device import is_gpu
from ingest.weights.folder import checkpoints
from ingest.weights.level import levelled
from ingest.weights.member import Member
from ingest.weights.near import MOST_NEAR, near_of
from ingest.weights.order import chronicle
from ingest.weights.origin import origins
from ingest.weights.parent import Origin, Parent
from ingest.weights.repository import HubReading, Repository
from ingest.weights.same_windows import FEWEST
from ingest.weights.shelf import WeightShelf
from ingest.weights.sketch_table import SketchTable
from ingest.weights.tensors import tensors_of


def shelf_of(catalogue: Catalogue) -> WeightShelf:
    """Where a catalogue keeps what was read of checkpoints."""
    return WeightShelf(catalogue.folder / "weights")


def ingest_folders(
    catalogue: Catalogue,
    paths: Sequence[Path],
    *,
    repositories: Sequence[Repository] = (),
    hub: HubReading | None = None,
    dates: Path | None = None,
    blind: bool = False,
    max_bad_fraction: float = MAX_BAD_FRACTION,
    device: str = "auto",
    progress: Progress | None = None,
) -> Report:
    """Read checkpoints under these paths and in these repositories of a Hub, find where they come from, and make the next snapshot
    HEAD.

    ``hub``: which Hub, and how much of each repository is read. ``dates``: a JSON object of upload times by model, ISO 8601;
    otherwise the catalogue's own are used. ``blind``: by their weights alone, without upload times and without what models declare
    of themselves. ``device``: what sketches and compares, see ``ingest.weights.device``. A run that was cut off is taken up by the
    next: what was read is kept. Raises BadInput, Unreachable.
    """
    progress = progress or Silent()
    found: list[Item] = [item for path in paths for item in checkpoints(path)]
    if not found and not repositories:
        raise BadInput(f"no checkpoint under {', '.join(map(str, paths))}: safetensors, GGUF and ONNX files are known")
    found += repositories
    told = _told(dates)
    is_gpu(device, worthwhile=False)  # now, if it is asked for and not there
    with catalogue.locked():
        builder = PartBuilder()
        shelf = shelf_of(catalogue)
        adapters = read_all(found, shelf, hub or HubReading(), builder, progress, device)
        kept = {model.id: model for model in shelf.members()}
        created = {} if blind else created_at(catalogue, kept) | told
        declared = {} if blind else _declared(catalogue, kept)
        dated = [replace(model, created_at=created.get(model.id)) for model in kept.values()]
        members = levelled(sorted(dated, key=lambda model: (model.created_at or LAST, model.id)), FEWEST)
        progress.start("comparing", len(members), "models")
        row = 0
        told_of: list[Origin] = []
        by_id = {model.id: model for model in members}
        order, near = chronicle(members), None
        if len(members) > MOST_NEAR:  # too many to compare each with all that are older
            near = near_of(SketchTable(shelf).refreshed(), [model.id for model in order.order]).elders
        measured, changes = Changes(), list[Change]()
        for origin in origins(order, near, declared):
            row += 1
            told_of.append(origin)
            model = by_id[origin.model]
            change = measured.add(model, origin)
            if change is not None:
                changes.append(change)
            builder.add_claims(model.id, claims_of(origin, model.tier), "weights", row, _facts(model, told))
            progress.advance(1)
        shelf.put_origins(told_of)
        progress.finish()
        tensors = {model.id: model.tensors for model in kept.values()}
        bases = Bases(tensors if adapters else {})
        for claim, modules in adapters:
            row += 1
            builder.add_claims(claim.model, [bases.checked(claim, modules)], "weights", row)
        names = sorted([*(str(path.resolve()) for path in paths), *(item.model for item in repositories)])
        run = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
        staging = Staging(catalogue.staging(f"folder-{run}"))
        staging.remove()
        tables = builder.tables() | {
            CHANGES.name: pa.Table.from_pylist(list(map(asdict, changes)), CHANGES.schema),
            SIMILAR.name: Comparison(shelf, device).table(progress),
            TENSORS.name: tensors_of(members),
        }
        staging.write("weights", tables, builder.counts())
        staging.note(WEIGHTS_ANEW, "all")
        sources = [Source("folder", path.name, 0) for path in paths]
        sources += [Source("weights", item.model, 0) for item in repositories]
        return finish(catalogue, staging, sources, max_bad_fraction, progress)


LAST = datetime.max.replace(tzinfo=UTC)


def _facts(model: Member, told: dict[str, datetime]) -> dict[str, Any]:
    """What its files say of a model, as a Hub row says it."""
    counts: Counter[str] = Counter()
    for tensor in model.tensors:
        counts[tensor.dtype] += tensor.count
    facts: dict[str, Any] = {"safetensors": {"parameters": dict(counts), "total": counts.total()}}
    if model.id in told:
        facts["createdAt"] = told[model.id].isoformat()
    return facts


def created_at(catalogue: Catalogue, models: Iterable[str]) -> dict[str, datetime]:
    """The upload times of these models, as far as the catalogue knows them."""
    if not catalogue.head_id():
        return {}
    table = _rows_of(models, catalogue.head().table("models", ["id", "created_at"]), "id")
    pairs = zip(table["id"].to_pylist(), table["created_at"].to_pylist(), strict=True)
    return {id: time for id, time in pairs if time is not None}


def _rows_of(models: Iterable[str], table: pa.Table, column: str) -> pa.Table:
    return table.filter(pc.is_in(table[column], pa.array(list(models), pa.string())))


def _declared(catalogue: Catalogue, models: Iterable[str]) -> dict[str, set[str]]:
    """What these models name as their bases, as the catalogue knows it."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    if catalogue.head_id():
        table = _rows_of(models, catalogue.head().table("claims", ["model", "base_model", "evidence"]), "model")
        columns = (table[name].to_pylist() for name in ("model", "base_model", "evidence"))
        for model, base, evidence in zip(*columns, strict=True):
            if evidence != Evidence.WEIGHTS.value:
                named[model].add(base)
    return named


def _told(path: Path | None) -> dict[str, datetime]:
    if path is None:
        return {}
    try:
        said = json.loads(path.read_bytes())
        times = {str(model): datetime.fromisoformat(time) for model, time in said.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is not a JSON object of ISO 8601 times by model ({error})") from error
    return {model: time if time.tzinfo else time.replace(tzinfo=UTC) for model, time in times.items()}


def claims_of(origin: Origin, tier: Tier = Tier.T2) -> list[ClaimRecord]:
    """What the weights say, as claims; other candidates, and how much was read, stand in the detail."""
    return [_claim(parent, origin, tier) for parent in origin.parents]


def _claim(parent: Parent, origin: Origin, tier: Tier) -> ClaimRecord:
    words = [parent.detail]
    if tier is Tier.T1:
        words.append(f"read in windows ({tier.value})")
    if parent.weight is not None:
        error = f" +- {parent.weight_error:.3f}" if parent.weight_error is not None else ""
        words.append(f"coefficient {parent.weight:.3f}{error}")
    if origin.candidates:
        others = ", ".join(f"{model} {share:.2f}" for model, share in origin.candidates)
        words.append(f"candidates: {others}")
    return ClaimRecord(
        parent.model,
        parent.base_model,
        parent.relation,
        Evidence.WEIGHTS,
        "weights",
        parent.probability,
        "; ".join(words),
    )
