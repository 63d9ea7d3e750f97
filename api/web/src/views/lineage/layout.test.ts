import { describe, expect, it } from "vitest";
import scenes from "../../../../../tests/lineage_scenes.json";
import type { Relation } from "../../operations";
import type { Edge, Node } from "./graph";
import { layOut } from "./layout";

interface Drawn {
  name: string;
  models: { id: string; downloads?: number; descendants?: number; novelty?: number | null }[];
  edges: {
    model: string;
    base: string;
    relation: Relation;
    evidence: string[];
    confidence?: number;
    conflict?: boolean;
    cycle?: boolean;
  }[];
  crowds: Record<string, Record<string, number>>;
  items: [string, number, number, number, number][];
  overlays: [string, string][];
  rows: number;
  columns: number;
}

const SCENES = scenes as unknown as Drawn[];

const node = (id: string, more: Partial<Node> = {}): Node => ({
  id,
  state: "LISTED",
  created: null,
  downloads: null,
  descendants: 0,
  licence: null,
  novelty: null,
  kind: null,
  ...more,
});

const edge = (model: string, base: string, more: Partial<Edge> = {}): Edge => ({
  model,
  base,
  relation: "FINETUNE",
  evidence: ["HUB"],
  confidence: null,
  conflict: false,
  cycle: false,
  cosine: null,
  ...more,
});

describe("the scenes that the service draws too", () => {
  it.each(SCENES.map((scene) => [scene.name, scene] as const))("%s", (_, scene) => {
    const nodes = new Map(scene.models.map((each) => [each.id, node(each.id, each)]));
    const edges = scene.edges.map((each) => edge(each.model, each.base, each));
    const crowds = new Map(
      Object.entries(scene.crowds).map(([id, told]) => [id, new Set(Object.keys(told) as Relation[])] as const),
    );
    const laid = layOut(nodes, edges, crowds);
    expect(laid.items.map((item) => [item.key, item.column, item.row, item.first, item.last])).toEqual(scene.items);
    expect(laid.overlays.map((each) => [each.model, each.base])).toEqual(scene.overlays);
    expect([laid.rows, laid.columns]).toEqual([scene.rows, scene.columns]);
  });
});

describe("many models", () => {
  it("gives 2,500 a row each and counts siblings", () => {
    const ids = Array.from({ length: 2500 }, (_, at) => `m${at}`);
    const nodes = new Map(["root", ...ids].map((id) => [id, node(id)]));
    const laid = layOut(
      nodes,
      ids.map((id) => edge(id, "root")),
      new Map(),
    );
    expect(laid.rows).toBe(2500);
    expect(new Set(laid.items.slice(1).map((item) => item.row)).size).toBe(2500);
    expect(laid.items.slice(1).every((item) => item.siblings === 2500)).toBe(true);
    expect(laid.items[0]?.row).toBe(1249.5);
  });

  it("follows a chain longer than a call stack", () => {
    const ids = Array.from({ length: 20_000 }, (_, at) => `m${at}`);
    const nodes = new Map(ids.map((id) => [id, node(id)]));
    const laid = layOut(
      nodes,
      ids.slice(1).map((id, at) => edge(id, `m${at}`)),
      new Map(),
    );
    expect(laid.columns).toBe(20_000);
  });

  it("puts parents above their children on lines of their own", () => {
    const nodes = new Map(["a", "b", "c"].map((id) => [id, node(id)]));
    const laid = layOut(
      nodes,
      [edge("b", "a"), edge("c", "b")],
      new Map([["a", new Set<Relation>(["QUANTIZED"])]]),
      true,
    );
    expect(laid.items.map((item) => [item.key, item.row])).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 2],
      ["a QUANTIZED", 3],
    ]);
  });
});
