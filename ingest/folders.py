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
from graph.errors import BadInput, StemmaError
from graph.records import ClaimRecord, Evidence, Relation
from graph.snapshot import Source
from graph.tables import CHANGES, SIMILAR, TENSORS
from ingest.finish import finish
from ingest.names import Rejected, judge
from ingest.parse import PartBuilder
from ingest.report import MAX_BAD_FRACTION, Progress, Report, Silent
from ingest.staging import WEIGHTS_ANEW, Staging
from ingest.weights.assignment import is_anonymous, named_by_content
from ingest.weights.change import Change, Changes
from ingest.weights.checkpoint import DamagedCheckpoint
from ingest.weights.compare import Comparison
from ingest.weights.folder import Found, checkpoints
from ingest.weights.linear_sketch import sketch_of
from ingest.weights.member import Member, member
from ingest.weights.near import MOST_NEAR, near_of
from ingest.weights.order import chronicle
from ingest.weights.origin import Origins, origins
from ingest.weights.parent import Origin, Parent
from ingest.weights.shelf import WeightShelf, mark_of
from ingest.weights.sketch_file import is_sketch, read_sketch, write_sketch
from ingest.weights.sketch_table import SketchTable
from ingest.weights.tensors import tensors_of

_BASE_OF_ADAPTER = "base_model_name_or_path"
_UNNAMED = "this checkpoint"


def shelf_of(catalogue: Catalogue) -> WeightShelf:
    """Where a catalogue keeps what was read of checkpoints."""
    return WeightShelf(catalogue.folder / "weights")


def ingest_folders(
    catalogue: Catalogue,
    paths: Sequence[Path],
    *,
    dates: Path | None = None,
    blind: bool = False,
    max_bad_fraction: float = MAX_BAD_FRACTION,
    progress: Progress | None = None,
) -> Report:
    """Read checkpoints under these paths, find where they come from, and make the next snapshot HEAD.

    ``blind``: by their weights alone, without upload times and without what models declare of themselves.

    ``dates``: a JSON object of upload times by model, ISO 8601; otherwise the catalogue's own are used. A run that was cut off
    is taken up by the next: what was read is kept. Raises BadInput.
    """
    progress = progress or Silent()
    found = [item for path in paths for item in checkpoints(path)]
    if not found:
        raise BadInput(f"no checkpoint under {', '.join(map(str, paths))}: safetensors, GGUF and ONNX files are known")
    told = _told(dates)
    with catalogue.locked():
        builder = PartBuilder()
        shelf = shelf_of(catalogue)
        adapters = _read(found, shelf, builder, progress)
        created = {} if blind else _created(catalogue) | told
        declared = {} if blind else _declared(catalogue)
        members = sorted(shelf.members(created), key=lambda item: (item.created_at or _LAST, item.id))
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
            builder.add_claims(model.id, claims_of(origin), "weights", row, _facts(model, told))
            progress.advance(1)
        shelf.put_origins(told_of)
        progress.finish()
        for adapter in adapters:
            row += 1
            builder.add_claims(adapter.model, [adapter], "weights", row)
        run = hashlib.sha256("\n".join(sorted(str(path.resolve()) for path in paths)).encode()).hexdigest()[:16]
        staging = Staging(catalogue.staging(f"folder-{run}"))
        staging.remove()
        tables = builder.tables() | {
            CHANGES.name: pa.Table.from_pylist(list(map(asdict, changes)), CHANGES.schema),
            SIMILAR.name: Comparison(shelf).table(progress),
            TENSORS.name: tensors_of(members),
        }
        staging.write("weights", tables, builder.counts())
        staging.note(WEIGHTS_ANEW, "all")
        sources = [Source("folder", path.name, 0) for path in paths]
        return finish(catalogue, staging, sources, max_bad_fraction, progress)


_LAST = datetime.max.replace(tzinfo=UTC)


def _read(found: Iterable[Found], shelf: WeightShelf, builder: PartBuilder, progress: Progress) -> list[ClaimRecord]:
    """Read what was not read before; returns what adapters say of themselves."""
    adapters: list[ClaimRecord] = []
    anonymous: list[tuple[int, Found]] = []  # named by what the others hold, once these are read
    found = list(found)
    progress.start("reading", len(found), "checkpoints")
    for number, item in enumerate(found, 1):
        try:
            settings = item.adapter
            if settings is not None:
                base = judge(str(settings.get(_BASE_OF_ADAPTER, "")))
                if isinstance(base, Rejected):
                    builder.skip("folder", number, base.reason, str(settings.get(_BASE_OF_ADAPTER)), item.model)
                else:
                    where = "adapter_config.json"
                    adapters.append(ClaimRecord(item.model, base, Relation.ADAPTER, Evidence.CONFIG, where))
            elif not _keep(item, shelf, by_content=False):
                anonymous.append((number, item))
        except StemmaError as error:
            _tell(builder, number, item, error)
        progress.advance(1)
    for number, item in anonymous:
        try:
            _keep(item, shelf, by_content=True)
        except StemmaError as error:
            _tell(builder, number, item, error)
    progress.finish()
    return adapters


