/** This file knows where things stand in the picture: the rules of graph/scene.py, and both are held to tests/lineage_scenes.json. */
import type { Relation } from "../../operations";
import { crowdKey, type Edge, type Node } from "./graph";

export const ORDER: readonly Relation[] = [
  "FINETUNE",
  "MERGE",
  "EXPANDED",
  "PRUNED",
  "UNKNOWN",
  "RECAST",
  "PERMUTED",
  "IDENTICAL",
  "ADAPTER",
  "QUANTIZED",
];
const STRENGTH = ["WEIGHTS", "CONFIG", "TAG", "CARD", "HUB"];
const bytes = new TextEncoder();

export interface Item {
  /** The model's name, or the parent's name and the relation. */
  key: string;
  /** Null for a crowd. */
  model: string | null;
  parent: string | null;
  relation: Relation | null;
  column: number;
  row: number;
  /** The rows of its children; its own without any. */
  first: number;
  last: number;
  /** Its place among its siblings, from 1, and how many there are. */
  place: number;
  siblings: number;
}

export interface Scene {
  items: readonly Item[];
  overlays: readonly Edge[];
  primary: ReadonlyMap<string, Edge>;
  rows: number;
  columns: number;
}

/** Names compare as UTF-8 bytes, as everywhere in Stemma. */
export function byName(one: string, other: string): number {
  const a = bytes.encode(one);
  const b = bytes.encode(other);
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const apart = (a[at] ?? 0) - (b[at] ?? 0);
    if (apart !== 0) return apart;
  }
  return a.length - b.length;
}

export const interest = (node: Node, edge: Edge): number =>
  Math.log1p(node.downloads ?? 0) +
  4 * Math.log1p(node.descendants) +
  (3 * (node.novelty ?? 0)) / 100 +
  (edge.conflict ? 3 : 0);

function worth(edge: Edge, nodes: ReadonlyMap<string, Node>): [number, number, number, number] {
  return [
    edge.cycle ? 0 : 1,
    Math.max(0, ...edge.evidence.map((word) => STRENGTH.indexOf(word) + 1)),
    edge.confidence ?? 1,
    nodes.get(edge.base)?.downloads ?? -1,
  ];
}

/** For each model with a base model in the picture, the derivation that it stands by. */
export function primaryEdges(edges: readonly Edge[], nodes: ReadonlyMap<string, Node>): Map<string, Edge> {
  const weighed = edges.map((edge) => ({ edge, worth: worth(edge, nodes) }));
  weighed.sort((a, b) => {
    for (let at = 0; at < 4; at++) {
      const apart = (b.worth[at] ?? 0) - (a.worth[at] ?? 0);
      if (apart !== 0) return apart;
    }
    return byName(a.edge.base, b.edge.base);
  });
  const best = new Map<string, Edge>();
  const tops = new Map<string, string>(); // towards the top of what has been joined, with the ways shortened
  function top(id: string): string {
    let end = id;
    for (let next = tops.get(end); next !== undefined; next = tops.get(end)) end = next;
    for (let at = id; at !== end; ) {
      const next = tops.get(at) ?? end;
      tops.set(at, end);
      at = next;
    }
    return end;
  }
  for (const { edge } of weighed) {
    if (best.has(edge.model) || top(edge.base) === edge.model) continue;
    best.set(edge.model, edge);
    tops.set(edge.model, edge.base);
  }
  return best;
}

/**
 * The picture of these models, in the order given. `edges` are among them; `crowds` says of which relations a model's crowds are
 * told. With `lines`, every item has a row of its own, parents above their children.
 */
export function layOut(
  nodes: ReadonlyMap<string, Node>,
  edges: readonly Edge[],
  crowds: ReadonlyMap<string, ReadonlySet<Relation>>,
  lines = false,
): Scene {
  const primary = primaryEdges(edges, nodes);
  const children = new Map<string, { edge: Edge; order: number; interest: number }[]>();
  for (const edge of primary.values()) {
    const node = nodes.get(edge.model);
    if (!node) continue;
    const child = { edge, order: ORDER.indexOf(edge.relation), interest: interest(node, edge) };
    const own = children.get(edge.base);
    if (own) own.push(child);
    else children.set(edge.base, [child]);
  }
  for (const own of children.values())
    own.sort((a, b) => a.order - b.order || b.interest - a.interest || byName(a.edge.model, b.edge.model));
  const items: Item[] = [];
  let row = 0;

  function leaf(item: Omit<Item, "row" | "first" | "last">): Item {
    const placed = { ...item, row, first: row, last: row };
    items.push(placed);
    row++;
    return placed;
  }

  // a stack of its own: chains of derivations may be longer than a browser's
  interface Open {
    item: Item;
    left: (string | Relation)[];
    relations: (Relation | null)[];
    stood: Item[];
    siblings: number;
  }
  const open: Open[] = [];

  function begin(
    id: string,
    parent: string | null,
    relation: Relation | null,
    column: number,
    place: number,
    of: number,
  ) {
    const own = children.get(id) ?? [];
    const told = crowds.get(id) ?? new Set<Relation>();
    const base = { key: id, model: id, parent, relation, column, place, siblings: of };
    if (own.length === 0 && told.size === 0) return leaf(base);
    const item: Item = { ...base, row: 0, first: 0, last: 0 };
    items.push(item);
    if (lines) item.row = row++;
    const left: string[] = [];
    const relations: (Relation | null)[] = [];
    for (const kind of ORDER) {
      for (const child of own)
        if (child.edge.relation === kind) {
          left.push(child.edge.model);
          relations.push(null);
        }
      if (told.has(kind)) {
        left.push(crowdKey(id, kind));
        relations.push(kind);
      }
    }
    open.push({ item, left, relations, stood: [], siblings: left.length });
    return null;
  }

  function end(done: Open): void {
    const first = done.stood[0];
    const last = done.stood[done.stood.length - 1];
    if (!first || !last) return;
    const { item } = done;
    if (lines) {
      item.first = item.last = item.row;
      return;
    }
    item.first = first.row;
    item.last = last.row;
    item.row = (first.row + last.row) / 2;
  }

  for (const id of nodes.keys()) {
    if (primary.has(id)) continue;
    begin(id, null, null, 0, 1, 1);
    while (open.length > 0) {
      const now = open[open.length - 1];
      if (!now) break;
      const at = now.stood.length;
      const key = now.left[at];
      if (key === undefined) {
        end(now);
        open.pop();
        continue;
      }
      const kind = now.relations[at] ?? null;
      const column = now.item.column + 1;
      if (kind !== null) {
        const crowd = { key, model: null, parent: now.item.key, relation: kind, column };
        now.stood.push(leaf({ ...crowd, place: at + 1, siblings: now.siblings }));
        continue;
      }
      const before = items.length;
      begin(key, now.item.key, primary.get(key)?.relation ?? null, column, at + 1, now.siblings);
      const placed = items[before];
      if (placed) now.stood.push(placed);
    }
  }
  const overlays = edges.filter((edge) => primary.get(edge.model) !== edge && edge.model !== edge.base);
  const columns = 1 + items.reduce((most, item) => Math.max(most, item.column), 0);
  return { items, overlays, primary, rows: row, columns };
}
