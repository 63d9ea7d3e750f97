"""This file knows how answers look: as a tree, a table, JSON, DOT and GraphML. Names come from strangers and are cleaned."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from graph.records import DerivationRecord, ModelRecord, State
from graph.store import Walk


def clean(text: str) -> str:
    """Text without control characters, which could move a terminal's cursor or change its colours."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def number(value: int | None) -> str:
    """A count, short: 1.2k, 3.4M, 7B."""
    if value is None:
        return ""
    for limit, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return str(value)


def date(value: datetime | None) -> str:
    """A day."""
    return value.strftime("%Y-%m-%d") if value else ""


def print_json(value: object) -> None:
    """One JSON value on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(type(value).__name__)


def console() -> Console:
    """Where people read; colours and width as the terminal has them, wide when it is none."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=160)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    """A table for people; ``right`` names the columns of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, name in enumerate(columns):
        table.add_column(name, justify="right" if at in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console().print(table)


def lineage_json(snapshot: str, root: str, walk: Walk, known: Mapping[str, ModelRecord]) -> dict[str, Any]:
    """A walk as the scripts of others read it."""
    return {
        "snapshot": snapshot,
        "root": root,
        "nodes": [
            {
                "id": node.id,
                "distance": node.distance,
                "state": known[node.id].state.value,
                "downloads": known[node.id].downloads,
                "licence": known[node.id].licence,
                "created_at": known[node.id].created_at,
            }
            for node in walk.nodes
        ],
        "edges": [
            {
                "model": edge.model,
                "base_model": edge.base_model,
                "relation": edge.relation.value,
                "evidence": [evidence.value for evidence in edge.evidence],
                "conflict": edge.conflict,
            }
            for edge in walk.edges
        ],
        "total_ancestors": walk.total_ancestors,
        "total_descendants": walk.total_descendants,
        "truncated": [{"id": hidden.id, "hidden": hidden.hidden} for hidden in walk.hidden],
    }


def lineage_tree(root: str, walk: Walk, known: Mapping[str, ModelRecord]) -> Tree:
    """A walk as a tree: its topmost models, down to the one asked for, and on to what was made from it.

    A model with several base models stands in full under the first and is only referred to under the others.
    """
    children: dict[str, list[DerivationRecord]] = {}
    has_base = set()
    for edge in walk.edges:
        children.setdefault(edge.base_model, []).append(edge)
        has_base.add(edge.model)
    place = {node.id: at for at, node in enumerate(walk.nodes)}
    for edges in children.values():
        edges.sort(key=lambda edge: place[edge.model])
    hidden = {item.id: item.hidden for item in walk.hidden}
    seen: set[str] = set()
    tops = [node.id for node in walk.nodes if node.id not in has_base] or [root]
    total = 1 + walk.total_ancestors + walk.total_descendants
    whole = Tree(Text(f"{len(walk.nodes)} of {total} models" if total > 1 else "no relatives are known", style="dim"))
    for top in [*tops, root, *(node.id for node in walk.nodes)]:  # what lies only on cycles has no top of its own
        if top not in seen:
            _grow(
                whole,
                top,
                children,
                hidden,
                seen,
                lambda name, by, again: _label(name, root, known[name], by, again=again),
            )
    return whole


def _grow(
    whole: Tree,
    top: str,
    children: Mapping[str, list[DerivationRecord]],
    hidden: Mapping[str, int],
    seen: set[str],
    label: Callable[[str, DerivationRecord | None, bool], Text],
) -> None:
    """Add a model and everything below it, without recursion: a lineage can be deeper than the interpreter's stack."""
    stack: list[tuple[Tree, str | Text, DerivationRecord | None]] = [(whole, top, None)]
    while stack:
        branch, item, by = stack.pop()
        if isinstance(item, Text):
            branch.add(item)
            continue
        again = item in seen
        node = branch.add(label(item, by, again))
        if again:
            continue
        seen.add(item)
        if hidden.get(item):
            stack.append((node, Text(f"+{hidden[item]} more", style="dim italic"), None))
        stack += [(node, edge.model, edge) for edge in reversed(children.get(item, []))]


def _label(id: str, root: str, model: ModelRecord, edge: DerivationRecord | None, *, again: bool) -> Text:
    label = Text(clean(id), style="bold green" if id == root else "dim" if model.state is State.MISSING else "")
    if edge is not None:
        label.append(f"  {edge.relation.value}", style="cyan")
    if model.downloads is not None:
        label.append(f"  {number(model.downloads)}", style="dim")
    if model.state is not State.LISTED:
        label.append(f"  {model.state.value}", style="dim")
    if edge is not None and edge.conflict:
        label.append("  conflict", style="red")
    if edge is not None and edge.cycle:
        label.append("  cycle", style="red")
    if again:
        label.append("  (above)", style="dim")
    return label


def lineage_dot(walk: Walk) -> str:
    """A walk in Graphviz's language; arrows go from base models to derived ones."""
    lines = ["digraph lineage {", "  rankdir=LR;"]
    lines += [f"  {_quoted(node.id)};" for node in walk.nodes]
    lines += [
        f"  {_quoted(edge.base_model)} -> {_quoted(edge.model)} [label={_quoted(edge.relation.value)}];"
        for edge in walk.edges
    ]
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return '"' + clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def lineage_graphml(walk: Walk, known: Mapping[str, ModelRecord]) -> str:
    """A walk as GraphML; edges go from the derived model to its base model."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    for node in walk.nodes:
        model = known[node.id]
        facts = {
            "distance": node.distance,
            "state": model.state.value,
            "downloads": model.downloads,
            "licence": model.licence,
        }
        graph.add_node(clean(node.id), **{name: value for name, value in facts.items() if value is not None})
    for edge in walk.edges:
        evidence = ",".join(word.value for word in edge.evidence)
        graph.add_edge(clean(edge.model), clean(edge.base_model), relation=edge.relation.value, evidence=evidence)
    return "\n".join(nx.generate_graphml(graph))
