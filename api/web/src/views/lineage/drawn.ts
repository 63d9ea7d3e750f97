/** This file knows which part of what is known is drawn: what was opened, what was asked for by name, and what is left to count. */
import type { Relation } from "../../operations";
import { crowdKey, type Edge, type Fan, type Graph, type Node } from "./graph";

export interface Asked {
  focus: string;
  /** Drawn whatever is open: ancestors, chains, models that were looked for. */
  always: ReadonlySet<string>;
  /** Models whose fan is drawn. */
  open: ReadonlySet<string>;
  /** By crowd: members that are drawn one by one. */
  members: ReadonlyMap<string, readonly string[]>;
}

/** What is left of a fan when some of its members are drawn. */
export interface Crowd {
  parent: string;
  relation: Relation;
  fan: Fan;
  /** How many are not drawn; 0 when all are, and the crowd is there to fold them. */
  left: number;
  drawn: number;
  downloads: number;
  conflicts: number;
  inferred: number;
}

export interface Drawn {
  nodes: ReadonlyMap<string, Node>;
  edges: readonly Edge[];
  crowds: ReadonlyMap<string, ReadonlyMap<Relation, Crowd>>;
  /** By model: descendants that are not drawn, where its fan is not open. */
  hidden: ReadonlyMap<string, number>;
}

export function drawn(graph: Graph, asked: Asked): Drawn {
  const nodes = new Map<string, Node>();
  const waiting = [...asked.always, asked.focus];
  for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
    const node = graph.nodes.get(id);
    if (!node || nodes.has(id)) continue;
    nodes.set(id, node);
    if (!asked.open.has(id)) continue;
    for (const fan of graph.fans.get(id) ?? []) {
      for (const each of fan.named) waiting.push(each.derivation.model.id);
      for (const member of asked.members.get(crowdKey(id, fan.relation)) ?? []) waiting.push(member);
    }
  }
  const edges = [...graph.edges.values()].filter((edge) => nodes.has(edge.model) && nodes.has(edge.base));
  const below = new Map<string, Edge[]>();
  for (const edge of edges) {
    const own = below.get(edge.base);
    if (own) own.push(edge);
    else below.set(edge.base, [edge]);
  }
  const crowds = new Map<string, Map<Relation, Crowd>>();
  const hidden = new Map<string, number>();
  for (const [id, node] of nodes) {
    if (asked.open.has(id) && graph.fans.has(id)) {
      const told = crowdsOf(id, graph, below.get(id) ?? [], asked);
      if (told.size > 0) crowds.set(id, told);
    } else {
      const left = node.descendants - reach(id, below);
      if (left > 0) hidden.set(id, left);
    }
  }
  return { nodes, edges, crowds, hidden };
}

function crowdsOf(id: string, graph: Graph, below: readonly Edge[], asked: Asked): Map<Relation, Crowd> {
  const told = new Map<Relation, Crowd>();
  for (const fan of graph.fans.get(id) ?? []) {
    if (!fan.rest) continue;
    const named = new Set(fan.named.map((each) => each.derivation.model.id));
    const more = below.filter((edge) => edge.relation === fan.relation && !named.has(edge.model));
    const left = Math.max(0, fan.rest.count - more.length);
    if (left === 0 && !asked.members.has(crowdKey(id, fan.relation))) continue;
    told.set(fan.relation, {
      parent: id,
      relation: fan.relation,
      fan,
      left,
      drawn: more.length,
      downloads:
        fan.rest.downloads - more.reduce((sum, edge) => sum + (graph.nodes.get(edge.model)?.downloads ?? 0), 0),
      conflicts: fan.rest.conflicts - more.filter((edge) => edge.conflict).length,
      inferred: fan.rest.inferred - more.filter(byWeightsAlone).length,
    });
  }
  return told;
}

export const byWeightsAlone = (edge: Edge): boolean => edge.evidence.length === 1 && edge.evidence[0] === "WEIGHTS";

/** How many models can be reached along drawn derivations, itself left out. */
function reach(id: string, below: ReadonlyMap<string, readonly Edge[]>): number {
  const seen = new Set<string>([id]);
  const waiting = [id];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop())
    for (const { model } of below.get(at) ?? [])
      if (!seen.has(model)) {
        seen.add(model);
        waiting.push(model);
      }
  return seen.size - 1;
}
