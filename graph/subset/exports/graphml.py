"""This file knows a subset as GraphML, for Gephi, yEd, igraph and networkx. Edges go from the derived model to its base model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graph.subset.exports.marks import xml
from graph.subset.exports.tables import DERIVATIONS, KINDS, MODELS, FlatTable
from graph.subset.lock import Lock


def write(lock: Lock, path: Path) -> None:
    """Write one file, an element at a time."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_pieces(lock))


def _pieces(lock: Lock) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    for table, what, skipped in ((MODELS, "node", 1), (DERIVATIONS, "edge", 2)):
        for name, kind, _ in table.columns[skipped:]:
            yield f'<key id="{what}_{name}" for="{what}" attr.name="{name}" attr.type="{KINDS[kind]}"/>\n'
    yield '<graph edgedefault="directed">\n'
    for values in MODELS.rows(lock):
        yield f'<node id="{xml(values[0])}">{_data(MODELS, "node", values, 1)}</node>\n'
    for values in DERIVATIONS.rows(lock):
        yield f'<edge source="{xml(values[0])}" target="{xml(values[1])}">{_data(DERIVATIONS, "edge", values, 2)}</edge>\n'
    yield "</graph>\n</graphml>\n"


def _data(table: FlatTable, what: str, values: tuple[object, ...], skipped: int) -> str:
    named = zip(table.names[skipped:], values[skipped:], strict=True)
    return "".join(f'<data key="{what}_{name}">{xml(value)}</data>' for name, value in named if value is not None)
