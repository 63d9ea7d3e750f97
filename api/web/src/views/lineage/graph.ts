/** This file knows what of a lineage has been asked for so far: models, derivations, and the fans that count the rest. */
import type { Card, Fans, Line, Relation } from "../../operations";

export interface Node {
  id: string;
  state: string;
  /** Milliseconds since 1970. */
  created: number | null;
  downloads: number | null;
  descendants: number;
  licence: string | null;
  novelty: number | null;
  kind: string | null;
}

export interface Edge {
  model: string;
  base: string;
  relation: Relation;
  evidence: readonly string[];
  confidence: number | null;
  conflict: boolean;
  cycle: boolean;
  /** How alike the weights are, where both were read. */
  cosine: number | null;
}

export type Fan = Fans["fan"][number];

export interface Graph {
  nodes: ReadonlyMap<string, Node>;
  /** By `edgeKey`. */
  edges: ReadonlyMap<string, Edge>;
  fans: ReadonlyMap<string, readonly Fan[]>;
}

export const EMPTY: Graph = { nodes: new Map(), edges: new Map(), fans: new Map() };

export const edgeKey = (model: string, base: string): string => `${model} ${base}`;
export const crowdKey = (parent: string, relation: string): string => `${parent} ${relation}`;

/** A place in an answer's columns; the service always fills them. */
function at<Value>(column: readonly Value[], place: number): Value {
  const value = column[place];
  if (value === undefined) throw new Error(`a packed lineage has no row ${place}`);
  return value;
}

interface Packed {
  nodes: {
    id: string[];
    state: string[];
    downloads: (number | null)[];
    licence: (string | null)[];
    createdAt: (string | null)[];
    descendants: number[];
    novelty: (number | null)[];
    noveltyClass: (string | null)[];
  };
  edges: {
    model: number[];
    baseModel: number[];
    relation: Relation[];
    evidence: string[][];
    confidence: (number | null)[];
    conflict: boolean[];
    cycle: boolean[];
  };
}

const time = (text: string | null): number | null => (text === null ? null : Date.parse(text));

/** The models and derivations of a packed lineage. */
export function unpacked(answer: unknown): { nodes: Node[]; edges: Edge[] } {
  const { nodes, edges } = answer as Packed;
  return {
    nodes: nodes.id.map((id, place) => ({
      id,
      state: at(nodes.state, place).toUpperCase(),
      created: time(at(nodes.createdAt, place)),
      downloads: at(nodes.downloads, place),
      descendants: at(nodes.descendants, place),
      licence: at(nodes.licence, place),
      novelty: at(nodes.novelty, place),
      kind: at(nodes.noveltyClass, place),
    })),
    edges: edges.model.map((model, place) => ({
      model: at(nodes.id, model),
      base: at(nodes.id, at(edges.baseModel, place)),
      relation: at(edges.relation, place),
      evidence: at(edges.evidence, place),
      confidence: at(edges.confidence, place),
      conflict: at(edges.conflict, place),
      cycle: at(edges.cycle, place),
      cosine: null,
    })),
  };
}

export function nodeOf(card: Card, novelty: number | null = null, kind: string | null = null): Node {
  return {
    id: card.id,
    state: card.state,
    created: time(card.createdAt),
    downloads: card.downloads,
    descendants: card.totalDescendants,
    licence: card.licence,
    novelty,
    kind,
  };
}

export const edgeOf = (model: string, base: string, line: Line, cosine: number | null = null): Edge => ({
  model,
  base,
  relation: line.relation,
  evidence: line.evidence,
  confidence: line.confidence,
  conflict: line.conflict,
  cycle: line.cycle,
  cosine,
});

/** The graph with more in it. What is known of a model's novelty or of a likeness is not forgotten. */
export function withMore(graph: Graph, nodes: readonly Node[], edges: readonly Edge[]): Graph {
  const known = new Map(graph.nodes);
  for (const node of nodes) {
    const before = known.get(node.id);
    known.set(node.id, {
      ...node,
      novelty: node.novelty ?? before?.novelty ?? null,
      kind: node.kind ?? before?.kind ?? null,
    });
  }
  const lines = new Map(graph.edges);
  for (const edge of edges) {
    const key = edgeKey(edge.model, edge.base);
    lines.set(key, { ...edge, cosine: edge.cosine ?? lines.get(key)?.cosine ?? null });
  }
  return { nodes: known, edges: lines, fans: graph.fans };
}

/** The graph with the fan of one model. */
export function withFan(graph: Graph, id: string, fans: readonly Fan[]): Graph {
  const named = fans.flatMap((fan) => fan.named);
  const more = withMore(
    graph,
    named.map((each) => nodeOf(each.derivation.model, each.novelty, each.noveltyClass)),
    named.map((each) => edgeOf(each.derivation.model.id, id, each.derivation, each.cosine)),
  );
  return { ...more, fans: new Map(graph.fans).set(id, fans) };
}