def _keep(item: Found, shelf: WeightShelf, *, by_content: bool) -> bool:
    """Read a checkpoint unless it was read before. False when its matrices have no names, and are not to be named yet."""
    checkpoint = item.read()
    mark = mark_of(checkpoint)
    if shelf.has(item.model, mark):
        return True
    if is_anonymous(checkpoint):
        if not by_content:
            return False
        checkpoint = named_by_content(checkpoint, shelf.members({}))
    shelf.put(member(item.model, checkpoint), mark)
    return True


def _tell(builder: PartBuilder, number: int, item: Found, error: StemmaError) -> None:
    if isinstance(error, DamagedCheckpoint):
        builder.bad_row("folder", number, "damaged-checkpoint", f"{item.model}: {error.what}")
    else:
        builder.bad_row("folder", number, "not-a-checkpoint", f"{item.model}: {error}")


def _facts(model: Member, told: dict[str, datetime]) -> dict[str, Any]:
    """What its files say of a model, as a Hub row says it."""
    counts: Counter[str] = Counter()
    for tensor in model.tensors:
        counts[tensor.dtype] += tensor.count
    facts: dict[str, Any] = {"safetensors": {"parameters": dict(counts), "total": counts.total()}}
    if model.id in told:
        facts["createdAt"] = told[model.id].isoformat()
    return facts


def _created(catalogue: Catalogue, only: Iterable[str] | None = None) -> dict[str, datetime]:
    """The upload times that the catalogue knows, of all models or of some."""
    if not catalogue.head_id():
        return {}
    table = catalogue.head().table("models", ["id", "created_at"])
    if only is not None:
        table = table.filter(pc.is_in(table["id"], pa.array(list(only), pa.string())))
    pairs = zip(table["id"].to_pylist(), table["created_at"].to_pylist(), strict=True)
    return {id: time for id, time in pairs if time is not None}


def _declared(catalogue: Catalogue) -> dict[str, set[str]]:
    """What models name as their bases, as the catalogue knows it."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    if catalogue.head_id():
        table = catalogue.head().table("claims", ["model", "base_model", "evidence"])
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


def claims_of(origin: Origin) -> list[ClaimRecord]:
    """What the weights say, as claims; other candidates stand in the detail."""
    return [_claim(parent, origin) for parent in origin.parents]


def _claim(parent: Parent, origin: Origin) -> ClaimRecord:
    words = [parent.detail]
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


def read_one(paths: Sequence[Path], shelf: WeightShelf | None = None) -> Member:
    """One checkpoint, read whole, or what a sketch of one holds. Raises BadInput, DamagedCheckpoint."""
    if len(paths) == 1 and paths[0].is_file() and is_sketch(paths[0]):
        return replace(read_sketch(paths[0]).member, id=_UNNAMED)
    found = [item for path in paths for item in checkpoints(path)]
    if len(found) != 1:
        raise BadInput(f"{', '.join(map(str, paths))} holds {len(found)} checkpoints: give the folder or file of one")
    checkpoint = found[0].read()
    if shelf is not None and is_anonymous(checkpoint):
        checkpoint = named_by_content(checkpoint, shelf.members({}))
    return member(_UNNAMED, checkpoint)


def sketch_to(paths: Sequence[Path], out: Path) -> Member:
    """Write the sketch of one checkpoint, without its name and what it says of itself. Raises BadInput, DamagedCheckpoint."""
    if not out.parent.is_dir():
        raise BadInput(f"{out.parent} is not a folder: give a file in one that is there")
    model = read_one(paths)
    write_sketch(out, model)
    return model


def identify(catalogue: Catalogue, path: Path) -> tuple[Member, Origin]:
    """What a checkpoint is, among all that the catalogue has read; nothing is kept. Raises BadInput, DamagedCheckpoint."""
    shelf = shelf_of(catalogue)
    unknown = read_one([path], shelf)
    return unknown, origin_of(catalogue, unknown)


def origin_of(catalogue: Catalogue, unknown: Member) -> Origin:
    """What a model that was read is, among those that the catalogue has read: found by its sketch, then compared with the
    near ones and with what these came from.
    """
    shelf = shelf_of(catalogue)
    sketches, known = SketchTable(shelf).refreshed(), shelf.origins()
    created = _created(catalogue, sketches.models)
    ids = sorted(sketches.models, key=lambda model: (created.get(model, _LAST), model))
    near = near_of(sketches, ids).of(sketch_of(unknown)) if len(ids) > MOST_NEAR else ids
    held = set(ids)
    waiting, wanted = list(near), set(near)
    while waiting:
        origin = known.get(waiting.pop())
        more = {parent.base_model for parent in origin.parents} & held - wanted if origin is not None else set()
        waiting += more
        wanted |= more
    family = Origins()
    for id in ids:
        if id in wanted:
            elder = shelf.member(id, created)
            if id in known:
                family.know(elder, known[id])
            else:
                family.add(elder)
    return family.add(unknown)
