"""This file knows a subset as GEXF 1.2, for Gephi. Edges go from the derived model to its base model."""

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
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">\n'
    yield '<graph defaultedgetype="directed" mode="static">\n'
    for table, what, skipped in ((MODELS, "node", 1), (DERIVATIONS, "edge", 2)):
        yield f'<attributes class="{what}" mode="static">\n'
        for name, kind, _ in table.columns[skipped:]:
            yield f'<attribute id="{what}_{name}" title="{name}" type="{KINDS[kind]}"/>\n'
        yield "</attributes>\n"
    yield "<nodes>\n"
    for values in MODELS.rows(lock):
        name = xml(values[0])
        yield f'<node id="{name}" label="{name}">{_data(MODELS, "node", values, 1)}</node>\n'
    yield "</nodes>\n<edges>\n"
    for number, values in enumerate(DERIVATIONS.rows(lock)):
        ends = f'source="{xml(values[0])}" target="{xml(values[1])}"'
        yield f'<edge id="{number}" {ends} type="directed">{_data(DERIVATIONS, "edge", values, 2)}</edge>\n'
    yield "</edges>\n</graph>\n</gexf>\n"


def _data(table: FlatTable, what: str, values: tuple[object, ...], skipped: int) -> str:
    named = zip(table.names[skipped:], values[skipped:], strict=True)
    inner = (f'<attvalue for="{what}_{name}" value="{xml(value)}"/>' for name, value in named if value is not None)
    return f"<attvalues>{''.join(inner)}</attvalues>"
