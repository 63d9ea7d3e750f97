"""This file knows a subset as a CycloneDX 1.6 ML-BOM: a component for each model, with its files, licences and pedigree.

The sha256 of a file is one of its hashes; a git blob id is no plain hash of the content and stands among the properties. A licence
off the SPDX list goes by its name on the Hub.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graph.spdx import SPDX_ID
from graph.subset.exports.marks import address, purl, written
from graph.subset.lock import Lock, canonical
from graph.subset.rows import Base, File, Licence, Row

_NAMESPACE = uuid.UUID("9f1f2a0e-8f0b-5a8e-9a52-7c4b8c1d6e10")  # of serial numbers: one for each digest


def write(lock: Lock, path: Path) -> None:
    """Write one file, a component at a time."""
    with path.open("wb") as file:
        file.writelines(_pieces(lock))


def _pieces(lock: Lock) -> Iterator[bytes]:
    head = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, lock.digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "data",
                "bom-ref": "subset",
                "name": lock.query.title or "subset",
                "version": lock.digest[:16],
            },
            "properties": _properties({"digest": lock.digest, "snapshot": lock.snapshot}),
        },
    }
    yield canonical(head)[:-1] + b',"components":['
    for number, row in enumerate(lock.models):
        yield b",\n" * bool(number) + canonical(_component(row))
    yield b"]}\n"


def _component(row: Row) -> dict[str, Any]:
    name = purl(row.model, row.commit)
    facts = {
        "state": row.state,
        "gated": row.gated,
        "hub_id": row.hub_id,
        "novelty": row.novelty,
        "novelty_class": row.novelty_class,
        "ability": None if row.ability is None else row.ability.index,
        "parameters": row.parameters,
        "why": row.why.text(),
        "files": "not known" if row.files is None else None,
    }
    card = {"task": row.task, "architectureFamily": row.architecture}
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": name,
        "name": row.model,
        "purl": name,
        "externalReferences": [{"type": "distribution", "url": address(row.model, row.commit)}],
        "properties": _properties(facts),
    }
    if row.author:
        component["publisher"] = row.author
    if row.commit:
        component["version"] = row.commit
    if row.licence:
        component["licenses"] = [{"license": _licence(row.licence)}]
    if any(card.values()):
        component["modelCard"] = {"modelParameters": {key: value for key, value in card.items() if value}}
    if row.files:
        component["components"] = [_file(file) for file in row.files]
    if row.bases:
        component["pedigree"] = {"ancestors": [_ancestor(base) for base in row.bases]}
    return component


def _licence(licence: Licence) -> dict[str, Any]:
    known = SPDX_ID.get(licence.id)
    return {"id" if known else "name": known or licence.id, "acknowledgement": "declared"}


def _file(file: File) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "file", "name": file.path}
    if file.sha256:
        component["hashes"] = [{"alg": "SHA-256", "content": file.sha256}]
    facts = {"size": file.size, "git_blob": file.git_blob}
    if any(value is not None for value in facts.values()):
        component["properties"] = _properties(facts)
    return component


def _ancestor(base: Base) -> dict[str, Any]:
    name = purl(base.model, None)
    facts = {
        "relation": base.relation,
        "evidence": " ".join(base.evidence),
        "inside": base.inside,
        "conflict": base.conflict,
    }
    return {"type": "machine-learning-model", "name": base.model, "purl": name, "properties": _properties(facts)}


def _properties(facts: dict[str, Any]) -> list[dict[str, str]]:
    """Name and value pairs under our own prefix."""
    known = ((name, value) for name, value in facts.items() if value is not None)
    return [{"name": f"stemma:{name}", "value": written(value)} for name, value in known]
