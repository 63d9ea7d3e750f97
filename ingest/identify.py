"""This file knows how one checkpoint without a name is told: read from disk, from the Hub in part, or from a sketch, and compared
with all that the catalogue has read. Nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.records import Relation
from ingest.folders import LAST, created_at, shelf_of
from ingest.weights.assignment import is_anonymous, named_by_content
from ingest.weights.family import SAME_FAMILY, likeness
from ingest.weights.folder import BASE_OF_ADAPTER, checkpoints
from ingest.weights.level import levelled
from ingest.weights.linear_sketch import sketch_of
from ingest.weights.member import Member, is_comparable, member
from ingest.weights.near import MOST_NEAR, near_of
from ingest.weights.origin import Origins
from ingest.weights.parent import Origin
from ingest.weights.parting import FEWEST, is_without_base
from ingest.weights.repository import HubReading, Reading, Repository
from ingest.weights.sequence import sequence
from ingest.weights.shelf import WeightShelf
from ingest.weights.sketch_file import Sketch, is_sketch, parse_sketch, read_sketch, write_sketch
from ingest.weights.sketch_table import SketchTable
from ingest.weights.unknown_base import made_from, stand_in

UNNAMED = "this checkpoint"


def identify(catalogue: Catalogue, target: Path | Repository, hub: HubReading | None = None) -> tuple[Reading, Origin]:
    """What was read of a checkpoint, and what it is. Raises as ``read_one`` does."""
    found = read_one(target, shelf_of(catalogue), hub)
    return found, origin_of(catalogue, found.member)


def identify_sketch(catalogue: Catalogue, data: bytes) -> tuple[Member, Origin]:
    """What a model is of which a stranger sent a sketch. Raises BadInput, DamagedCheckpoint."""
    found = _of_stranger(parse_sketch(Path("the sketch"), data))
    return found, origin_of(catalogue, found)


def read_one(
    target: Path | Repository, shelf: WeightShelf | None = None, hub: HubReading | None = None, device: str = "auto"
) -> Reading:
    """One checkpoint, without its name. ``shelf``: what gives matrices without names theirs.

    Raises BadInput, DamagedCheckpoint; of the Hub also NotFound, Unreachable, Damaged.
    """
    if isinstance(target, Repository):
        return _from_hub(target, hub or HubReading())
    if target.is_file() and is_sketch(target):
        return Reading(_of_stranger(read_sketch(target)))
    found = list(checkpoints(target))
    if len(found) != 1:
        raise BadInput(f"{target} holds {len(found)} checkpoints: give the folder or file of one")
    _no_adapter(str(target), found[0].adapter)
    checkpoint = found[0].read()
    if shelf is not None and is_anonymous(checkpoint):
        checkpoint = named_by_content(checkpoint, shelf.members())
    return Reading(member(UNNAMED, checkpoint, device=device))


def _of_stranger(sketch: Sketch) -> Member:
    """The model of a sketch, without its name and what would have been left out of it here."""
    held = sketch.member.matrices
    return replace(
        sketch.member, id=UNNAMED, matrices={role: values for role, values in held.items() if is_comparable(values)}
    )


def _from_hub(target: Repository, hub: HubReading) -> Reading:
    from ingest.hub.checkpoint import RemoteCheckpoint
    from ingest.hub.session import HubSession

    session = HubSession(hub.endpoint, timeout_seconds=hub.timeout_seconds, pause_seconds=hub.pause_seconds)
    with session.open():
        remote = RemoteCheckpoint(session, target)
        _no_adapter(target.name, remote.adapter)
        found = remote.read(hub.window_bytes)
    return replace(found, member=replace(found.member, id=UNNAMED))


def _no_adapter(name: str, settings: Mapping[str, Any] | None) -> None:
    if settings is not None:
        raise BadInput(
            f"{name} is an adapter, made for {settings.get(BASE_OF_ADAPTER)!r} as its configuration says; "
            "it holds no weights of a model to compare"
        )


def sketch_to(target: Path | Repository, out: Path, hub: HubReading | None = None, device: str = "auto") -> Reading:
    """Write the sketch of one checkpoint, without its name and what it says of itself. Raises as ``read_one`` does.

    ``device``: what sketches a checkpoint on disk, see ``ingest.weights.device``.
    """
    if not out.parent.is_dir():
        raise BadInput(f"{out.parent} is not a folder: give a file in one that is there")
    found = read_one(target, hub=hub, device=device)
    write_sketch(out, found.member)
    return found


def origin_of(catalogue: Catalogue, unknown: Member) -> Origin:
    """What a model that was read is, among those that the catalogue has read: found by its sketch, then compared with the
    near ones and with what these came from.
    """
    shelf = shelf_of(catalogue)
    sketches, known = SketchTable(shelf).refreshed(), shelf.origins()
    created = created_at(catalogue, sketches.models)
    ids = sorted(sketches.models, key=lambda model: (created.get(model, LAST), model))
    near = near_of(sketches, ids).of(sketch_of(unknown)) if len(ids) > MOST_NEAR else ids
    held = set(ids)
    waiting, wanted = list(near), set(near)
    while waiting:
        origin = known.get(waiting.pop())
        more = {parent.base_model for parent in origin.parents} & held - wanted if origin is not None else set()
        waiting += more
        wanted |= more
    *elders, unknown = levelled([*(shelf.member(id, created) for id in ids if id in wanted), unknown])
    told = [elder for elder in elders if elder.id in known and not known[elder.id].is_leaf]
    first = [elder for elder in told if not known[elder.id].parents and likeness(unknown, elder) > SAME_FAMILY]
    bases: list[Member] = []
    if len(first) >= FEWEST:  # were made from none that is there: from one?
        kin = [elder for elder in told if likeness(unknown, elder) > SAME_FAMILY and not _is_merge(known[elder.id])]
        bases = [stand_in(first)] if is_without_base(kin) else []
    family = Origins(bases=bases)
    of_unknown = {elder.id: made_from(elder.id, base.id) for base in bases for elder in first}
    made_of = {id: {parent.base_model for parent in known[id].parents} for id in wanted & known.keys()}
    for elder in sequence(elders, made_of):
        if elder.id in known:
            family.know(elder, of_unknown.get(elder.id, known[elder.id]))
        else:
            family.add(elder)
    return family.add(unknown)


def _is_merge(origin: Origin) -> bool:
    return any(parent.relation is Relation.MERGE for parent in origin.parents)
